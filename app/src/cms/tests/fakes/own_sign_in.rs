//! An organisation that asks everybody for its own sign-in, and one that does not yet.

use shutterpost_model::id::UserId;
use shutterpost_model::identity::own_sign_in::{ArmedOwner, Candidate, OwnSignIn, WayIn};
use shutterpost_model::time::DAY;

use super::{NOW, connection_id, disclosed};

pub fn rules(required: bool) -> OwnSignIn {
    let user = UserId::new(1, [3; 10]);
    let armed = |number: u8, name, used_at, counts| ArmedOwner {
        user: UserId::new(1, [number; 10]),
        name: disclosed(name),
        ends_at: NOW.plus(7 * DAY),
        used_at,
        counts,
    };
    let list = vec![armed(3, "Anna <b>", Some(NOW), true), armed(6, "Ben", None, false)];
    OwnSignIn {
        required_at: required.then_some(NOW),
        came_by: false,
        armed: if required { list } else { Vec::new() },
        candidates: vec![Candidate { user, name: disclosed("Anna <b>") }],
    }
}

pub fn ways() -> Vec<WayIn> {
    vec![WayIn { connection: connection_id(1), name: "People <of> Acme".into() }]
}
