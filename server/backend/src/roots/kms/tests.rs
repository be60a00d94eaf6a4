//! Against moto, which speaks like AWS KMS. It does not refuse to use a key that is pending deletion, as AWS does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

use shutterpost_vault::root::contract;

use super::*;
use crate::context::World;
use crate::testing;

/// The names of one test's keys; the service is shared by all of a run.
fn location(test: &str) -> Location {
    Location {
        region: "eu-central-1".into(),
        prefix: format!("{test}-{}", std::process::id()),
        endpoint: Some(testing::kms()),
    }
}

fn open(test: &str) -> KmsRoots {
    KmsRoots::open(&location(test)).expect("moto answers")
}

fn random(world: &World) -> impl FnMut(&mut [u8]) {
    let world = world.clone();
    move |bytes: &mut [u8]| world.random.fill(bytes)
}

#[test]
fn it_keeps_the_contract() {
    let (roots, world) = (open("contract"), testing::world());
    contract::check(&roots, 1, &mut random(&world));
    contract::check(&roots, u32::MAX - 2, &mut random(&world));
}

#[test]
fn what_is_destroyed_is_scheduled_for_the_shortest_window_and_stays_destroyed() {
    let (roots, world) = (open("destroyed"), testing::world());
    for generation in [1, 2] {
        roots.create(generation, &mut random(&world)).expect("created");
    }
    let wrapped = roots.wrap(1, b"c", &[9; 32], &mut random(&world)).expect("wraps");
    roots.destroy(1).expect("destroyed");
    roots.destroy(1).expect("and again");
    let described = roots.call(async {
        let about = roots.client.describe_key().key_id(roots.alias(1)).send().await;
        Ok(about.map_err(|error| refusal("DescribeKey", error))?.key_metadata.expect("moto says it"))
    });
    let described = described.expect("still there");
    assert_eq!(described.key_state(), Some(&KeyState::PendingDeletion));
    let (made, gone) = (described.creation_date().expect("said"), described.deletion_date().expect("said"));
    assert!((gone.secs() - made.secs() - 7 * 86_400).abs() < 60, "{made:?} {gone:?}");

    let refuses = |roots: &KmsRoots| {
        let destroyed = |error: &RootError| matches!(error, RootError::Destroyed { generation: 1 });
        let unwrapped = roots.unwrap(1, b"c", &wrapped).expect_err("destroyed");
        assert!(destroyed(&unwrapped), "{unwrapped}");
        let created = roots.create(1, &mut random(&world)).expect_err("destroyed");
        assert!(destroyed(&created), "{created}");
        assert_eq!(roots.generations().expect("listed"), [2]);
    };
    refuses(&roots);
    refuses(&open("destroyed"));
    // After the window the alias goes with the key.
    let removed = roots.call(async {
        let removed = roots.client.delete_alias().alias_name(roots.alias(1)).send().await;
        removed.map(drop).map_err(|error| refusal("DeleteAlias", error).into())
    });
    removed.expect("removed");
    refuses(&roots);
}

#[test]
fn of_those_who_create_at_once_one_is_first() {
    let roots = open("race");
    let results: Vec<_> = std::thread::scope(|scope| {
        let create = || scope.spawn(|| open("race").create(1, &mut random(&testing::world())));
        let threads: Vec<_> = (0..4).map(|_| create()).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let exists = |result: &&Result<(), RootError>| matches!(result, Err(RootError::Exists { generation: 1 }));
    assert_eq!(results.iter().filter(exists).count(), 3, "{results:?}");
    // What the others made is not left behind.
    let enabled = roots.call(async {
        let mut enabled = 0;
        let mut keys = roots.client.list_keys().into_paginator().items().send();
        while let Some(key) = keys.next().await {
            let id = key.expect("listed").key_id.expect("said");
            let tags = roots.client.list_resource_tags().key_id(&id).send().await.expect("listed");
            let ours = tags.tags().iter().any(|tag| roots.alias(1).ends_with(tag.tag_value()));
            let about = roots.client.describe_key().key_id(&id).send().await.expect("described");
            enabled += usize::from(ours && about.key_metadata().is_some_and(|about| about.enabled()));
        }
        Ok(enabled)
    });
    assert_eq!(enabled.expect("counted"), 1);
}

#[test]
fn what_was_changed_with_care_is_refused_by_the_service() {
    let (roots, world) = (open("changed"), testing::world());
    roots.create(1, &mut random(&world)).expect("created");
    let wrapped = roots.wrap(1, b"c", &[9; 32], &mut random(&world)).expect("wraps");
    let mut inner = blob(1, &wrapped).expect("whole").to_vec();
    *inner.last_mut().expect("not empty") ^= 1;
    let forged = [&header(1)[..], &check(&header(1), &inner), &inner].concat();
    assert!(matches!(roots.unwrap(1, b"c", &forged), Err(RootError::Refused)));
    assert!(matches!(roots.unwrap(1, b"d", &wrapped), Err(RootError::Refused)));
    assert_eq!(*roots.unwrap(1, b"c", &wrapped).expect("unwraps"), [9; 32]);
}

#[test]
fn a_key_that_somebody_disabled_is_named() {
    let (roots, world) = (open("disabled"), testing::world());
    roots.create(1, &mut random(&world)).expect("created");
    let disabled = roots.call(async {
        let Found::Living(id) = roots.find(1).await? else { panic!("it was created") };
        roots
            .client
            .disable_key()
            .key_id(id)
            .send()
            .await
            .map(drop)
            .map_err(|error| refusal("DisableKey", error).into())
    });
    disabled.expect("disabled");
    let error = roots.wrap(1, b"c", &[9; 32], &mut random(&world)).expect_err("disabled");
    assert!(matches!(error, RootError::Unusable { .. }) && error.to_string().contains("enable it"), "{error}");
}

/// Serves every connection with these bytes, or with nothing at all.
fn service(answer: Option<&'static str>) -> Location {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            if let Some(answer) = answer {
                let mut request = [0; 8192];
                let read = stream.read(&mut request).expect("a request");
                assert!(read > 0);
                stream.write_all(answer.as_bytes()).expect("answered");
            } else {
                open.push(stream);
            }
        }
    });
    Location { endpoint: Some(format!("http://127.0.0.1:{port}")), ..location("away") }
}

#[test]
fn a_service_that_is_away_or_hangs_or_is_ill_is_unavailable_in_time() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = closed.local_addr().expect("bound").port();
    drop(closed);
    let away = Location { endpoint: Some(format!("http://127.0.0.1:{port}")), ..location("away") };
    let ill = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let nonsense = "SSH-2.0-OpenSSH_9.2\r\n";
    for location in [away, service(None), service(Some(ill)), service(Some(nonsense))] {
        let started = Instant::now();
        let error = KmsRoots::open(&location).expect_err("unavailable");
        assert!(matches!(error, RootError::Unavailable { .. }), "{error}");
        assert!(started.elapsed() < CALL + Duration::from_secs(2), "{:?}", started.elapsed());
        assert!(error.to_string().contains("ListAliases"), "{error}");
    }
}

#[test]
fn what_the_credentials_may_not_do_is_a_fault_of_the_set_up() {
    let denied = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 78\r\n\r\n\
                  {\"__type\":\"AccessDeniedException\",\"message\":\"not authorised: kms:ListAliases\"}";
    let error = KmsRoots::open(&service(Some(denied))).expect_err("denied");
    assert!(matches!(error, RootError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("kms:ListAliases"), "{error}");
}
