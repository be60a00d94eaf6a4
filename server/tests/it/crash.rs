//! The real program, killed in the middle of its work: what was accepted is kept, and every mail arrives. A mail may
//! come twice only where nobody could know: the mail server had it and the kill came before that was written down.

mod post;
pub(crate) mod program;
mod resumed;
mod two;
mod uploads;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use shutterpost_backend::testing::{self, TestDatabase};

use post::{Point, Post};
use program::Program;

/// Where the kills hit, in the order of the rounds. Mails that a round leaves behind meet the next one as well.
const POINTS: [Point; 7] = [
    Point::Command("EHLO"),
    Point::Dot,
    Point::Command("DATA"),
    Point::Answered(1),
    Point::Body,
    Point::Dot,
    Point::Answered(3),
];

/// Uploads of each round; worked on at once are four mails.
const UPLOADS: usize = 2;

/// Ends the claims of a killed process. The minute that they last is not waited for.
async fn end_leases(database: &TestDatabase) {
    database.execute("UPDATE jobs SET locked_until = 0 WHERE locked_until IS NOT NULL").await;
}

async fn sent(database: &TestDatabase) -> Vec<String> {
    database.select("SELECT id AS line FROM messages WHERE state = 'sent'").await
}

/// Waits until nothing is left to send.
async fn quiet(database: &TestDatabase) {
    for _ in 0..1200 {
        let jobs = database.count("jobs", "kind NOT IN ('periodic', 'finish_capture')").await;
        if jobs == 0 && database.count("messages", "state <> 'sent'").await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let waiting = database
        .select("SELECT id || ' ' || state || ' ' || COALESCE(reason, '') AS line FROM messages WHERE state <> 'sent'")
        .await;
    panic!("{}: still queued after a minute: {waiting:?}", database.kind);
}

async fn survive(database: &TestDatabase) {
    let post = Post::open().await;
    let program = Program::install(database, post.port).await;
    // By message, how often the server had it and the program died before knowing.
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (round, point) in POINTS.into_iter().enumerate() {
        let before = post.taken().len();
        post.hold(Some(point));
        let running = program.start().await;
        for upload in 0..UPLOADS {
            program.upload(&format!("{round}-{upload}")).await;
        }
        post.reached().await;
        running.kill();
        let known = sent(database).await;
        for id in &post.taken()[before..] {
            if !known.contains(id) {
                *unknown.entry(id.clone()).or_default() += 1;
            }
        }
        end_leases(database).await;
    }
    post.hold(None);
    let running = program.start().await;
    quiet(database).await;
    running.kill();

    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for id in post.taken() {
        *arrived.entry(id).or_default() += 1;
    }
    let messages = database.select("SELECT id AS line FROM messages").await;
    assert_eq!(messages.len(), POINTS.len() * UPLOADS, "{}", database.kind);
    for id in &messages {
        let (times, hits) = (arrived.remove(id).unwrap_or(0), unknown.get(id).copied().unwrap_or(0));
        assert!((1..=1 + hits).contains(&times), "{}: {id} came {times} times after {hits} kills", database.kind);
    }
    assert!(arrived.is_empty(), "{}: mails of no message: {arrived:?}", database.kind);
    assert!(!unknown.is_empty(), "the control: kills did hit between taking and knowing");
    let captures = database.count("captures", "deleted_at IS NULL").await;
    assert_eq!(usize::try_from(captures), Ok(POINTS.len() * UPLOADS), "accepted is accepted");
    assert_eq!(database.count("messages_deliveries", "finished_at IS NULL").await, 0, "no attempt is left open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_loses_no_mail_and_repeats_only_what_it_cannot_know() {
    let databases = testing::databases().await;
    join_all(databases.iter().map(survive)).await;
}
