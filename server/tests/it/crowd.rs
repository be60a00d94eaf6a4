//! A crowd at the sign-in: as many hashes at a time as there are cores, and an answer for everybody else.

use std::sync::Arc;

use axum::http::StatusCode;
use shutterpost_backend::identity::PasswordPolicy;
use shutterpost_backend::identity::admin::{NewMember, create_member};
use shutterpost_model::access::Role;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};

use crate::support::{As, PASSWORD, apps, tenant};

/// Sign-ins at once to one account: so many attempts cost it nothing.
const EACH: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_signed_in_or_told_to_come_back() {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // More than a machine with many cores gets through before the queue's limit.
    let crowd = 200.max(120 * cores);
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let mut emails = Vec::new();
        for number in 0..crowd / EACH {
            let email = format!("crowd-{number}@home.example");
            let member = NewMember {
                name: Pii::new("One of many".into()),
                email: Pii::new(email.clone()),
                password: Secret::new(PASSWORD.into()),
                role: Role::Viewer,
                language: Language::English,
            };
            create_member(&app.deps, PasswordPolicy::FLOOR, &home.organisation, member).await.expect("created");
            emails.push(email);
        }
        let sessions = app.database.count("identity_sessions", "1 = 1").await;
        let app = Arc::new(app);
        let tasks: Vec<_> = emails
            .iter()
            .flat_map(|email| std::iter::repeat_n(email, EACH))
            .map(|email| {
                let (app, email) = (Arc::clone(&app), email.clone());
                tokio::spawn(async move {
                    let fields = [("email", &*email), ("password", PASSWORD)];
                    app.form("/cms/sign-in", &As::Nobody, &fields).await
                })
            })
            .collect();
        let (mut signed_in, mut busy) = (0, 0);
        for task in tasks {
            let answer = task.await.expect("no panic");
            match answer.status {
                StatusCode::SEE_OTHER => signed_in += 1,
                StatusCode::SERVICE_UNAVAILABLE => busy += 1,
                other => panic!("{}: {other}: {}", app.database.kind, answer.text()),
            }
        }
        assert_eq!(signed_in + busy, i64::try_from(emails.len() * EACH).expect("few"));
        assert!(signed_in > 0 && busy > 0, "{}: {signed_in} signed in, {busy} told to wait", app.database.kind);
        let opened = app.database.count("identity_sessions", "1 = 1").await - sessions;
        assert_eq!(opened, signed_in, "whoever is told to wait has no session");
        // The crowd is gone, and nobody's account was slowed down by it.
        for email in emails.iter().take(3) {
            app.sign_in(email).await;
        }
    }
}
