//! Uploads beside a run.

use super::*;
use crate::designs::came_late;

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_after_another_design_was_saved_keeps_that_one() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let old = stand.capture(None).await.id;
        save(&stand, filtered(Filter::Warm), 0).await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        save(&stand, filtered(Filter::Cool), 1).await;
        let new = stand.capture(None).await.id;
        let cool = web(&stand, &new).await;
        finish(&stand).await;
        assert_eq!(stand.test.count("captures", &format!("id = '{new}' AND revision = 1")).await, 1, "{kind}");
        assert_eq!(web(&stand, &new).await, cool, "{kind}");
        let warm = web(&stand, &old).await;
        assert_ne!(warm, cool, "{kind}");

        // Undone is what was given to all, and not what was saved since.
        stand.designs.undo(&stand.owner, &stand.event).await.expect("goes back");
        finish(&stand).await;
        assert_eq!(web(&stand, &new).await, cool, "{kind}");
        let plain = web(&stand, &old).await;
        assert!(plain != warm && plain != cool, "{kind}");
        let found = stand.designs.find(&stand.owner, &stand.event).await.expect("is found");
        assert_eq!((found.design, found.version), (filtered(Filter::Cool), 2), "{kind}");

        // The same look from before a run is no newer one.
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        finish(&stand).await;
        save(&stand, filtered(Filter::Warm), 2).await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        stand.test.clock.advance(1);
        save(&stand, filtered(Filter::Cool), 3).await;
        finish(&stand).await;
        assert_eq!([web(&stand, &old).await, web(&stand, &new).await], [warm.clone(), warm], "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_outlasts_a_run_is_made_anew_too() {
    for stand in stands().await {
        let kind = stand.test.kind;
        let first = stand.capture(None).await.id;
        save(&stand, filtered(Filter::Warm), 0).await;
        stand.designs.apply(&stand.owner, &stand.event).await.expect("begins");
        finish(&stand).await;
        let scope = EventScope::of_sweep(&Permit::of_test(), stand.organisation.clone(), stand.event.clone());
        let mark = stand.test.select("SELECT mark AS line FROM captures").await;
        let enters = async |mark: Option<String>| {
            let scope = scope.clone();
            let late = write_tx!(stand.deps.db, tx => came_late(tx, &scope, mark.as_deref()).await);
            late.expect("no failure")
        };
        assert!(!enters(mark.first().cloned()).await, "{kind}: it has what all have");
        assert_eq!(progress(&stand).await.state, ApplyState::Done, "{kind}");

        // One that began before the design was saved.
        assert!(enters(None).await, "{kind}");
        stand.test.execute("UPDATE captures SET mark = NULL").await;
        assert_eq!(progress(&stand).await.state, ApplyState::Running, "{kind}");
        // Another one, when the pass is past it already.
        slice(&stand).await;
        assert!(enters(Some("dsn_of_old".into())).await, "{kind}");
        stand.test.execute("UPDATE captures SET mark = 'dsn_of_old'").await;
        finish(&stand).await;
        assert_eq!(stand.test.select("SELECT mark AS line FROM captures").await, mark, "{kind}");
        assert_eq!(stand.test.count("captures", &format!("id = '{first}' AND revision = 4")).await, 1, "{kind}");

        stand.designs.pause(&stand.owner, &stand.event).await.expect("nothing to pause");
        stand.designs.undo(&stand.owner, &stand.event).await.expect("goes back");
        stand.designs.pause(&stand.owner, &stand.event).await.expect("pauses");
        assert!(!enters(Some("dsn_of_old".into())).await, "{kind}: whoever resumes comes to it");
    }
}
