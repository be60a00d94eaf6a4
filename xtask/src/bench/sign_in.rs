//! Sign-in with an address that somebody has against one that nobody has, the password wrong in both: whoever measures
//! must not learn which addresses are known. Against the real server over its port, one attempt at a time.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::pairs::{Better, Pairs, Side, median, percentile, rounded};
use crate::{
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    http::Connection,
    running::{Running, free_port},
    scratch::Scratch,
    server::{self, Place, Profile},
};

/// Tries per side and pair.
const TRIES: usize = 50;
/// Wrong passwords in a row that do not slow an account down; the right one in between, not measured, begins a new row.
const ROW: usize = 4;
const WRONG: &str = "wrong-meadow-lantern-77";

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize, profile: Profile) -> Result<Value, Failure> {
    let kind = match profile {
        Profile::Debug => bundle::Kind::Debug,
        Profile::Release => bundle::Kind::Release,
    };
    let site = bundle::ensure(checkout, kind)?;
    let binary = server::build(checkout, profile)?;
    let folder = Scratch::new("sign-in")?;
    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    let demo = super::demo(command(&place, &binary, folder.path()), folder.path(), &[])?;
    let known =
        Account { email: super::text(&demo, "/users/0/email")?, password: super::text(&demo, "/users/0/password")? };

    let log = folder.path().join("ours.log");
    let mut ours = command(&place, &binary, folder.path());
    super::log_to(ours.arg("serve"), &log)?;
    let mut ours = Running::start(&mut ours)?;
    ours.wait_for(place.port, "/readyz", Duration::from_secs(60)).map_err(|failure| super::with_log(&failure, &log))?;
    let mut client = Client {
        connection: Connection::open(place.port).or_fail("connecting")?,
        origin: format!("http://localhost:{}", place.port),
        known,
        tries: 0,
    };
    client.compare(count)
}

/// Our server behind a proxy that it trusts, which is this program: each try comes from another address, or the limit of
/// attempts from one would be measured.
fn command(place: &Place, binary: &Path, folder: &Path) -> Command {
    let mut command = super::ours(place, binary, folder);
    command.env("SHUTTERPOST_TRUSTED_PROXIES", "127.0.0.1");
    command
}

/// An address of the same length and domain that nobody has.
fn nobodys(known: &str) -> String {
    let name = known.split('@').next().unwrap_or_default().len();
    format!("{}{}", "x".repeat(name), known.get(name..).unwrap_or_default())
}

/// Somebody of the demo.
#[derive(Clone, Copy)]
struct Account<'a> {
    email: &'a str,
    password: &'a str,
}

/// Somebody who tries addresses.
struct Client<'a> {
    connection: Connection,
    origin: String,
    known: Account<'a>,
    tries: u32,
}

impl Client<'_> {
    fn compare(&mut self, count: usize) -> Result<Value, Failure> {
        let known = self.known.email;
        let unknown = nobodys(known);
        // Once each for caches.
        for email in [known, &unknown] {
            self.burst(email)?;
        }
        let mut times = (Vec::new(), Vec::new());
        let pairs = Pairs::measure(count, |side| {
            let (email, all) = match side {
                Side::Ours => (known, &mut times.0),
                Side::Theirs => (&*unknown, &mut times.1),
            };
            let burst = self.burst(email)?;
            all.extend_from_slice(&burst);
            Ok(median(burst))
        })?;
        let mut more = Map::new();
        more.insert("unit".into(), json!("milliseconds"));
        more.insert("tries".into(), json!(TRIES));
        for (name, all) in [("known", times.0), ("unknown", times.1)] {
            more.insert(format!("{name}_p50"), json!(rounded(percentile(all.clone(), 0.50))));
            more.insert(format!("{name}_p99"), json!(rounded(percentile(all, 0.99))));
        }
        Ok(pairs.line("sign-in", "the same with an address that nobody has", Better::Lower, more))
    }

    /// Milliseconds until each answer to a wrong password was read.
    fn burst(&mut self, email: &str) -> Result<Vec<f64>, Failure> {
        let Account { email: known, password } = self.known;
        let mut times = Vec::with_capacity(TRIES);
        for number in 0..TRIES {
            if number % ROW == 0 {
                // For both sides, so that what it does to caches meets both.
                self.attempt(known, password, 303)?;
            }
            times.push(self.attempt(email, WRONG, 401)?);
        }
        Ok(times)
    }

    fn attempt(&mut self, email: &str, password: &str, expected: u16) -> Result<f64, Failure> {
        self.tries += 1;
        let [_, high, middle, low] = self.tries.to_be_bytes();
        let from = format!("10.{high}.{middle}.{low}");
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", self.origin.as_str()),
            ("X-Forwarded-For", from.as_str()),
        ];
        let body = format!("email={}&password={}", super::encoded(email), super::encoded(password));
        let began = Instant::now();
        let answer = self.connection.post("/cms/sign-in", &headers, body.as_bytes()).or_fail("signing in")?;
        let time = began.elapsed().as_secs_f64() * 1000.0;
        if answer.status == expected {
            Ok(time)
        } else {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            Err(Failure::new(format!("a sign-in is answered {} instead of {expected}: {text}", answer.status)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_address_differs_in_the_name_alone() {
        assert_eq!(nobodys("olga@host.example"), "xxxx@host.example");
    }
}
