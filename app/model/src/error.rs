//! What a client is told when something fails: a stable code, the fields it concerns, a request id. Nothing else
//! leaves the server; causes are logged there.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::access::{Actor, Lack, Permission};
use crate::tokens::TokenScope;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal => $status:literal;)+) => {
        /// A stable reason. Every code has a text in every language (tested) and one HTTP status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as it stands in responses and locale files.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The HTTP status a response with this code has.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }
        }
    };
}

codes! {
    /// Something failed on our side; the log has the cause under the request id.
    Internal = "internal" => 500;
    /// The server is over its limits or a part of it is away; the client may try again.
    Busy = "busy" => 503;
    /// The disk or the database took no more.
    StorageFull = "storage_full" => 507;
    /// The request is not of the expected form.
    BadRequest = "bad_request" => 400;
    /// Some fields are wrong; see `fields`.
    Invalid = "invalid" => 422;
    /// Not there, or not yours.
    NotFound = "not_found" => 404;
    /// Nobody is signed in, or the token is unknown.
    SignInNeeded = "sign_in_needed" => 401;
    /// The role does not allow it.
    Forbidden = "forbidden" => 403;
    /// The API token lacks a scope; see `scope`.
    InsufficientScope = "insufficient_scope" => 403;
    /// The request came from another site.
    CrossSite = "cross_site" => 403;
    /// The body is larger than the limit.
    TooLarge = "too_large" => 413;
    /// Too many requests or attempts.
    TooMany = "too_many" => 429;
    /// The content type is not accepted here.
    ContentType = "content_type" => 415;
    /// The method is not known at this address.
    MethodNotAllowed = "method_not_allowed" => 405;
    /// The object was changed by somebody else in the meantime.
    Conflict = "conflict" => 409;

    /// Unknown account, wrong password or blocked account: deliberately one code.
    SignInFailed = "sign_in_failed" => 401;
    /// The one-time link was used, replaced or is too old.
    LinkExpired = "link_expired" => 410;
    /// The code of the second factor is wrong, was used before, or comes too soon after many wrong ones.
    WrongCode = "wrong_code" => 422;
    /// The passkey is unknown, or its answer is not the one that was asked for.
    PasskeyRefused = "passkey_refused" => 422;
    /// The act is sensitive and the person showed too long ago who they are.
    ConfirmNeeded = "confirm_needed" => 403;
    /// The organisation asks for two-factor sign-in, which the person has not set up.
    FactorNeeded = "factor_needed" => 403;
    /// Whoever asks others for two-factor sign-in has to have it.
    FactorFirst = "factor_first" => 409;
    /// An organisation of the person asks for two-factor sign-in.
    FactorKept = "factor_kept" => 409;
    /// Support has no access that runs at this moment.
    SupportOver = "support_over" => 403;
    /// What support is about to do waits for a second person, who has been asked.
    ApprovalNeeded = "approval_needed" => 403;
    /// Who came by one organisation's provider acts there and in no other; and where one asks for its own, nobody acts who
    /// came otherwise.
    OwnSignInNeeded = "own_sign_in_needed" => 403;
    /// Whoever asks others to sign in by the organisation's provider came by it.
    OwnSignInFirst = "own_sign_in_first" => 409;
    /// It is the last connection by which people get in who have to come by one.
    LastConnection = "last_connection" => 409;
    /// The current password is wrong.
    WrongPassword = "wrong_password" => 422;
    /// The password is too short.
    PasswordShort = "password_short" => 422;
    /// The password is too long.
    PasswordLong = "password_long" => 422;
    /// The password is too common or too easy to guess.
    PasswordWeak = "password_weak" => 422;
    /// The organisation would be left without an owner.
    LastOwner = "last_owner" => 409;
    /// Nobody grants a role above their own.
    RoleTooHigh = "role_too_high" => 403;
    /// The person is already a member.
    AlreadyMember = "already_member" => 409;

    /// A field that must not be empty is empty.
    Required = "required" => 422;
    /// The text is longer than allowed.
    TooLong = "too_long" => 422;
    /// The reason says too little.
    ReasonShort = "reason_short" => 422;
    /// Control characters or invalid text.
    BadText = "bad_text" => 422;
    /// Not an e-mail address.
    BadEmail = "bad_email" => 422;
    /// Not a telephone number in international form.
    BadPhone = "bad_phone" => 422;
    /// Not a calendar date.
    BadDate = "bad_date" => 422;
    /// The end lies before the beginning.
    EndBeforeStart = "end_before_start" => 422;
    /// Not a time zone of the IANA database.
    BadTimeZone = "bad_time_zone" => 422;
    /// Not a colour of the form #rrggbb.
    BadColour = "bad_colour" => 422;
    /// The colour cannot be read on its ground.
    LowContrast = "low_contrast" => 422;
    /// Not an https address.
    BadUrl = "bad_url" => 422;
    /// Outside the allowed range.
    OutOfRange = "out_of_range" => 422;
    /// Not one of the offered values.
    BadChoice = "bad_choice" => 422;
    /// A field the API does not know.
    UnknownField = "unknown_field" => 422;

    /// The file is empty.
    FileEmpty = "file_empty" => 422;
    /// The file is of no kind that is accepted.
    FileKind = "file_kind" => 415;
    /// The declared type is not what the file holds.
    FileMismatch = "file_mismatch" => 415;
    /// The picture ends early.
    FileTruncated = "file_truncated" => 422;
    /// The picture is damaged.
    FileDamaged = "file_damaged" => 422;
    /// The picture has more pixels than allowed.
    FilePixels = "file_pixels" => 422;
    /// The film or animation is too long, or has too many pictures or tracks.
    FileLong = "file_long" => 422;
    /// Films and animations cannot be taken because what works on them is not installed.
    FilmsUnavailable = "films_unavailable" => 503;

    /// The drawing has a program in it.
    DrawingScript = "drawing_script" => 422;
    /// The drawing refers to something outside of the file.
    DrawingExternal = "drawing_external" => 422;
    /// The drawing uses something that is not drawn.
    DrawingUnsupported = "drawing_unsupported" => 422;
    /// The drawing has too many parts to be drawn.
    DrawingComplex = "drawing_complex" => 422;
    /// The font has no letter for a character of the text.
    NoLetter = "no_letter" => 422;
    /// A design names the file.
    DesignFileUsed = "design_file_used" => 409;
    /// The event has as many files for its design as it may have.
    DesignFilesMany = "design_files_many" => 409;
    /// There is no design from before.
    NothingToUndo = "nothing_to_undo" => 409;

    /// The idempotency key was used with another request.
    KeyReused = "key_reused" => 422;
    /// A request with this idempotency key is being worked on.
    KeyBusy = "key_busy" => 409;
    /// The API wants an `Idempotency-Key` on every POST.
    KeyMissing = "key_missing" => 400;
    /// The bytes do not follow those that were taken, or are of another length than was said.
    UploadOffset = "upload_offset" => 409;
    /// What came is not what its checksum says; nothing of it was kept.
    UploadChecksum = "upload_checksum" => 460;
    /// The upload lay unfinished for too long.
    UploadEnded = "upload_ended" => 410;
    /// An upload that was joined of others takes no bytes.
    UploadJoined = "upload_joined" => 403;
    /// Not the version of the protocol of resumable uploads that is spoken here.
    UploadVersion = "upload_version" => 412;
    /// The cursor is not one of this list.
    BadCursor = "bad_cursor" => 400;
    /// The guest left no address to send to.
    NoAddress = "no_address" => 409;

    /// People sign in by the connection, so this cannot change.
    ConnectionOn = "connection_on" => 409;
    /// Nobody signed in with the settings as they are.
    ConnectionUntested = "connection_untested" => 409;
    /// Not the metadata of one identity provider.
    BadMetadata = "bad_metadata" => 422;
    /// The metadata says that it is not good any more.
    MetadataEnded = "metadata_ended" => 422;
    /// The metadata is of another provider than before.
    OtherProvider = "other_provider" => 422;
    /// The metadata names no address to sign in at.
    NoSignInAddress = "no_sign_in_address" => 422;
    /// No certificate that can be read and used.
    BadCertificate = "bad_certificate" => 422;
    /// The key of the certificate is too short.
    WeakCertificate = "weak_certificate" => 422;
    /// More certificates than are trusted at once.
    TooManyCertificates = "too_many_certificates" => 422;
    /// Without it the connection would have no certificate.
    LastCertificate = "last_certificate" => 409;
    /// The private key cannot be read.
    BadKey = "bad_key" => 422;
    /// Not the id of a Microsoft tenant.
    BadTenant = "bad_tenant" => 422;
    /// Not a domain name.
    BadDomain = "bad_domain" => 422;
    /// The address leads to this machine or into a private network.
    UrlPrivate = "url_private" => 422;
    /// The address leads on to another one, which is not followed.
    UrlRedirects = "url_redirects" => 422;
    /// Nothing that can be used answers at the address.
    UrlUnreachable = "url_unreachable" => 422;
    /// Anybody can have an address there.
    PublicDomain = "public_domain" => 422;
    /// DNS does not have the proof of the domain.
    DomainUnproven = "domain_unproven" => 409;
    /// Another organisation has proved the domain.
    DomainTaken = "domain_taken" => 409;
    /// The domain of the address leads to no connection.
    NoConnection = "no_connection" => 422;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A field of the request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Name as in the request; parts joined by dots (`guest.email`).
    pub field: String,
    pub code: Code,
}

