//! From the start of the process to the first answer of `/readyz`, and the memory it then holds, against the least that
//! the same work would need in Node: Express with sharp loaded.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::pairs::{Better, Pairs, Side, median, rounded};
use crate::{
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    node,
    process::command,
    progress,
    running::{Running, free_port, resident_kilobytes},
    scratch::Scratch,
    server::{self, Place, Profile},
};

const PEER: &str = "\
const sharp = require('sharp');
const app = require('express')();
app.get('/readyz', (request, response) => response.json({ ready: typeof sharp === 'function' }));
app.listen(Number(process.env.PORT), '127.0.0.1');
";
const PACKAGES: [&str; 2] = ["express@5.3.0", "sharp@0.35.5"];

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;
    let peer = install_peer(checkout)?;
    let folder = Scratch::new("start")?;
    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    // The database as a server finds it on any day but the first.
    super::demo(&place, &binary, folder.path(), &[])?;
    let peer_port = free_port()?;

    let mut memory = (Vec::new(), Vec::new());
    let mut once = |side: Side| -> Result<f64, Failure> {
        let (mut command, port, all) = match side {
            Side::Ours => (ours(&place, &binary), place.port, &mut memory.0),
            Side::Theirs => (theirs(&peer, peer_port), peer_port, &mut memory.1),
        };
        let log = fs::File::create(folder.path().join("server.log")).or_fail("making a log")?;
        super::log_to(&mut command, log)?;
        let started = Instant::now();
        let mut running = Running::start(&mut command)?;
        running.wait_for(port, "/readyz", Duration::from_secs(60))?;
        let time = started.elapsed().as_secs_f64() * 1000.0;
        progress::pause(Duration::from_secs(2));
        all.push(resident_kilobytes(running.pid())? as f64);
        Ok(time)
    };
    // Once each for the page cache.
    for side in [Side::Ours, Side::Theirs] {
        once(side)?;
    }
    let pairs = Pairs::measure(count, once)?;
    let (ours_ms, theirs_ms) = pairs.medians();
    let (ours_kb, theirs_kb) = (median(memory.0), median(memory.1));
    let mut more = Map::new();
    more.insert("unit".into(), json!("milliseconds to ready"));
    more.insert("ours".into(), json!(rounded(ours_ms)));
    more.insert("theirs".into(), json!(rounded(theirs_ms)));
    more.insert("idle_ratio".into(), json!(rounded(ours_kb / theirs_kb)));
    more.insert("idle_ours_kb".into(), json!(ours_kb));
    more.insert("idle_theirs_kb".into(), json!(theirs_kb));
    Ok(pairs.line("start", "node with express and sharp", Better::Lower, more))
}

fn ours(place: &Place, binary: &Path) -> Command {
    let mut command = place.command(binary);
    command.arg("serve").env("SHUTTERPOST_DEV", "0");
    command
}

fn theirs(folder: &Path, port: u16) -> Command {
    let mut command = command("node");
    command.arg("server.js").current_dir(folder).env("PORT", port.to_string()).env("NODE_ENV", "production");
    command.stdout(Stdio::null());
    command
}

fn install_peer(checkout: &Checkout) -> Result<std::path::PathBuf, Failure> {
    let folder = checkout.cache.join("bench/express-sharp");
    fs::create_dir_all(&folder).or_fail(format_args!("making {}", folder.display()))?;
    if !folder.join("node_modules/sharp/package.json").is_file() {
        let step = progress::step(&format!("npm install {}", PACKAGES.join(" ")), "once, about 10 s");
        node::install_package(&folder, &PACKAGES)?;
        step.done();
    }
    fs::write(folder.join("server.js"), PEER).or_fail("writing the peer")?;
    Ok(folder)
}
