//! `cargo xtask serve`: from a fresh checkout to a page in the browser.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::{CommandExt as _, parent_id},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    args::Args,
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    http,
    process::command,
    progress,
    server::{self, Place, Profile},
};

/// What `serve` was asked to do.
#[derive(Debug)]
pub struct Options {
    demo: bool,
    demo_json: Option<PathBuf>,
    data: Option<PathBuf>,
    port: u16,
    release: bool,
}

impl Options {
    /// Reads the command line.
    pub fn parse(mut args: Args) -> Result<Self, Failure> {
        let demo_json = args.value("--demo-json")?.map(PathBuf::from);
        let options = Self {
            demo: args.flag("--demo") || demo_json.is_some(),
            demo_json,
            data: args.value("--data")?.map(PathBuf::from),
            port: args.number("--port")?.unwrap_or(8080),
            release: args.flag("--release"),
        };
        args.finish()?;
        Ok(options)
    }
}

/// Builds what is missing and becomes the server; returns only when that fails.
pub fn run(checkout: &Checkout, options: &Options) -> Result<(), Failure> {
    // Asked first: twenty minutes later would be a bad moment to learn it.
    TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).map_err(|error| {
        Failure::new(format!("port {} cannot be used ({error}); choose another with --port N", options.port))
    })?;
    let here = env::current_dir().or_fail("finding the working directory")?;
    let data = options.data.as_ref().map_or_else(|| checkout.root.join("data"), |folder| here.join(folder));
    fs::create_dir_all(&data).or_fail(format_args!("making {}", data.display()))?;

    let (site, profile) = if options.release {
        (bundle::ensure(checkout, bundle::Kind::Release)?, Profile::Release)
    } else {
        let site = match bundle::finished(checkout)? {
            Some(site) => site,
            None => bundle::ensure(checkout, bundle::Kind::Debug)?,
        };
        (site, Profile::Debug)
    };
    let binary = server::build(checkout, profile)?;
    let place = Place { data, site, port: options.port };

    let mut announcer = command(env::current_exe().or_fail("finding this program")?);
    announcer.args(["announce", "--port", &options.port.to_string()]);
    if options.demo {
        let seeded = place.data.join("demo.json");
        let step = progress::step("the demo", "a few seconds");
        place.seed_demo(&binary, &seeded)?;
        step.done();
        announcer.arg("--seeded").arg(seeded);
        if let Some(copy) = &options.demo_json {
            announcer.arg("--copy").arg(here.join(copy));
        }
    }
    // Beside and not before: this process becomes the server, so that signals to it reach the server itself.
    announcer.spawn().or_fail("starting the announcement")?;
    let error = place
        .command(&binary)
        .args(["serve", "--data"])
        .arg(&place.data)
        .args(["--port", &options.port.to_string()])
        .exec();
    Err(Failure::new(format!("{} could not be started: {error}", binary.display())))
}

/// Waits beside the server until it is ready, then says where to click and writes the demo's JSON.
pub fn announce(mut args: Args) -> Result<(), Failure> {
    let port: u16 = args.number("--port")?.or_fail("announcing: no port")?;
    let seeded = args.value("--seeded")?.map(PathBuf::from);
    let copy = args.value("--copy")?.map(PathBuf::from);
    args.finish()?;

    let server = parent_id();
    let started = Instant::now();
    while !http::get(port, "/readyz", &[]).is_ok_and(|response| response.status == 200) {
        if parent_id() != server {
            return Ok(());
        }
        if started.elapsed() > Duration::from_secs(120) {
            return Err(Failure::new("the server does not say that it is ready; its own output above says why"));
        }
        progress::pause(Duration::from_millis(50));
    }
    let Some(seeded) = seeded else {
        println!("\nShutterpost is ready: http://localhost:{port}/cms/sign-in\nStop it with Ctrl-C.\n");
        return Ok(());
    };
    let text = fs::read_to_string(&seeded).or_fail(format_args!("reading {}", seeded.display()))?;
    let demo: Value = serde_json::from_str(&text).or_fail(format_args!("reading {}", seeded.display()))?;
    println!("\n{}", describe(&demo, port));
    if let Some(copy) = copy {
        write_whole(&copy, &text).or_fail(format_args!("writing {}", copy.display()))?;
        println!("The same as JSON: {}\n", copy.display());
    }
    Ok(())
}

/// A reader that waits for the file to appear must never see half of it.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, text)?;
    fs::rename(part, path)
}

fn describe(demo: &Value, port: u16) -> String {
    let text = |pointer: &str| demo.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let fallback = format!("http://localhost:{port}");
    let url = demo.get("url").and_then(Value::as_str).unwrap_or(&fallback).trim_end_matches('/');
    let mut lines = vec![format!("Shutterpost is ready: {url}/cms/sign-in"), String::new(), "  Sign in as".to_owned()];
    for user in demo.get("users").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or("-");
        lines.push(format!("    {:<9} {:<32} {}", field("role"), field("email"), field("password")));
    }
    lines.extend([
        String::new(),
        format!("  A guest's page    {}", text("/share/owner")),
        format!("  … as passed on    {}", text("/share/view")),
        format!("  Messages          {url}/dev/outbox"),
        format!("  A booth's token   {}", text("/device_token")),
        String::new(),
        "Stop it with Ctrl-C.".to_owned(),
    ]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_file_asks_for_the_demo() {
        let options = Options::parse(Args::from_words(&["--demo-json", "x.json", "--port", "9000"])).unwrap();
        assert!(options.demo && !options.release);
        assert_eq!(options.port, 9000);
        assert!(Options::parse(Args::from_words(&["--demmo"])).is_err());
    }

    #[test]
    fn the_announcement_names_every_way_in() {
        let demo = serde_json::json!({
            "url": "http://localhost:9000", "device_token": "spd_x",
            "users": [{"email": "o@example.com", "password": "pw", "role": "owner"}],
            "share": {"owner": "http://localhost:9000/s/a", "view": "http://localhost:9000/s/b"},
        });
        let text = describe(&demo, 9000);
        for part in ["http://localhost:9000/cms/sign-in", "o@example.com", "pw", "/s/a", "/s/b", "spd_x"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
