//! Programs that misbehave, in place of ffmpeg. Perl is part of every Debian, and has a word for every mischief.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::error::{FilmError, MediaError};
use crate::sandbox::run::Extra;
use crate::sandbox::{Budget, Ran, Sandbox, SandboxError, judged, proof, run};

const BUDGET: Budget =
    Budget { memory_bytes: 512 << 20, cpu_seconds: 2, wall: Duration::from_secs(20), output_bytes: 1_000_000 };

/// Proven once for all tests.
fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    let find = || Sandbox::find().unwrap_or_else(|error| panic!("`cargo xtask test` installs what is needed: {error}"));
    SANDBOX.get_or_init(find)
}

fn perl_within(code: &str, budget: Budget) -> (Ran, String) {
    let mut output = Vec::new();
    let perl = Extra::Program(Path::new("/usr/bin/perl"));
    let ran = sandbox().run(perl, &[], &mut code.as_bytes(), &mut output, budget);
    (ran, String::from_utf8_lossy(&output).into_owned())
}

fn perl(code: &str) -> (Ran, String) {
    perl_within(code, BUDGET)
}

fn refusal(ran: Ran) -> MediaError {
    judged(ran).unwrap_err()
}

/// What is put on films is an organisation's, and never on a disk.
#[test]
fn a_second_input_is_in_memory_alone() {
    use std::os::fd::AsRawFd;
    let file = run::handed(c"second", b"pixels").unwrap();
    let place = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    assert!(place.to_string_lossy().starts_with("/memfd:second"), "{place:?}");

    let words = ["-nostdin", "-v", "error", "-protocol_whitelist", "pipe", "-f", "data", "-i", run::SECOND];
    let words = [&words[..], &["-map", "0", "-c", "copy", "-f", "data", "pipe:1"]].concat();
    let mut through = Vec::new();
    let ran = sandbox().ffmpeg_with(b"pixels", &words, &mut std::io::empty(), &mut through, BUDGET);
    assert_eq!((ran.code, through.as_slice()), (Some(0), &b"pixels"[..]), "{ran:?}");
}

#[test]
fn a_program_that_behaves_runs() {
    let (ran, output) = perl("print 'fine'");
    assert_eq!((ran.code, output.as_str()), (Some(0), "fine"), "{ran:?}");
    assert_eq!(judged(ran), Ok(()));
}

/// Bad inputs 31 and 32: whatever a film makes ffmpeg try, nobody is reached and nothing is read.
#[test]
fn no_network_and_no_files() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!(
        "use Socket; for my $d (AF_INET, AF_INET6, AF_UNIX) {{ socket(my $s, $d, SOCK_STREAM, 0) and print 'socket' }} \
         socket(my $t, AF_INET, SOCK_STREAM, 0) and connect($t, sockaddr_in({port}, inet_aton('127.0.0.1'))) and print 'reached'"
    );
    let (ran, output) = perl(&connect);
    assert_eq!((ran.code, output.as_str()), (Some(0), ""), "{ran:?}");
    assert!(listener.accept().is_err(), "0 attempts arrive");

    for path in [
        "/etc/passwd",
        "/etc/hostname",
        "/root",
        "/home",
        "/proc/self/environ",
        "/sys",
        "/dev/mem",
        "/tmp",
        "/var",
        "/run",
    ] {
        let (_, output) = perl(&format!("print 'there' if -e '{path}'"));
        assert_eq!(output, "", "{path}");
    }
    for path in ["/x", "/tmp/x", "/usr/lib/x", "/usr/bin/x", "/etc/x"] {
        let (_, output) = perl(&format!("print 'written' if open(my $f, '>', '{path}')"));
        assert_eq!(output, "", "{path}");
    }
    let (_, output) = perl("print join ',', sort keys %ENV");
    assert_eq!(output, "PWD", "an empty environment");
    let (_, output) = perl("print 'a shell' if -e '/bin/sh' or -e '/usr/bin/sh'");
    assert_eq!(output, "");

    // ffmpeg itself, told to read a playlist that names files and hosts.
    let playlist =
        format!("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n");
    for words in [
        vec!["-f", "hls", "-i", "pipe:0"],
        vec!["-protocol_whitelist", "pipe", "-format_whitelist", "mov", "-f", "mov", "-i", "pipe:0"],
        vec!["-protocol_whitelist", "file,http,tcp,pipe", "-f", "hls", "-i", "pipe:0"],
        vec!["-safe", "0", "-f", "concat", "-i", "pipe:0"],
        vec!["-i", "subfile,,start,0,end,10,,:/etc/passwd"],
    ] {
        let mut output = Vec::new();
        let words =
            [&["-nostdin", "-v", "error"], &words[..], &["-map", "0", "-c", "copy", "-f", "data", "pipe:1"]].concat();
        let ran = sandbox().ffmpeg(&words, &mut playlist.as_bytes(), &mut output, BUDGET);
        assert!(ran.code != Some(0) && output.is_empty(), "{words:?}");
    }
    assert!(listener.accept().is_err(), "0 attempts arrive");
}

