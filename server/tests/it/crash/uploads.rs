//! The real program, killed under load again and again: what it said yes to is there and opens, what it did not is whole or
//! absent, and asking again gives no second capture.
//!
//! Twenty kills here; `cargo xtask soak` asks for more by [`KILLS`].

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use shutterpost_backend::testing::{self, TestDatabase};

use super::post::Post;
use super::program::Program;

/// How many kills on each database, if not twenty.
const KILLS: &str = "SHUTTERPOST_SOAK_KILLS";
/// Booths that upload at the same time.
const BOOTHS: usize = 2;
/// Of twenty kills on each database, on two quiet cores.
const BUDGET: Duration = Duration::from_secs(120);

/// What was accepted, by name: id and page.
type Accepted = Mutex<BTreeMap<String, (String, String)>>;

/// Uploads until the program is gone. What got no answer is tried again in the next round, under the same name.
async fn booth(program: &Program, number: usize, next: &AtomicUsize, accepted: &Accepted) {
    loop {
        let name = format!("booth{number}-{}", next.load(Ordering::SeqCst));
        let Some(answer) = program.try_upload(&name).await else { return };
        let known = accepted.lock().expect("no panic").insert(name, answer.clone());
        assert!(known.is_none_or(|known| known == answer), "the same upload has the same answer");
        next.fetch_add(1, Ordering::SeqCst);
    }
}

async fn survive(database: &TestDatabase, kills: usize) {
    let post = Post::open().await;
    post.hold(None);
    let program = Program::install(database, post.port).await;
    let accepted = Accepted::default();
    let next: [AtomicUsize; BOOTHS] = Default::default();
    for round in 0..kills {
        let running = program.start().await;
        let booths = join_all((0..BOOTHS).map(|number| booth(&program, number, &next[number], &accepted)));
        let kill = async {
            // Spread over the steps of an upload, without a clock of its own: 40 ms to about a second.
            tokio::time::sleep(Duration::from_millis(40 + (round as u64 * 389) % 900)).await;
            // A busy machine may take longer than that for the first upload; kills of an idle program would show nothing.
            while accepted.lock().expect("no panic").len() <= round {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            running.kill();
        };
        tokio::join!(booths, kill);
    }
    let running = program.start().await;
    // What was under way at the last kill is asked for once more.
    for (number, next) in next.iter().enumerate() {
        let name = format!("booth{number}-{}", next.load(Ordering::SeqCst));
        let answer = program.upload(&name).await;
        accepted.lock().expect("no panic").insert(name, answer);
    }
    let accepted = accepted.into_inner().expect("no panic");
    for (name, (id, page)) in &accepted {
        assert!(program.shows(page).await, "{}: {name}, {id} was accepted and does not show", database.kind);
    }
    for table in ["captures", "guests"] {
        let rows = usize::try_from(database.count(table, "1 = 1").await).expect("a count");
        assert_eq!(rows, accepted.len(), "{}: {table}, one each", database.kind);
    }
    running.kill();
    if database.kind == "sqlite" {
        assert_eq!(database.select("SELECT integrity_check AS line FROM pragma_integrity_check").await, ["ok"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "how long so many took belongs to the run's report")]
async fn a_program_killed_under_load_loses_no_accepted_upload() {
    let kills = std::env::var(KILLS).map_or(20, |text| text.parse().expect("a number"));
    let (databases, started) = (testing::databases().await, Instant::now());
    join_all(databases.iter().map(|database| survive(database, kills))).await;
    println!(
        "{kills} kills on each of {} databases in {:.0?}; the budget of twenty is {} minutes",
        databases.len(),
        started.elapsed(),
        BUDGET.as_secs() / 60
    );
}
