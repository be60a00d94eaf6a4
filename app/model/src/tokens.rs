//! API tokens: what one may do (scopes), how long it lives, and how it is listed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access::{Permission, Role};
use crate::error::{AppError, Code};
use crate::id::{OrganisationId, TokenId};
use crate::pii::Disclosed;
use crate::time::{DAY, Date, Millis};
use crate::validate::{self, Check};

/// How long a replaced secret goes on working, so that every program can get the new one.
pub const OVERLAP: i64 = DAY;
/// A token that ends within this time is shown as one that expires soon.
pub const SOON: i64 = 7 * DAY;
/// An expired token is listed for so long.
pub const EXPIRED_SHOWN: i64 = 30 * DAY;

/// A part of the REST API that a token may use, in the trade's form `what:how`. A scope never grants more than the role
/// behind the token.
///
/// Where two scopes hold the same permission, the smaller one stands first: it is the one that a refusal names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenScope {
    EventsRead,
    /// How the pictures of events look.
    EventsWrite,
    CapturesRead,
    /// Upload and nothing else: what a camera or an import needs.
    CapturesUpload,
    CapturesWrite,
    GuestsRead,
    GuestsWrite,
    TrashManage,
    PrivacyManage,
}

impl TokenScope {
    pub const ALL: [Self; 9] = [
        Self::EventsRead,
        Self::EventsWrite,
        Self::CapturesRead,
        Self::CapturesUpload,
        Self::CapturesWrite,
        Self::GuestsRead,
        Self::GuestsWrite,
        Self::TrashManage,
        Self::PrivacyManage,
    ];

    /// As it stands in the API, in forms and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventsRead => "events:read",
            Self::EventsWrite => "events:write",
            Self::CapturesRead => "captures:read",
            Self::CapturesUpload => "captures:upload",
            Self::CapturesWrite => "captures:write",
            Self::GuestsRead => "guests:read",
            Self::GuestsWrite => "guests:write",
            Self::TrashManage => "trash:manage",
            Self::PrivacyManage => "privacy:manage",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// The table. A larger scope holds a smaller one whole: who may write may read, who may erase everything may erase guests.
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::EventsRead => &[P::EventRead],
            Self::EventsWrite => &[P::EventRead, P::BrandingWrite],
            Self::CapturesRead => &[P::CaptureRead],
            Self::CapturesUpload => &[P::CaptureCreate],
            Self::CapturesWrite => &[P::CaptureRead, P::CaptureCreate, P::CaptureWrite, P::CaptureExport],
            Self::GuestsRead => &[P::GuestRead],
            Self::GuestsWrite => &[P::GuestRead, P::GuestWrite],
            Self::TrashManage => &[P::TrashManage],
            Self::PrivacyManage => &[P::GuestRead, P::GuestWrite, P::PrivacyManage],
        }
    }

    pub fn grants(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    /// The smallest scope that grants the permission; `None` if the API offers nothing of the kind.
    pub fn needed_for(permission: Permission) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.grants(permission))
    }

    /// Whether the role holds everything that the scope grants.
    pub fn within(self, role: Role) -> bool {
        self.permissions().iter().all(|permission| role.grants(*permission))
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl Serialize for TokenScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TokenScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| serde::de::Error::custom("not a scope"))
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u16);

impl Scopes {
    /// Reads what [`Scopes::to_string`] wrote. A name that is not known grants nothing, so that a token of a newer version
    /// loses rights here and never gains any.
    pub fn read(text: &str) -> Self {
        text.split_ascii_whitespace().filter_map(TokenScope::from_name).collect()
    }

    /// Everything that the API offers to the role.
    pub fn of_role(role: Role) -> Self {
        TokenScope::ALL.into_iter().filter(|scope| scope.within(role)).collect()
    }

    /// Everything that reads and changes nothing.
    pub fn reading() -> Self {
        [TokenScope::EventsRead, TokenScope::CapturesRead, TokenScope::GuestsRead].into_iter().collect()
    }

