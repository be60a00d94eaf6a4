//! `shutterpost admin` as the operator calls it at the machine: what it prints, where, and how it ends.

use std::io::Write;
use std::process::{Output, Stdio};

use shutterpost_backend::testing;

use crate::crash::program::Place;
use crate::support::PASSWORD;

/// What was called for, as the operator sees it.
struct Said {
    succeeded: bool,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { succeeded: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn admin(place: &Place, arguments: &[&str]) -> Said {
    place.command().arg("admin").args(arguments).output().expect("it runs").into()
}

/// Calls for what must not succeed: it says why, and prints nothing that a script would take for an answer.
fn refused(place: &Place, arguments: &[&str], why: &str) {
    let Said { succeeded, out, err } = admin(place, arguments);
    assert!(!succeeded && out.is_empty(), "{arguments:?}: {out}");
    assert!(err.contains(why), "{arguments:?}: {err}");
}

const SAM: [&str; 4] = ["--name", "Sam Lee", "--email", "sam@example.com"];

fn invite(place: &Place) -> String {
    let Said { succeeded, out, err } = admin(place, &[&["invite-staff"], SAM.as_slice()].concat());
    assert!(succeeded, "{err}");
    let link = out.trim_end().to_owned();
    assert!(link.contains("/support/invitation/") && !link.contains('\n'), "the link and nothing else: {out}");
    assert!(!err.contains(&link) && err.contains("once and for 48 hours"), "{err}");
    link
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_are_made_and_shut_out_at_the_machine() {
    for database in &testing::databases().await {
        let place = Place::new(database).await;
        assert_ne!(invite(&place), invite(&place), "who has not joined yet gets a new link");
        let listed = admin(&place, &["list-staff"]);
        assert_eq!(listed.out.lines().count(), 1, "{}", listed.out);
        assert!(listed.out.ends_with("\tsam@example.com\tSam Lee\tinvited\n"), "{}", listed.out);
        let of = |command| [command, "--email", "sam@example.com"];
        let out = admin(&place, &of("disable-staff"));
        assert!(out.succeeded && out.err.contains("They are out"), "{}", out.err);
        assert!(admin(&place, &["list-staff"]).out.ends_with("\tshut out\n"));
        refused(&place, &of("disable-staff"), "shut out before");
        refused(&place, &[&["invite-staff"], SAM.as_slice()].concat(), "was shut out");
        refused(&place, &["remove-staff-factor", "--email", "nobody@example.com"], "nobody of that address");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_armed_only_by_who_they_are() {
    for database in &testing::databases().await {
        let place = Place::new(database).await;
        let owner = "owner@home.example";
        let create = ["admin", "create-owner", "--organisation", "Home", "--name", "Owner", "--email", owner];
        let mut child = place
            .command()
            .args(create)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        child.stdin.take().expect("piped").write_all(PASSWORD.as_bytes()).expect("it reads");
        let created = Said::from(child.wait_with_output().expect("a child"));
        assert!(created.succeeded, "{}", created.err);
        let found = created.err.find("org_").expect("it says which");
        let home: String = created.err[found..].chars().take_while(|c| *c == '_' || c.is_alphanumeric()).collect();

        for (organisation, email, why) in [
            ("home", owner, "not the id of an organisation"),
            (&*home, "nobody@home.example", "nobody of that address"),
            (&*home, owner, "no second factor"),
        ] {
            refused(&place, &["arm-owner", "--organisation", organisation, "--email", email], why);
        }
    }
}
