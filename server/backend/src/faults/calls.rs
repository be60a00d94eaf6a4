//! Each call that leaves the program fails once: the first, the second, and so on until a run comes through without
//! getting that far. Whoever asked either got a no, and nothing half done shows and asking again helps; or a yes, and
//! everything is there.

use std::time::{Duration, Instant};

use super::machine::{Call, Machine};
use super::prove;
use super::stage::{Installation, Started};
use super::story::{Story, Wish};
use crate::testing;

/// Of every run, on two cores.
const BUDGET: Duration = Duration::from_secs(240);
/// How often the worker and the sweeps are given their hour.
const SETTLE: u64 = 10;
/// Of the calls of SQLite's files and the messages to PostgreSQL, of which there are hundreds, every run takes some and the
/// soak all.
const STRIDES: [u64; 2] = [7, 3];

/// What is asked for while a call fails.
#[derive(Debug, Clone, Copy)]
enum Scene {
    Upload,
    Trash,
    EraseCapture,
    EraseGuest,
    Rotate,
}

const SCENES: [Scene; 5] = [Scene::Upload, Scene::Trash, Scene::EraseCapture, Scene::EraseGuest, Scene::Rotate];

struct Trial<'trial> {
    installation: &'trial Installation,
    started: &'trial Started,
    machine: &'trial Machine,
}

impl Trial<'_> {
    async fn ask(&self, story: &mut Story, wish: &Wish) -> Result<bool, String> {
        story.ask(wish, self.installation, &self.started.stand, self.machine).await
    }

    /// One scene with one failure. Gives whether the failing call was reached.
    async fn once(&self, scene: Scene, name: &str, call: Call, after: u64, late: bool) -> Result<bool, String> {
        let mut story = Story::default();
        let upload = story.photo(name, Some(usize::try_from(after).expect("small")));
        let wish = match scene {
            Scene::Upload => upload,
            Scene::Rotate => Wish::Rotate,
            Scene::Trash | Scene::EraseCapture | Scene::EraseGuest => {
                if !self.ask(&mut story, &upload).await? {
                    return Err("an upload is refused while nothing fails".into());
                }
                story.look(name, &self.started.stand).await?;
                let key = name.to_owned();
                match scene {
                    Scene::Trash => Wish::Trash { key },
                    Scene::EraseCapture => Wish::EraseCapture { key },
                    _ => Wish::EraseGuest { key },
                }
            }
        };
        self.machine.fail(call, after, late);
        let granted = self.ask(&mut story, &wish).await?;
        let reached = self.machine.mend();
        let stand = &self.started.stand;
        prove::told(self.installation, stand, &story).await?;
        if !granted && !self.ask(&mut story, &wish).await? && !self.is_done(&wish, &story).await {
            return Err("it is refused again though nothing fails any more".into());
        }
        prove::told(self.installation, stand, &story).await?;
        Ok(reached)
    }

    /// Whether a photo is in the trash, or erased: the first try got that far, and a second finds nothing to do.
    async fn is_done(&self, wish: &Wish, story: &Story) -> bool {
        let (Wish::Trash { key } | Wish::EraseCapture { key } | Wish::EraseGuest { key }) = wish else { return false };
        let Some(answer) = &story.photos[key].answer else { return false };
        let there = format!("id = '{}' AND deleted_at IS NULL", answer.id);
        self.started.stand.test.count("captures", &there).await == 0
    }

    /// What the last few failures left, before and after it is tidied up.
    async fn settle(&self) -> Result<(), String> {
        prove::keys_before_ciphertext(&self.started.stand).await?;
        prove::settle(&self.started.stand).await?;
        prove::nothing_left_over(&self.started.stand).await
    }
}

#[expect(clippy::print_stdout, reason = "how long so many took belongs to the run's report")]
async fn each_fails_once(call: Call) {
    let (all, started) = (Installation::on_every_database().await, Instant::now());
    let mut report = String::new();
    for (installation, started, machine) in &all {
        let trial = Trial { installation, started, machine };
        let kind = started.stand.test.kind;
        let [sqlite, postgres] = STRIDES;
        let every = testing::seeds_asked_for().0.is_some() || !matches!(call, Call::Data | Call::Keys);
        let stride = if every {
            1
        } else if kind == "sqlite" {
            sqlite
        } else {
            postgres
        };
        // Files either do what they are asked or not.
        let lates: &[bool] = if kind == "postgres" { &[false, true] } else { &[false] };
        let (mut runs, mut failures) = (0_u64, 0_u64);
        for scene in SCENES {
            for late in lates {
                // From another beginning in every scene, so that strides meet other calls.
                let first = runs % stride;
                for number in 0.. {
                    let after = number * stride + first;
                    let name = format!("{scene:?}-{late}-{after}");
                    let told = |reason: String| {
                        panic!("{kind}, {scene:?}: call {after} of {call:?} fails (answered: {late}): {reason}")
                    };
                    let reached = trial.once(scene, &name, call, after, *late).await.unwrap_or_else(told);
                    runs += 1;
                    failures += u64::from(reached);
                    if runs % SETTLE == 0 || !reached {
                        trial.settle().await.unwrap_or_else(|reason| {
                            panic!("{kind}, {scene:?}, until call {after} of {call:?}: {reason}")
                        });
                    }
                    if !reached {
                        break;
                    }
                }
            }
        }
        if kind == "sqlite" {
            prove::undamaged(machine).expect("the databases are whole");
        }
        assert!(failures > 0, "{kind}: no call of {call:?} was made");
        report.push_str(&format!("{failures} on {kind}, "));
    }
    println!(
        "failing calls of {call:?}: {report}in {:.1?}; the budget of all kinds is {} minutes",
        started.elapsed(),
        BUDGET.as_secs() / 60
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_of_the_store_fails_once() {
    each_fails_once(Call::Objects).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_of_the_roots_fails_once() {
    each_fails_once(Call::Roots).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_of_ledger_and_key_files_fails_once() {
    each_fails_once(Call::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_of_the_database_fails_once() {
    each_fails_once(Call::Data).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_of_the_key_store_fails_once() {
    each_fails_once(Call::Keys).await;
}
