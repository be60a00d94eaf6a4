//! The programs that make and read test files. `cargo xtask test` installs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use shutterpost_media::sandbox::Sandbox;
use shutterpost_media::video::{Video, VideoLimits};

pub fn ffmpeg() -> &'static str {
    "ffmpeg"
}

/// Proven once for all tests.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        Sandbox::find().unwrap_or_else(|error| panic!("`cargo xtask test` installs what is needed: {error}"))
    })
}

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("shutterpost-media-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn run(program: &str, words: impl IntoIterator<Item = String>) -> Vec<u8> {
    let output = Command::new(program).args(words).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask test` installs it"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A file that ffmpeg makes, by its words.
pub fn made(name: &str, words: &str) -> Vec<u8> {
    let folder = Folder::new();
    let file = folder.path().join(name);
    let all = ["-nostdin", "-v", "error"].into_iter().chain(words.split(' ')).map(str::to_owned);
    run(ffmpeg(), all.chain([file.to_string_lossy().into_owned()]));
    std::fs::read(file).unwrap()
}

/// Every picture of a film as RGB, upright.
pub fn shown(film: &[u8]) -> Vec<Vec<[u8; 3]>> {
    let folder = Folder::new();
    let file = folder.path().join("film.mp4");
    std::fs::write(&file, film).unwrap();
    let (width, height) = match shutterpost_media::video::probe(film, &VideoLimits::default()).unwrap() {
        Video::Film(film) => (film.info.width as usize, film.info.height as usize),
        other => panic!("{other:?}"),
    };
    let file = file.to_string_lossy().into_owned();
    let words = ["-nostdin", "-v", "error", "-i", &file, "-fps_mode", "passthrough", "-f", "rawvideo"];
    let words = words.into_iter().chain(["-pix_fmt", "rgb24", "-"]).map(str::to_owned);
    let bytes = run(ffmpeg(), words);
    bytes.chunks_exact(width * height * 3).map(|picture| picture.as_chunks::<3>().0.to_vec()).collect()
}

/// Checksums of the packets of a stream, as they lie in the file.
pub fn frames(film: &[u8], stream: &str) -> Vec<String> {
    sums(film, stream, &["-c", "copy"])
}

/// Checksums of what is shown or played.
pub fn decoded(film: &[u8], stream: &str) -> Vec<String> {
    sums(film, stream, &[])
}

fn sums(film: &[u8], stream: &str, how: &[&str]) -> Vec<String> {
    let folder = Folder::new();
    let file = folder.path().join("film.mp4");
    std::fs::write(&file, film).unwrap();
    let file = file.to_string_lossy().into_owned();
    let words = ["-nostdin", "-v", "error", "-i", &file, "-map", stream].into_iter().chain(how.iter().copied());
    let words = words.chain(["-f", "framemd5", "-"]);
    let list = String::from_utf8(run(ffmpeg(), words.map(str::to_owned))).unwrap();
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let sums: Vec<String> = lines.filter_map(|line| line.rsplit(',').next()).map(|sum| sum.trim().to_owned()).collect();
    assert!(!sums.is_empty());
    sums
}

/// What ffprobe says about the streams, one line each.
pub fn streams(film: &[u8]) -> Vec<String> {
    let folder = Folder::new();
    let file = folder.path().join("film.mp4");
    std::fs::write(&file, film).unwrap();
    let words = "-v error -show_entries stream=codec_name,pix_fmt,width,height -of csv=p=0";
    let words = words.split(' ').map(str::to_owned).chain([file.to_string_lossy().into_owned()]);
    String::from_utf8(run("ffprobe", words)).unwrap().lines().map(str::to_owned).collect()
}

/// The tags that ffprobe finds of the file, its streams and chapters.
pub fn tags(film: &[u8]) -> Vec<String> {
    let folder = Folder::new();
    let file = folder.path().join("film.mp4");
    std::fs::write(&file, film).unwrap();
    let words = "-v error -show_entries format_tags:stream_tags:chapter_tags -show_chapters -of default=nw=1";
    let words = words.split(' ').map(str::to_owned).chain([file.to_string_lossy().into_owned()]);
    String::from_utf8(run("ffprobe", words)).unwrap().lines().map(str::to_owned).collect()
}

pub mod exiftool {
    use super::{Folder, run};

    /// The file with these tags.
    pub fn write(film: &[u8], extension: &str, words: &[&str]) -> Vec<u8> {
        let folder = Folder::new();
        let file = folder.path().join(format!("film.{extension}"));
        std::fs::write(&file, film).unwrap();
        let path = file.to_string_lossy().into_owned();
        run(
            "exiftool",
            ["-q", "-m", "-overwrite_original"]
                .into_iter()
                .chain(words.iter().copied())
                .map(str::to_owned)
                .chain([path]),
        );
        std::fs::read(file).unwrap()
    }

    /// Names and values of all tags in the file, those about the file itself left out; also of what lies in its data.
    pub fn read(film: &[u8]) -> Vec<(String, String)> {
        let folder = Folder::new();
        let file = folder.path().join("film.mp4");
        std::fs::write(&file, film).unwrap();
        let words = ["-a", "-G1", "-s", "-ee", "-u", "--File:all", "--System:all", "--ExifTool:all"];
        let words = words.map(str::to_owned).into_iter().chain([file.to_string_lossy().into_owned()]);
        let text = String::from_utf8_lossy(&run("exiftool", words)).into_owned();
        let tag = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.rsplit(' ').find(|word| !word.is_empty())?.to_owned(), value.trim().to_owned()))
        };
        text.lines().filter_map(tag).collect()
    }
}