/// All a client ever sees of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    pub code: Code,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// Filled in at the HTTP boundary; the log line of the cause carries the same id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The scope that is missing, under [`Code::InsufficientScope`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<TokenScope>,
}

impl AppError {
    pub const fn new(code: Code) -> Self {
        Self { code, fields: Vec::new(), request_id: None, scope: None }
    }

    /// The permission is missing: because the organisation asks for what the person lacks, because the token lacks the scope, or because the role does not grant it.
    pub fn denied(actor: &Actor, permission: Permission) -> Self {
        match actor.lacks() {
            Some(Lack::Factor) => return Self::new(Code::FactorNeeded),
            Some(Lack::OwnSignIn) => return Self::new(Code::OwnSignInNeeded),
            None => {}
        }
        match actor.missing_scope(permission) {
            Some(scope) => Self { scope: Some(scope), ..Self::new(Code::InsufficientScope) },
            None => Self::new(Code::Forbidden),
        }
    }

    /// One wrong field.
    pub fn field(field: impl Into<String>, code: Code) -> Self {
        Self::invalid(vec![FieldError { field: field.into(), code }])
    }

    /// Several wrong fields under [`Code::Invalid`].
    pub const fn invalid(fields: Vec<FieldError>) -> Self {
        Self { code: Code::Invalid, fields, request_id: None, scope: None }
    }

    /// What is wrong with the named field, if anything.
    pub fn of(&self, field: &str) -> Option<Code> {
        self.fields.iter().find(|error| error.field == field).map(|error| error.code)
    }
}

impl From<Code> for AppError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl std::error::Error for AppError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_are_errors() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| (400..600).contains(&code.status())));
    }

    #[test]
    fn an_error_travels_as_json() {
        let error = AppError::field("guest.email", Code::BadEmail);
        let json = serde_json::to_string(&error).expect("serialises");
        assert_eq!(json, r#"{"code":"invalid","fields":[{"field":"guest.email","code":"bad_email"}]}"#);
        assert_eq!(serde_json::from_str::<AppError>(&json).expect("parses"), error);
    }
}
