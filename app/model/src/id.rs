//! Typed, prefixed ids: UUIDv7 in text, made by the application because sealing needs them before the insert.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not an id of the wanted kind: wrong prefix, length or alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id of this kind")
    }
}

impl std::error::Error for InvalidId {}

/// 128 bits in the layout of RFC 9562, version 7: 48 bits of unix milliseconds, then random bits.
fn uuid_v7(now_millis: i64, random: [u8; 10]) -> [u8; 16] {
    let mut bytes = [0u8; 16];
    let [_, _, time @ ..] = now_millis.max(0).to_be_bytes();
    let (head, tail) = bytes.split_at_mut(6);
    head.copy_from_slice(&time);
    tail.copy_from_slice(&random);
    if let [version, _, variant, ..] = tail {
        *version = (*version & 0x0f) | 0x70;
        *variant = (*variant & 0x3f) | 0x80;
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0'))
        .collect()
}

/// Declares an id type: a prefix, an underscore and 32 lower-case hexadecimal digits.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The part before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id from the time (unix milliseconds) and 80 random bits.
            pub fn new(now_millis: i64, random: [u8; 10]) -> Self {
                Self(format!("{}_{}", Self::PREFIX, hex(&uuid_v7(now_millis, random))))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.strip_prefix(concat!($prefix, "_")).ok_or(InvalidId)?;
                let valid = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if valid { Ok(Self(text.to_owned())) } else { Err(InvalidId) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// An organisation, the tenant.
    OrganisationId = "org";
    /// A person who signs in to the CMS.
    UserId = "usr";
    /// A sign-in session as shown to its owner; never the cookie's secret.
    SessionId = "ses";
    /// A sign-in that waits for its second factor; never the cookie's secret.
    PendingId = "pnd";
    /// A passkey as its owner sees it.
    PasskeyId = "pk";
    /// A sign-in of the past.
    SignInId = "sgn";
    /// An invitation into an organisation.
    InvitationId = "inv";
    /// A request to set a new password.
    ResetId = "rst";
    /// A member of our own staff.
    StaffId = "stf";
    /// A session of the staff; never the cookie's secret.
    StaffSessionId = "sts";
    /// An invitation into the staff.
    StaffInvitationId = "sti";
    /// A sign-in of the staff that waits for its second factor.
    StaffPendingId = "stp";
    /// What an organisation lets support do.
    GrantId = "sup";
    /// A second person's word on one destructive act of support.
    SupportApprovalId = "sap";
    /// An organisation's connection to its identity provider.
    ConnectionId = "con";
    /// A person at an identity provider, as they are known here.
    IdentityId = "idn";
    /// An API token as listed; never its secret.
    TokenId = "tok";
    /// An erasure.
    ErasureId = "era";
    /// An event.
    EventId = "evt";
    /// A device of one event.
    DeviceId = "dev";
    /// An uploaded logo.
    LogoId = "lgo";
    /// A file of an event's picture design.
    DesignFileId = "dsf";
    /// A capture.
    CaptureId = "cap";
    /// An upload that comes in pieces.
    UploadId = "upl";
    /// An export of captures.
    ExportId = "exp";
    /// A guest of one event.
    GuestId = "gst";
    /// One consent given or refused.
    ConsentId = "cns";
    /// A share link; never its token.
    LinkId = "lnk";
    /// A message to be sent.
    MessageId = "msg";
    /// One attempt to send a message.
    DeliveryId = "dlv";
    /// A job of the outbox.
    JobId = "job";
    /// An entry of the audit trail.
    AuditId = "aud";
    /// A request, as printed in errors and logs.
    RequestId = "req";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_kind_time_and_version() {
        let id = CaptureId::new(0x0123_4567_89ab, [0xff; 10]);
        assert_eq!(id.as_str(), "cap_0123456789ab7fffbfffffffffffffff");
        assert_eq!(id.as_str().parse::<CaptureId>(), Ok(id.clone()));
        assert_eq!(id.as_str().parse::<GuestId>(), Err(InvalidId));
    }

    #[test]
    fn ids_sort_by_time() {
        assert!(EventId::new(1, [0xff; 10]) < EventId::new(2, [0; 10]));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in
            ["", "cap_", "cap_0123456789AB7fffbfffffffffffffff", "cap_0123", "cap_0123456789ab7fffbfffffffffffffff0"]
        {
            assert_eq!(text.parse::<CaptureId>(), Err(InvalidId), "{text}");
        }
    }
}
