//! The captures of a large event over the REST API: a page at nine tenths of the depth against the first page. A list
//! that pages by offset shows itself here.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::pairs::{Better, Pairs, Side, percentile, rounded};
use crate::{
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    http::{Connection, Response},
    progress,
    running::{Running, free_port},
    scratch::Scratch,
    server::{self, Place, Profile},
};

const CAPTURES: usize = 100_000;
const PAGE: usize = 100;
/// Requests per side and pair.
const REQUESTS: usize = 200;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;
    let folder = Scratch::new("list")?;
    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    let step = progress::step(&format!("an event of {CAPTURES} captures"), "about 1 minute");
    let demo = super::demo(&place, &binary, folder.path(), &["--bulk", &CAPTURES.to_string()])?;
    step.done();

    let log = fs::File::create(folder.path().join("ours.log")).or_fail("making our log")?;
    let mut ours = place.command(&binary);
    ours.arg("serve").env("SHUTTERPOST_DEV", "0");
    super::log_to(&mut ours, log)?;
    let mut ours = Running::start(&mut ours)?;
    ours.wait_for(place.port, "/readyz", Duration::from_secs(60))?;

    let text = |name: &str| demo.get(name).and_then(Value::as_str).or_fail(format_args!("reading the demo's {name}"));
    let bearer = format!("Bearer {}", text("api_token")?);
    let first = format!("/api/v1/events/{}/captures?limit={PAGE}", text("event")?);
    let mut connection = Connection::open(place.port).or_fail("connecting")?;
    let mut ask = |path: &str| -> Result<Response, Failure> {
        let response =
            connection.get(path, &[("Authorization", &bearer)]).or_fail(format_args!("asking for {path}"))?;
        if response.status == 200 {
            Ok(response)
        } else {
            let body = String::from_utf8_lossy(&response.body).into_owned();
            Err(Failure::new(format!("{path} answers {}: {body}", response.status)))
        }
    };

    let step = progress::step("walking to nine tenths of the depth", "about 10 s");
    let mut deep = first.clone();
    for _ in 0..CAPTURES / PAGE * 9 / 10 {
        let page: Value = serde_json::from_slice(&ask(&deep)?.body).or_fail("reading a page")?;
        let cursor = page.get("next").and_then(Value::as_str).or_fail("reading a page's next cursor")?;
        deep = format!("{first}&cursor={}", super::encoded(cursor));
    }
    step.done();

    let mut latencies = (Vec::new(), Vec::new());
    let pairs = Pairs::measure(count, |side| {
        let (path, all) = if side == Side::Ours { (&deep, &mut latencies.0) } else { (&first, &mut latencies.1) };
        let mut burst = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let started = Instant::now();
            ask(path)?;
            burst.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        all.extend_from_slice(&burst);
        Ok(super::pairs::median(burst))
    })?;
    let mut more = Map::new();
    more.insert("captures".into(), json!(CAPTURES));
    more.insert("unit".into(), json!("milliseconds"));
    for (name, values) in [("deep", latencies.0), ("first", latencies.1)] {
        more.insert(format!("{name}_p50"), json!(rounded(percentile(values.clone(), 0.50))));
        more.insert(format!("{name}_p99"), json!(rounded(percentile(values, 0.99))));
    }
    Ok(pairs.line("list", "the first page of the same list", Better::Lower, more))
}
