//! Two whole servers on one database and one key store, as an installation that grows has them.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use shutterpost_backend::testing::{self, TestDatabase};

use super::post::Post;
use super::program::Program;

/// After so long every instance knows what another one changed.
const KNOWN: Duration = Duration::from_millis(500);
/// Uploads of each server at a time.
const UPLOADS: usize = 4;

/// Both servers take photos at the same time; gives id and page of each.
async fn both(servers: [&Program; 2], round: &str) -> Vec<(String, String)> {
    let all = servers.into_iter().enumerate().map(|(number, server)| async move {
        let mut accepted = Vec::new();
        for upload in 0..UPLOADS {
            // Guests of both, so that both make and find the same keys.
            accepted.push(server.upload(&format!("{round}-{number}-{upload}")).await);
        }
        accepted
    });
    join_all(all).await.into_iter().flatten().collect()
}

/// The key store's table of root generations, which is the first of its dump.
async fn generations(database: &TestDatabase) -> String {
    let dump = database.dump_keys().await;
    let (generations, _) = dump.split_once("\nkeys\n").expect("the next table");
    assert!(generations.starts_with("generations\n"), "{generations}");
    generations.to_owned()
}

async fn live_together(database: &TestDatabase) {
    let kind = database.kind;
    let post = Post::open().await;
    post.hold(None);
    let one = Program::install(database, post.port).await;
    let two = one.twin();
    // At once: migrations, key store and ledger are opened side by side.
    let _running = tokio::join!(one.start(), two.start());

    let accepted = both([&one, &two], "before").await;
    for server in [&one, &two] {
        for (id, page) in &accepted {
            assert!(server.shows(page).await, "{kind}: {id} shows on both");
        }
    }

    // Page and keys are in the memory of the other server by now.
    for (eraser, other, (id, page)) in [(&one, &two, &accepted[0]), (&two, &one, &accepted[UPLOADS])] {
        eraser.erase(id).await;
        let erased = Instant::now();
        assert!(!eraser.shows(page).await, "{kind}: gone at once where it was erased");
        loop {
            let asked = erased.elapsed();
            if !other.shows(page).await {
                break;
            }
            assert!(asked < KNOWN, "{kind}: {id} shows on the other server {asked:?} after it was erased");
        }
        for server in [&one, &two] {
            assert!(!server.shows(page).await, "{kind}: {id} stays gone");
        }
    }

    // The generation is old: one of them renews the roots while both take photos.
    database.execute_keys("UPDATE generations SET created_at = 0").await;
    database.execute("UPDATE jobs SET run_at = 0 WHERE kind = 'periodic' AND subject = 'rotation'").await;
    let mut later = both([&one, &two], "during").await;
    for round in 0.. {
        if database.count("jobs", "kind = 'periodic' AND subject = 'rotation' AND run_at > 0").await == 1
            && generations(database).await.contains("destroyed")
        {
            break;
        }
        assert!(round < 50, "{kind}: nobody renewed the roots: {}", generations(database).await);
        later.extend(both([&one, &two], &format!("during-{round}")).await);
    }
    later.extend(both([&one, &two], "after").await);
    for (id, page) in accepted.iter().filter(|(id, _)| *id != accepted[0].0 && *id != accepted[UPLOADS].0).chain(&later)
    {
        for server in [&one, &two] {
            assert!(server.shows(page).await, "{kind}: {id} shows on both after a rotation");
        }
    }
    let captures = usize::try_from(database.count("captures", "1 = 1").await).expect("a count");
    assert_eq!(captures, accepted.len() - 2 + later.len(), "{kind}: one each");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_key_store_keep_out_of_each_others_way() {
    let databases = testing::databases().await;
    for database in &databases {
        live_together(database).await;
    }
}
