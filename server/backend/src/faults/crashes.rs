//! Power cuts at any moment: of uploads, deletions, erasures, rotations, checkpoints, sweeps, and of the start after another
//! power cut. What was said yes to holds afterwards, and the rest is whole or absent.
//!
//! 200 seeds here, in slices that run beside each other; `cargo xtask soak` asks for more. `SHUTTERPOST_CRASH_SEED` runs one
//! seed. One client at a time does the same for the same seed; in every fourth seed there are two, and threads decide what
//! happens first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::choice::Choice;
use super::machine::{Call, Machine};
use super::prove;
use super::stage::{Installation, Started};
use super::story::{Story, Wish};
use crate::testing;

/// Seeds of every run.
const SEEDS: u64 = 200;
const SLICES: u64 = 8;
/// Of every run, on two cores.
const BUDGET: Duration = Duration::from_secs(120);
/// Calls that change something: more than a start, or any one wish, takes.
const OF_A_START: usize = 60;
const OF_A_WISH: usize = 220;

/// Runs one seed.
///
/// # Errors
/// What does not hold.
async fn survive(installation: &Installation, seed: u64, lie: Option<Call>) -> Result<(), String> {
    let mut choice = Choice::new(seed);
    let mut machine = installation.on_a_machine();
    let mut story = Story::default();
    let cuts = 1 + choice.below(3) as u64;
    for cut in 0..cuts {
        machine.lie(lie);
        if cut > 0 && choice.one_in(3) {
            machine.cut_in(choice.below(OF_A_START));
        }
        match installation.start(&machine, seed * 16 + cut + 1).await {
            Ok(started) => live(installation, &started, &machine, &mut story, &mut choice, seed % 4 == 3).await?,
            Err(_) if machine.is_off() => {}
            Err(reason) => return Err(format!("it does not start after {cut} power cuts: {reason}")),
        }
        machine.cut();
        story.log.push("the power is cut".into());
        machine = machine.recover(&mut choice)?;
    }
    let started = installation.start(&machine, seed * 16).await;
    let started = started.map_err(|reason| format!("it does not start after {cuts} power cuts: {reason}"))?;
    let proved = prove::all(installation, &started.stand, &machine, &mut story).await;
    proved.map_err(|reason| format!("{reason}\nafter\n  {}", story.log.join("\n  ")))
}

/// Asks for this and that until the power is cut, in the middle of something.
async fn live(
    installation: &Installation,
    started: &Started,
    machine: &Machine,
    story: &mut Story,
    choice: &mut Choice,
    two: bool,
) -> Result<(), String> {
    let stand = &started.stand;
    let wishes = 2 + choice.below(7);
    let last = choice.below(wishes + 1);
    for number in 0..wishes {
        if number == last {
            machine.cut_in(choice.below(OF_A_WISH));
        }
        let wish = story.wish(choice, 0);
        // A sweep takes objects for old that are not: files have the time of the real clock.
        if two && !matches!(wish, Wish::Sweep) {
            let other = story.wish(choice, 1);
            story.ask_both([&wish, &other], installation, stand, machine).await?;
        } else {
            story.ask(&wish, installation, stand, machine).await?;
        }
        if machine.is_off() {
            break;
        }
    }
    Ok(())
}

/// The same; a panic is a failure too.
async fn outcome(installation: &Arc<Installation>, seed: u64, lie: Option<Call>) -> Result<(), String> {
    let installation = Arc::clone(installation);
    let run = tokio::spawn(async move { survive(&installation, seed, lie).await }).await;
    run.unwrap_or_else(|panic| Err(format!("it panicked: {panic}")))
}

#[expect(clippy::print_stdout, reason = "how long so many took belongs to the run's report")]
async fn slice(number: u64) {
    let (seeds, one) = testing::seeds_asked_for();
    let seeds: Vec<u64> = match (seeds.unwrap_or(SEEDS), one) {
        (_, Some(seed)) if seed % SLICES == number => vec![seed],
        (_, Some(_)) => return,
        (seeds, None) => (0..seeds).filter(|seed| seed % SLICES == number).collect(),
    };
    let (installation, started) = (Arc::new(Installation::make().await), Instant::now());
    for seed in &seeds {
        if let Err(reason) = outcome(&installation, *seed, None).await {
            panic!("seed {seed}: {reason}\nthis seed alone: SHUTTERPOST_CRASH_SEED={seed} cargo test faults::crashes");
        }
    }
    println!(
        "{} seeded crashes in {:.1?}; the budget of {SEEDS} is {} minutes on two cores",
        seeds.len(),
        started.elapsed(),
        BUDGET.as_secs() / 60
    );
}

macro_rules! slices {
    ($($name:ident = $number:literal)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                slice($number).await;
            }
        )+
    };
}

slices! {
    power_cuts_lose_nothing_0 = 0
    power_cuts_lose_nothing_1 = 1
    power_cuts_lose_nothing_2 = 2
    power_cuts_lose_nothing_3 = 3
    power_cuts_lose_nothing_4 = 4
    power_cuts_lose_nothing_5 = 5
    power_cuts_lose_nothing_6 = 6
    power_cuts_lose_nothing_7 = 7
}

/// The control: with syncs that do nothing, these very tests fail, whichever sync it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_sync_is_found() {
    let installation = Arc::new(Installation::make().await);
    for (lie, sign) in [(Call::Data, "was accepted and"), (Call::Keys, "never had"), (Call::Objects, "was accepted: ")]
    {
        let mut found = Vec::new();
        for seed in 0..40 {
            if let Err(reason) = outcome(&installation, seed, Some(lie)).await {
                found.push(reason);
            }
            if found.iter().any(|reason| reason.contains(sign)) {
                break;
            }
        }
        assert!(found.iter().any(|reason| reason.contains(sign)), "without syncs of {lie:?}, only {found:?}");
    }
}
