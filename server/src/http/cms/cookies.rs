//! The cookies of sign-in, as they are set and ended.

use shutterpost_model::identity::NewSession;
use shutterpost_model::identity::passkeys::NewCeremony;
use shutterpost_model::identity::security::NewPending;
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::ATTEMPT;

use crate::http::context::{
    CEREMONY_COOKIE, COOKIE, KNOWN_COOKIE, PENDING_COOKIE, PROVIDER_COOKIE, STAFF_COOKIE, STAFF_PENDING_COOKIE,
    TIE_COOKIE,
};

/// The longest that browsers keep a cookie: 400 days, in seconds.
const LONGEST: i64 = 400 * 86_400;

fn set(name: &str, value: &str, max_age: Option<i64>) -> String {
    let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}")
}

/// A session, and that its browser is known from now on.
pub(in crate::http) fn session(new: &NewSession) -> Vec<String> {
    let known = new.known.as_ref().map(|known| set(KNOWN_COOKIE, known.expose(), Some(LONGEST)));
    [Some(set(COOKIE, new.cookie.expose(), new.max_age)), known].into_iter().flatten().collect()
}

pub(in crate::http) fn session_ended() -> String {
    set(COOKIE, "", Some(0))
}

pub(in crate::http) fn pending(new: &NewPending) -> String {
    set(PENDING_COOKIE, new.cookie.expose(), Some(new.max_age))
}

pub(super) fn ceremony(new: &NewCeremony) -> String {
    set(CEREMONY_COOKIE, new.browser.expose(), Some(new.max_age))
}

/// A session of the staff. Kept until the browser is closed, never longer, and sent along from our own pages alone.
pub(super) fn staff(new: &NewSession) -> String {
    strict(STAFF_COOKIE, new.cookie.expose(), None)
}

pub(super) fn staff_ended() -> String {
    strict(STAFF_COOKIE, "", Some(0))
}

pub(super) fn staff_pending(new: &NewPending) -> String {
    strict(STAFF_PENDING_COOKIE, new.cookie.expose(), Some(new.max_age))
}

pub(super) fn staff_pending_ended() -> String {
    strict(STAFF_PENDING_COOKIE, "", Some(0))
}

/// Staff come to their pages by themselves and not by links of others.
fn strict(name: &str, value: &str, max_age: Option<i64>) -> String {
    set(name, value, max_age).replace("SameSite=Lax", "SameSite=Strict")
}

pub(in crate::http) fn pending_ended() -> String {
    set(PENDING_COOKIE, "", Some(0))
}

/// A browser on its way to a provider. Sent along from there too, also with a form of theirs; it opens nothing.
pub(in crate::http) fn provider(browser: &Secret) -> String {
    let value = browser.expose();
    format!("{PROVIDER_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=None; Max-Age={ATTEMPT}")
}

pub(in crate::http) fn provider_ended() -> String {
    format!("{PROVIDER_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=0")
}

/// Somebody whom a provider has proved, and whose account is still to be.
pub(in crate::http) fn tie(cookie: &Secret, max_age: i64) -> String {
    set(TIE_COOKIE, cookie.expose(), Some(max_age))
}

pub(in crate::http) fn tie_ended() -> String {
    set(TIE_COOKIE, "", Some(0))
}