/// Bad input 35.
#[test]
fn a_program_that_takes_all_processor_time_is_killed() {
    let started = Instant::now();
    let (ran, _) = perl("1 while 1");
    assert_eq!(refusal(ran), FilmError::Conversion("it took more than it may").into());
    let (ran, _) = perl("$SIG{XCPU} = 'IGNORE'; 1 while 1");
    assert_eq!(refusal(ran), FilmError::Conversion("it took more than it may").into());
    let (ran, _) = perl_within("sleep 60", Budget { wall: Duration::from_millis(500), ..BUDGET });
    assert_eq!(refusal(ran), FilmError::Interrupted("it took too long").into());
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

/// Bad input 35, with ffmpeg: hours of pictures of 8K.
#[test]
fn a_film_that_takes_all_processor_time_is_killed() {
    let started = Instant::now();
    let words = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=7680x4320:rate=30:duration=36000"];
    let words = [&words[..], &["-c:v", "libx264", "-threads", "2", "-f", "null", "-"]].concat();
    let budget = Budget { memory_bytes: 4 << 30, ..BUDGET };
    let ran = sandbox().ffmpeg(&words, &mut std::io::empty(), &mut Vec::new(), budget);
    assert_eq!(refusal(ran), FilmError::Conversion("it took more than it may").into());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

/// A sandbox that does not hold is found out: here a program in place of bubblewrap that starts what it gets as it is.
#[test]
fn a_sandbox_that_leaks_is_refused() {
    let folder = std::env::temp_dir().join(format!("shutterpost-no-sandbox-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let fake = |name: &str, script: &str| {
        let path = folder.join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Sandbox { bwrap: path, ..sandbox().clone() }
    };
    let open = fake("open", "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n");
    assert_eq!(proof::reads_no_files(&open), Err(SandboxError::Leaks("it reads files of this machine")));
    assert_eq!(proof::reaches_nobody(&open), Err(SandboxError::Leaks("it reaches the network")));
    assert_eq!(proof::prove(&open), Err(SandboxError::Leaks("system calls are not filtered")));
    let broken = fake("broken", "#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n");
    let expected = SandboxError::DoesNotStart("No permissions to create new namespace".to_owned());
    assert_eq!(proof::prove(&broken), Err(expected));
    std::fs::remove_dir_all(folder).unwrap();
}

/// Bad input 36.
#[test]
fn crashes_and_forks_stay_inside() {
    let (ran, _) = perl("unpack 'p', pack 'J', 1; sleep 10");
    assert_eq!(refusal(ran), FilmError::Conversion("the converter crashed").into());
    let (ran, output) = perl(
        "for (1..1000) { my $p = fork; print defined $p ? 'forked' : '' } system('/usr/bin/perl', '-e', 'print 1')",
    );
    assert_eq!((ran.code.is_some(), output.as_str()), (true, ""), "no process but its own");
    let (ran, output) = perl("my $x = 'x' x (1 << 30); print length $x");
    assert!(ran.code != Some(0) && output.is_empty(), "memory is limited");
    let (ran, output) = perl("$| = 1; print 'x' x 100_000 for 1..1000");
    assert_eq!(refusal(ran), FilmError::Conversion("more came out than may").into());
    assert!(output.len() <= 1_000_000);
}

#[test]
fn nothing_is_left_behind() {
    let processes = || {
        let ours = std::process::id().to_string();
        let children = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1).map(str::to_owned));
            parent.as_deref() == Some(&ours)
        });
        children.count()
    };
    // Other tests run theirs meanwhile, each of which ends: only what stays counts.
    perl_within("sleep 60", Budget { wall: Duration::from_millis(200), ..BUDGET });
    let deadline = Instant::now() + Duration::from_secs(60);
    while processes() > 0 {
        assert!(Instant::now() < deadline, "a child stays");
        std::thread::yield_now();
    }
}

#[test]
fn a_source_that_fails_is_not_the_films_fault() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let words =
        ["-nostdin", "-v", "error", "-f", "data", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "data", "pipe:1"];
    let ran = sandbox().ffmpeg(&words, &mut Broken, &mut Vec::new(), BUDGET);
    assert_eq!(refusal(ran), FilmError::Unreadable(std::io::ErrorKind::ConnectionReset).into());
}