    pub const fn contains(self, scope: TokenScope) -> bool {
        self.0 & scope.bit() != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = TokenScope> {
        TokenScope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    pub fn grants(self, permission: Permission) -> bool {
        self.iter().any(|scope| scope.grants(permission))
    }

    /// What the set comes to behind the role: every scope, also one that a larger one holds, of which nothing is missing.
    #[must_use]
    pub fn effective(self, role: Role) -> Self {
        let granted = |permission: &Permission| self.grants(*permission) && role.grants(*permission);
        TokenScope::ALL.into_iter().filter(|scope| scope.permissions().iter().all(granted)).collect()
    }

    /// The scopes of this set that the role holds whole.
    #[must_use]
    pub fn within(self, role: Role) -> Self {
        self.iter().filter(|scope| scope.within(role)).collect()
    }
}

impl FromIterator<TokenScope> for Scopes {
    fn from_iter<I: IntoIterator<Item = TokenScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// The names with a space between them, as OAuth writes them.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", scope.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<TokenScope>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// How much of the role behind a token the token may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All of it: a token from before there were scopes.
    WholeRole,
    Scopes(Scopes),
}

impl Reach {
    pub fn grants(self, permission: Permission) -> bool {
        match self {
            Self::WholeRole => true,
            Self::Scopes(scopes) => scopes.grants(permission),
        }
    }
}

/// How long a new secret works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifetime {
    /// One of [`Lifetime::DAYS`].
    Days(i64),
    /// To the end of a day (UTC), at most a year ahead.
    Until(Date),
}

impl Lifetime {
    /// The offered numbers of days.
    pub const DAYS: [i64; 4] = [7, 30, 90, 365];
    /// What is offered first.
    pub const USUAL: i64 = 90;
    /// No token lives longer than this many days.
    pub const MOST: i64 = 365;

    /// The field of a form that it came from.
    const fn field(self) -> &'static str {
        match self {
            Self::Days(_) => "expires",
            Self::Until(_) => "until",
        }
    }

    /// The moment at which it ends: at and after it the secret is refused.
    ///
    /// # Errors
    /// [`Code::BadChoice`] for another number of days, [`Code::OutOfRange`] for a day that is over or too far away.
    pub fn ends(self, now: Millis) -> Result<Millis, Code> {
        match self {
            Self::Days(days) if Self::DAYS.contains(&days) => Ok(now.plus(days * DAY)),
            Self::Days(_) => Err(Code::BadChoice),
            Self::Until(day) => {
                let today = now.date();
                if day < today || day > today.plus_days(Self::MOST) {
                    return Err(Code::OutOfRange);
                }
                Ok(Millis(day.days() * DAY).plus(DAY))
            }
        }
    }
}

/// A new API token.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenDraft {
    pub name: String,
    pub scopes: Scopes,
    pub lifetime: Lifetime,
}

impl TokenDraft {
    /// Checks everything and gives the moment at which the token ends.
    pub fn check(&self, now: Millis) -> Result<Millis, AppError> {
        let mut check = Check::default();
        check.rule("name", validate::name(&self.name));
        if self.scopes.is_empty() {
            check.fail("scope", Code::Required);
        }
        let ends = check.value(self.lifetime.field(), self.lifetime.ends(now));
        check.finish()?;
        ends.ok_or_else(|| Code::BadRequest.into())
    }
}

/// What becomes of the secret that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replaced {
    /// It works for [`OVERLAP`] longer, and never beyond its own end.
    Overlaps,
    /// It ends at once, because somebody may have read it.
    EndsNow,
}

/// A new secret for a token.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct TokenRenewal {
    pub lifetime: Lifetime,
    pub replaced: Replaced,
}

impl TokenRenewal {
    /// Checks the lifetime and gives the moment at which the new secret ends.
    pub fn check(&self, now: Millis) -> Result<Millis, AppError> {
        self.lifetime.ends(now).map_err(|code| AppError::field(self.lifetime.field(), code))
    }
}

/// Whether a token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenState {
    Active,
    /// Within [`SOON`].
    ExpiresSoon,
    Expired,
    /// Whoever made it is no member any more.
    Stopped,
}

/// An API token of the organisation, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    /// `None`: a token from before there were scopes, which may do all that its role may.
    pub scopes: Option<Scopes>,
    /// The role behind it, beyond which no scope reaches: the one it was made with, or what the maker has now if that is
    /// less.
    pub role: Role,
    /// Prefix and last four characters of the secret, to recognise it by: `spt_…Ab3x`.
    pub hint: String,
    /// Who made its secret; `None` if they are gone.
    pub made_by: Option<Disclosed<String>>,
    pub created_at: Millis,
    pub last_used_at: Option<Millis>,
    /// `None`: a token from before there were ends.
    pub expires_at: Option<Millis>,
    pub state: TokenState,
    /// The secret that was replaced, while it still works.
    pub previous: Option<PreviousSecret>,
}

