//! The trash: what was deleted is out of sight at once, can be restored for thirty days, and is then erased for good.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::error::{AppError, Code};
use crate::id::{CaptureId, EventId, GuestId, UserId};
use crate::pii::Disclosed;
use crate::time::{DAY, Date, Millis};

/// Days that something can be restored.
pub const TRASH_DAYS: i64 = 30;

/// Lines of a page of the trash.
pub const TRASH_PAGE: usize = 50;

/// What can lie in the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrashKind {
    Capture,
    /// A guest, with the captures that show nobody else.
    Guest,
    /// An event, with everything in it.
    Event,
    /// Somebody's place in the organisation.
    Member,
}

impl TrashKind {
    pub const ALL: [Self; 4] = [Self::Capture, Self::Guest, Self::Event, Self::Member];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Guest => "guest",
            Self::Event => "event",
            Self::Member => "member",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One thing in the trash, by its own id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrashTarget {
    Capture(CaptureId),
    Guest(GuestId),
    Event(EventId),
    Member(UserId),
}

impl TrashTarget {
    pub const fn kind(&self) -> TrashKind {
        match self {
            Self::Capture(_) => TrashKind::Capture,
            Self::Guest(_) => TrashKind::Guest,
            Self::Event(_) => TrashKind::Event,
            Self::Member(_) => TrashKind::Member,
        }
    }

    /// The object's id.
    pub fn object(&self) -> &str {
        match self {
            Self::Capture(id) => id.as_str(),
            Self::Guest(id) => id.as_str(),
            Self::Event(id) => id.as_str(),
            Self::Member(id) => id.as_str(),
        }
    }
}

/// By the prefix of the id; what is no id of such an object is not found, as a foreign one is not.
impl std::str::FromStr for TrashTarget {
    type Err = Code;

    fn from_str(text: &str) -> Result<Self, Code> {
        let (prefix, _) = text.split_once('_').ok_or(Code::NotFound)?;
        let target = match prefix {
            CaptureId::PREFIX => text.parse().map(Self::Capture),
            GuestId::PREFIX => text.parse().map(Self::Guest),
            EventId::PREFIX => text.parse().map(Self::Event),
            UserId::PREFIX => text.parse().map(Self::Member),
            _ => return Err(Code::NotFound),
        };
        target.map_err(|_| Code::NotFound)
    }
}

/// What a line of the trash is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trashed {
    Capture {
        event: EventId,
        event_name: String,
        captured_at: Millis,
        /// Address of the thumbnail in the CMS.
        thumb: String,
    },
    /// Contact data are masked.
    Guest {
        event: EventId,
        event_name: String,
        name: Option<Disclosed<String>>,
        email: Option<Disclosed<String>>,
        phone: Option<Disclosed<String>>,
        /// Captures that show the guest, those of others included.
        captures: i64,
    },
    Event {
        name: String,
        starts_on: Date,
        ends_on: Date,
        captures: i64,
    },
    Member {
        name: Disclosed<String>,
        email: Disclosed<String>,
        role: Role,
    },
}

/// A line of the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashItem {
    pub kind: TrashKind,
    /// The object's id.
    pub object: String,
    pub what: Trashed,
    pub deleted_at: Millis,
    /// Who deleted it, if they still have a name here.
    pub deleted_by: Option<String>,
    /// Until then it can be restored.
    pub restorable_until: Millis,
    /// Whether the reader may restore it: a role that they could not grant is not theirs to give back.
    pub may_restore: bool,
}

impl TrashItem {
    /// Days until it is erased for good, the one that has begun included.
    pub const fn days_left(&self, now: Millis) -> i64 {
        let left = self.restorable_until.0.saturating_sub(now.0);
        if left <= 0 { 0 } else { (left - 1) / DAY + 1 }
    }
}

/// A page of the trash, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashPage {
    pub items: Vec<TrashItem>,
    pub next: Option<String>,
}

/// The port of the trash. Things are put into it through the ports they belong to.
#[async_trait]
pub trait Trash: Send + Sync {
    /// What can be restored, newest first; of one kind, or of all. Who may: who manages the trash.
    async fn list(&self, actor: &Actor, kind: Option<TrashKind>, cursor: Option<String>)
    -> Result<TrashPage, AppError>;
    /// Brings one thing back as it was. What is not in the trash any more because it was restored stays as it is. Who
    /// may: who manages the trash; of a member, who may grant the role.
    async fn restore(&self, actor: &Actor, target: &TrashTarget) -> Result<(), AppError>;
    /// Forgets a removed member at once, with the account if they belong nowhere else. Other things are erased through
    /// [`super::Privacy::erase`]. Who may: who manages privacy and may grant the role.
    async fn erase_member(&self, actor: &Actor, user: &UserId) -> Result<(), AppError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_known_by_its_id() {
        for (text, kind) in [
            (CaptureId::new(1, [1; 10]).into_string(), Some(TrashKind::Capture)),
            (GuestId::new(1, [1; 10]).into_string(), Some(TrashKind::Guest)),
            (EventId::new(1, [1; 10]).into_string(), Some(TrashKind::Event)),
            (UserId::new(1, [1; 10]).into_string(), Some(TrashKind::Member)),
            ("cap_1".into(), None),
            ("org_0123456789ab7fffbfffffffffffffff".into(), None),
            (String::new(), None),
        ] {
            let target = text.parse::<TrashTarget>();
            assert_eq!(target.as_ref().ok().map(TrashTarget::kind), kind, "{text}");
            if let Ok(target) = target {
                assert_eq!(target.object(), text);
            }
        }
    }

    #[test]
    fn the_day_that_has_begun_counts() {
        let item = |until: i64| TrashItem {
            kind: TrashKind::Event,
            object: String::new(),
            what: Trashed::Event {
                name: String::new(),
                starts_on: Millis(0).date(),
                ends_on: Millis(0).date(),
                captures: 0,
            },
            deleted_at: Millis(0),
            deleted_by: None,
            restorable_until: Millis(until),
            may_restore: true,
        };
        for (left, days) in [(-1, 0), (0, 0), (1, 1), (DAY, 1), (DAY + 1, 2), (30 * DAY, 30)] {
            assert_eq!(item(1000 + left).days_left(Millis(1000)), days, "{left}");
        }
    }
}
