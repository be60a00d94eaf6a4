//! From the start of the process to the first answer of `/readyz`, and the memory it then holds, against the least that
//! the same work would need in Node: Express with sharp loaded.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
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
    running::{Memory, Running, free_port, memory},
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

/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;
    let peer = install_peer(checkout)?;
    let folder = Scratch::new("start")?;
    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    // The database as a server finds it on any day but the first.
    super::demo(super::ours(&place, &binary, folder.path()), folder.path(), &[])?;
    let peer_port = free_port()?;

    let mut memories = (Vec::new(), Vec::new());
    let mut once = |side: Side| -> Result<f64, Failure> {
        let (mut command, port, all) = match side {
            Side::Ours => {
                let mut ours = super::ours(&place, &binary, folder.path());
                ours.arg("serve");
                (ours, place.port, &mut memories.0)
            }
            Side::Theirs => (theirs(&peer, peer_port), peer_port, &mut memories.1),
        };
        let log = folder.path().join("server.log");
        super::log_to(&mut command, &log)?;
        let started = Instant::now();
        let mut running = Running::start(&mut command)?;
        running
            .wait_for(port, "/readyz", Duration::from_secs(60))
            .map_err(|failure| super::with_log(&failure, &log))?;
        let time = started.elapsed().as_secs_f64() * 1000.0;
        progress::pause(IDLE);
        all.push(memory(running.pid())?);
        Ok(time)
    };
    // Once each for the page cache.
    for side in [Side::Ours, Side::Theirs] {
        once(side)?;
    }
    let pairs = Pairs::measure(count, once)?;
    let (ours_ms, theirs_ms) = pairs.medians();
    let mut more = Map::new();
    more.insert("unit".into(), json!("milliseconds to ready"));
    more.insert("ours".into(), json!(rounded(ours_ms)));
    more.insert("theirs".into(), json!(rounded(theirs_ms)));
    for (name, kind) in [("rss", resident as fn(&Memory) -> f64), ("pss", proportional)] {
        let (ours, theirs) = (median_of(&memories.0, kind), median_of(&memories.1, kind));
        more.insert(format!("idle_{name}_ratio"), json!(rounded(ours / theirs)));
        more.insert(format!("idle_{name}_ours_kb"), json!(ours));
        more.insert(format!("idle_{name}_theirs_kb"), json!(theirs));
    }
    Ok(pairs.line("start", "node with express and sharp", Better::Lower, more))
}

fn resident(memory: &Memory) -> f64 {
    memory.resident as f64
}

fn proportional(memory: &Memory) -> f64 {
    memory.proportional as f64
}

fn median_of(memories: &[Memory], kind: fn(&Memory) -> f64) -> f64 {
    median(memories.iter().map(kind).collect())
}

fn theirs(folder: &Path, port: u16) -> Command {
    let mut command = command("node");
    command.arg("server.js").current_dir(folder).env("PORT", port.to_string()).env("NODE_ENV", "production");
    command
}

fn install_peer(checkout: &Checkout) -> Result<PathBuf, Failure> {
    let folder = checkout.cache.join("bench/express-sharp");
    fs::create_dir_all(&folder).or_fail(format_args!("making {}", folder.display()))?;
    // Written last, with the versions: an interrupted or older installation is none.
    let (mark, wanted) = (folder.join("installed"), PACKAGES.join(" "));
    if !fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        let step = progress::step(&format!("npm install {wanted}"), "once, about 10 s");
        node::install_package(&folder, &PACKAGES)?;
        fs::write(&mark, &wanted).or_fail("marking the peer as installed")?;
        step.done();
    }
    fs::write(folder.join("server.js"), PEER).or_fail("writing the peer")?;
    Ok(folder)
}
