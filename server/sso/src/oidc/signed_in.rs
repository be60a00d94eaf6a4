//! From verified claims to a person.

use std::ops::Deref;

use openidconnect::LocalizedClaim;
use serde::Deserialize;
use serde_json::{Map, Value};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::Millis;

use super::connection::{Connection, Rules, is_tenant};
use super::reject::Reject;
use super::token::{Claims, is_subject};
use super::user_info::UserInfo;
use crate::Person;

const MOST_GROUPS: usize = 500;
const LONGEST_GROUP: usize = 256;
const LONGEST_NAME: usize = 200;
const LONGEST_EMAIL: usize = 254;

/// Somebody whom the provider has proved, and what is needed to sign them out again.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub person: Person,
    /// `sub`, by which the provider ends sessions; with Microsoft it is not the person's subject.
    pub sub: Pii<String>,
    /// For [`super::RelyingParty::end_session`].
    pub id_token: Secret,
    pub notices: Vec<Notice>,
}

/// Something an administrator should hear of; nobody is refused for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Microsoft leaves out groups when they are many, so that there are none here: app roles never are.
    GroupsLeftOut,
}

/// Makes the person; `told` is what UserInfo says, `user` a form field of Apple that nobody has signed.
pub(super) fn read(
    connection: &Connection,
    claims: &Claims,
    told: Option<&UserInfo>,
    user: Option<&Secret>,
    id_token: &str,
) -> Result<SignedIn, Reject> {
    let more = &claims.additional_claims().all;
    let text = |name: &str| more.get(name).and_then(Value::as_str);
    let sub = claims.subject().as_str();
    let subject = match &connection.rules {
        Rules::Standard | Rules::Apple => sub.to_owned(),
        Rules::Microsoft { tenant } => {
            if !text("tid").is_some_and(|tid| tid.eq_ignore_ascii_case(tenant)) {
                return Err(Reject::OtherTenant);
            }
            // Stays when the application is registered anew, which `sub` does not; the issuer names the tenant.
            text("oid").map(str::to_ascii_lowercase).filter(|oid| is_tenant(oid)).ok_or(Reject::NoObjectId)?
        }
        Rules::Google { domain } => {
            if !text("hd").is_some_and(|hd| hd.eq_ignore_ascii_case(domain)) {
                return Err(Reject::OtherDomain);
            }
            if claims.email_verified() != Some(true) {
                return Err(Reject::Unverified);
            }
            sub.to_owned()
        }
    };

    // Address and proof from one place: never the address of one document with the proof of the other.
    let (email, verified) = match (claims.email(), told) {
        (Some(email), _) => (Some(email), claims.email_verified()),
        (None, Some(told)) => (told.email(), told.email_verified()),
        (None, None) => (None, None),
    };
    let email = email.map(|email| email.as_str()).filter(|email| is_email(email));
    let believed = !matches!(connection.rules, Rules::Microsoft { .. });

    let name = localized(claims.name())
        .or_else(|| told.and_then(|told| localized(told.name())))
        .or_else(|| full_name(localized(claims.given_name()), localized(claims.family_name())));
    let name = match (name, &connection.rules) {
        (None, Rules::Apple) => user.and_then(apple_name),
        (name, _) => name,
    };

    let mut groups = groups(&connection.group_claims, more);
    if let Some(told) = told.filter(|_| groups.is_empty()) {
        groups = self::groups(&connection.group_claims, &told.additional_claims().all);
    }
    let methods = claims.auth_method_refs().into_iter().flatten().map(|method| method.to_string());
    let class = claims.auth_context_ref().map(|class| class.to_string());
    let person = Person {
        issuer: connection.issuer.clone(),
        subject: Pii::new(subject),
        email_verified: believed && email.is_some() && verified == Some(true),
        email: email.map(|email| Pii::new(email.to_owned())),
        name: name.map(|name| Pii::new(tidy(&name))).filter(|name| !name.expose().is_empty()),
        groups,
        methods: methods.chain(class).filter(|method| is_subject(method)).collect(),
        session: text("sid").filter(|sid| is_subject(sid)).map(str::to_owned),
        authenticated_at: claims.auth_time().map(|at| Millis(at.timestamp_millis())),
        until: None,
    };
    let notices = if groups_left_out(more) { vec![Notice::GroupsLeftOut] } else { Vec::new() };
    Ok(SignedIn { person, sub: Pii::new(sub.to_owned()), id_token: Secret::new(id_token.to_owned()), notices })
}

/// Strings, or a single one, of each of these claims.
fn groups(names: &[String], claims: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        let value = match name.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, ""))) {
            Some((first, "")) => claims.get(first),
            Some((first, rest)) => claims.get(first).and_then(|value| value.pointer(&format!("/{rest}"))),
            None => claims.get(name),
        };
        let values = match value {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(value)) => vec![value.as_str()],
            _ => Vec::new(),
        };
        found.extend(values.into_iter().filter(|group| is_group(group)).map(str::to_owned));
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST_GROUPS);
    found
}

fn is_group(group: &str) -> bool {
    (1..=LONGEST_GROUP).contains(&group.len()) && !group.chars().any(char::is_control)
}

fn groups_left_out(claims: &Map<String, Value>) -> bool {
    let elsewhere = claims.get("_claim_names").is_some_and(|names| names.get("groups").is_some());
    elsewhere || claims.get("hasgroups").is_some_and(|has| *has == Value::Bool(true) || *has == "true")
}

/// Enough to write to; what an address really is only a message shows.
fn is_email(email: &str) -> bool {
    let halves = email.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    halves && email.len() <= LONGEST_EMAIL && !email.chars().any(|letter| letter.is_control() || letter.is_whitespace())
}

/// The one that names no language.
fn localized<T: Deref<Target = String>>(claim: Option<&LocalizedClaim<T>>) -> Option<String> {
    claim.and_then(|claim| claim.get(None)).map(|value| value.to_string())
}

fn full_name(first: Option<String>, last: Option<String>) -> Option<String> {
    match (first, last) {
        (None, None) => None,
        (first, last) => Some([first, last].into_iter().flatten().collect::<Vec<_>>().join(" ")),
    }
}

#[derive(Deserialize)]
struct AppleUser {
    name: AppleName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppleName {
    first_name: Option<String>,
    last_name: Option<String>,
}

/// Comes once, through the browser and unsigned: good for greeting, not for the address beside it.
fn apple_name(user: &Secret) -> Option<String> {
    let AppleUser { name } = serde_json::from_str(user.expose()).ok()?;
    full_name(name.first_name, name.last_name)
}

/// A name that cannot do anything to the line it is shown in.
fn tidy(name: &str) -> String {
    let directs = |letter: &char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept: String = name.chars().filter(|letter| !letter.is_control() && !directs(letter)).collect();
    kept.trim().chars().take(LONGEST_NAME).collect()
}