impl Token {
    /// The scopes in effect, those that larger ones hold among them.
    pub fn effective(&self) -> Scopes {
        self.scopes.map_or_else(|| Scopes::of_role(self.role), |scopes| scopes.effective(self.role))
    }
}

/// A replaced secret that still works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    pub hint: String,
    pub until: Millis,
    pub last_used_at: Option<Millis>,
}

/// What a token learns about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnToken {
    pub id: TokenId,
    pub organisation: OrganisationId,
    pub name: String,
    /// Those in effect.
    pub scopes: Scopes,
    /// When the secret that was shown ends.
    pub expires_at: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_and_read_again() {
        for bits in 0..1 << TokenScope::ALL.len() {
            let scopes = Scopes(bits);
            assert_eq!(Scopes::read(&scopes.to_string()), scopes);
            let json = serde_json::to_string(&scopes).expect("serialises");
            assert_eq!(serde_json::from_str::<Scopes>(&json).expect("parses"), scopes);
        }
        assert_eq!(Scopes::read("events:read galaxies:write  captures:read").to_string(), "events:read captures:read");
    }

    #[test]
    fn a_scope_holds_what_its_name_says_and_nothing_that_only_people_may() {
        use Permission as P;
        let people = [
            P::OverviewRead,
            P::EventWrite,
            P::DeviceManage,
            P::TokenManage,
            P::GuestReveal,
            P::LinkWrite,
            P::MessageRead,
            P::MessageSend,
            P::PeopleManage,
            P::OwnerGrant,
            P::AuditRead,
            P::OrganisationErase,
            P::PersonalExport,
            P::SignInManage,
            P::SupportManage,
        ];
        for permission in P::ALL {
            let offered = TokenScope::needed_for(permission);
            assert_eq!(offered.is_none(), people.contains(&permission), "{permission:?}");
        }
        assert_eq!(TokenScope::needed_for(P::BrandingWrite), Some(TokenScope::EventsWrite));
        assert_eq!(TokenScope::needed_for(P::EventRead), Some(TokenScope::EventsRead));
        assert_eq!(TokenScope::needed_for(P::CaptureCreate), Some(TokenScope::CapturesUpload));
        assert_eq!(TokenScope::needed_for(P::GuestWrite), Some(TokenScope::GuestsWrite));
        assert_eq!(TokenScope::needed_for(P::CaptureRead), Some(TokenScope::CapturesRead));
    }

    #[test]
    fn a_role_offers_the_scopes_that_it_holds_whole() {
        assert_eq!(Scopes::of_role(Role::Viewer), Scopes::reading());
        assert_eq!(Scopes::of_role(Role::Owner), TokenScope::ALL.into_iter().collect());
        assert_eq!(Scopes::of_role(Role::Admin), Scopes::of_role(Role::Owner));
        assert!(Scopes::of_role(Role::Reporter).is_empty());
        let editor = Scopes::of_role(Role::Editor);
        assert!(editor.contains(TokenScope::GuestsWrite) && !editor.contains(TokenScope::PrivacyManage));
        assert_eq!(Scopes::of_role(Role::Admin).within(Role::Viewer), Scopes::reading());
    }

    #[test]
    fn what_is_said_to_be_in_effect_is_exactly_what_is_granted() {
        for bits in 0..1 << TokenScope::ALL.len() {
            for role in Role::ALL {
                let scopes = Scopes(bits);
                for permission in Permission::ALL {
                    let granted = scopes.grants(permission) && role.grants(permission);
                    assert_eq!(scopes.effective(role).grants(permission), granted, "{scopes} {role:?} {permission:?}");
                }
            }
        }
    }

    #[test]
    fn a_lifetime_ends_within_a_year() {
        let now = Millis(1_772_560_245_999);
        for days in Lifetime::DAYS {
            assert_eq!(Lifetime::Days(days).ends(now), Ok(now.plus(days * DAY)));
        }
        assert_eq!(Lifetime::Days(8).ends(now), Err(Code::BadChoice));
        let today = now.date();
        assert_eq!(Lifetime::Until(today).ends(now).map(Millis::rfc3339), Ok("2026-03-04T00:00:00Z".into()));
        assert_eq!(Lifetime::Until(today.plus_days(-1)).ends(now), Err(Code::OutOfRange));
        assert!(Lifetime::Until(today.plus_days(365)).ends(now).is_ok());
        assert_eq!(Lifetime::Until(today.plus_days(366)).ends(now), Err(Code::OutOfRange));
    }
}
