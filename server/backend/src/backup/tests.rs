//! Backups against real files: whatever happens to a database and to its shipper, a recorded moment comes back as it was.

mod chains;
mod erased;
mod failing;
mod odd;
mod phantom;
mod refused;
mod remote;
mod servers;
mod slow;
mod stage;

use std::collections::BTreeSet;

use shutterpost_model::time::{DAY, Millis};

use super::chain::BaseName;
use super::*;
use stage::Stage;

fn base(time: i64) -> BaseName {
    BaseName { database: Database::Data, generation: "one".into(), time: Millis(time), number: 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_kept_finely_then_monthly_then_not_and_keys_for_days_only() {
    let stage = Stage::new().await;
    let backups = stage.backups();
    let now = backups.now().0;
    let daily: Vec<BaseName> = (0..800).rev().map(|day| base(now - day * DAY)).collect();
    let long = BTreeSet::from(["one".to_owned()]);
    let kept = backups.kept(Database::Data, &daily, &long);
    let ages: Vec<i64> = kept.bases.iter().rev().map(|base| (now - base.time.0) / DAY).collect();
    assert_eq!(ages[..15], (0..15).collect::<Vec<_>>(), "every day of a fortnight");
    assert!(ages.len() <= 15 + 13 && ages.last().is_some_and(|age| *age <= 365), "{ages:?}");
    assert_eq!(kept.segments_from, Millis(now - 14 * DAY));

    let kept = backups.kept(Database::Keys, &daily, &long);
    assert_eq!(kept.bases.len(), 8);
    let old = backups.kept(Database::Keys, &[base(now - 8 * DAY)], &long);
    assert!(old.bases.is_empty(), "not even the last one");
    assert_eq!(
        backups.kept(Database::Data, &[base(now - 20 * DAY)], &long).bases.len(),
        1,
        "the way into the fine days"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_beside_a_chain_does_not_stand_in_for_the_base_that_its_seconds_need() {
    let stage = Stage::new().await;
    let backups = stage.backups();
    let now = backups.now().0;
    let by_hand = BaseName { generation: "two".into(), ..base(now - 14 * DAY - 1000) };
    let bases = [base(now - 15 * DAY), base(now - 14 * DAY - DAY / 2), by_hand, base(now - 14 * DAY + DAY / 2)];
    let kept = backups.kept(Database::Data, &bases, &BTreeSet::from(["one".to_owned()]));
    assert_eq!(kept.segments_from, bases[1].time, "the first fine second is replayed onto the second base");
    assert!(bases[1..].iter().all(|base| kept.bases.contains(base)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_time_is_deleted_from_the_target() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    for _ in 0..30 {
        stage.write(3);
        stage.clock().advance(DAY);
        stage.settle(&mut service);
    }
    let backups = stage.backups();
    let bases = |database| {
        let generations = backups.generations(database).expect("lists");
        generations.iter().map(|generation| backups.bases(database, generation).expect("lists").len()).sum::<usize>()
    };
    assert!(bases(Database::Data) <= 14 + 4, "{}", bases(Database::Data));
    assert!(bases(Database::Data) >= 14);
    assert_eq!(stage.restored(At::Latest), stage.present());
}

#[test]
fn a_time_without_a_fraction_means_the_end_of_its_second() {
    assert_eq!(At::parse("latest"), Some(At::Latest));
    assert_eq!(At::parse("2027-01-15T08:00:00Z"), Some(At::Time(Millis(1_800_000_000_999))));
    assert_eq!(At::parse("2027-01-15T09:00:00.25+01:00"), Some(At::Time(Millis(1_800_000_000_250))));
    for wrong in ["", "yesterday", "2027-01-15", "2027-01-15 08:00"] {
        assert_eq!(At::parse(wrong), None, "{wrong}");
    }
}
