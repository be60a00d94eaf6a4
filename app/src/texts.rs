//! Texts that belong to no page: errors, reasons, roles, numbers.
//!
//! Every text is asked for with the language it is wanted in (`td_string!`); leptos_i18n's own context would add 44 kB
//! to the bundle. The language of a page is fixed while it is shown: a change of language is a form, so a new page.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::language::Language;
use shutterpost_model::messages::FailureReason;

pub use crate::i18n::Locale;

/// The catalogue's name of a language.
pub const fn locale_of(language: Language) -> Locale {
    match language {
        Language::English => Locale::en,
        Language::German => Locale::de,
    }
}

/// The language of a catalogue.
pub const fn language_of(locale: Locale) -> Language {
    match locale {
        Locale::en => Language::English,
        Locale::de => Language::German,
    }
}

/// The language of the page being shown: on the server of the request, in the browser of the document. English outside
/// of pages.
pub fn use_locale() -> Locale {
    #[cfg(feature = "hydrate")]
    let known = document().document_element().and_then(|root| root.get_attribute("lang"));
    #[cfg(feature = "hydrate")]
    let known = known.and_then(|tag| Language::from_tag(&tag)).map(locale_of);
    #[cfg(not(feature = "hydrate"))]
    let known = use_context::<Locale>();
    known.unwrap_or(Locale::en)
}

/// What an error code means for the reader, in a sentence or two.
#[cfg(feature = "ssr")]
pub fn error(code: Code, language: Language) -> &'static str {
    let locale = locale_of(language);
    match code {
        Code::Internal => td_string!(locale, errors.internal),
        Code::Busy => td_string!(locale, errors.busy),
        Code::StorageFull => td_string!(locale, errors.storage_full),
        Code::BadRequest => td_string!(locale, errors.bad_request),
        Code::Invalid => td_string!(locale, errors.invalid),
        Code::NotFound => td_string!(locale, errors.not_found),
        Code::SignInNeeded => td_string!(locale, errors.sign_in_needed),
        Code::Forbidden => td_string!(locale, errors.forbidden),
        Code::InsufficientScope => td_string!(locale, errors.insufficient_scope),
        Code::CrossSite => td_string!(locale, errors.cross_site),
        Code::TooLarge => td_string!(locale, errors.too_large),
        Code::TooMany => td_string!(locale, errors.too_many),
        Code::ContentType => td_string!(locale, errors.content_type),
        Code::MethodNotAllowed => td_string!(locale, errors.method_not_allowed),
        Code::Conflict => td_string!(locale, errors.conflict),
        Code::SignInFailed => td_string!(locale, errors.sign_in_failed),
        Code::LinkExpired => td_string!(locale, errors.link_expired),
        Code::WrongCode => td_string!(locale, errors.wrong_code),
        Code::ConfirmNeeded => td_string!(locale, errors.confirm_needed),
        Code::FactorNeeded => td_string!(locale, errors.factor_needed),
        Code::FactorFirst => td_string!(locale, errors.factor_first),
        Code::PasskeyRefused => td_string!(locale, passkeys.error_refused),
        Code::FactorKept => td_string!(locale, errors.factor_kept),
        Code::SupportOver => td_string!(locale, errors.support_over),
        Code::ApprovalNeeded => td_string!(locale, errors.approval_needed),
        Code::ReasonShort => td_string!(locale, errors.reason_short),
        Code::OwnSignInNeeded => td_string!(locale, errors.own_sign_in_needed),
        Code::OwnSignInFirst => td_string!(locale, enforce.error_first),
        Code::LastConnection => td_string!(locale, enforce.error_last_connection),
        Code::WrongPassword => td_string!(locale, errors.wrong_password),
        Code::PasswordShort => td_string!(locale, errors.password_short),
        Code::PasswordLong => td_string!(locale, errors.password_long),
        Code::PasswordWeak => td_string!(locale, errors.password_weak),
        Code::LastOwner => td_string!(locale, errors.last_owner),
        Code::RoleTooHigh => td_string!(locale, errors.role_too_high),
        Code::AlreadyMember => td_string!(locale, errors.already_member),
        Code::Required => td_string!(locale, errors.required),
        Code::TooLong => td_string!(locale, errors.too_long),
        Code::BadText => td_string!(locale, errors.bad_text),
        Code::BadEmail => td_string!(locale, errors.bad_email),
        Code::BadPhone => td_string!(locale, errors.bad_phone),
        Code::BadDate => td_string!(locale, errors.bad_date),
        Code::EndBeforeStart => td_string!(locale, errors.end_before_start),
        Code::BadTimeZone => td_string!(locale, errors.bad_time_zone),
        Code::BadColour => td_string!(locale, errors.bad_colour),
        Code::LowContrast => td_string!(locale, errors.low_contrast),
        Code::BadUrl => td_string!(locale, errors.bad_url),
        Code::OutOfRange => td_string!(locale, errors.out_of_range),
        Code::BadChoice => td_string!(locale, errors.bad_choice),
        Code::UnknownField => td_string!(locale, errors.unknown_field),
        Code::FileEmpty => td_string!(locale, errors.file_empty),
        Code::FileKind => td_string!(locale, errors.file_kind),
        Code::FileMismatch => td_string!(locale, errors.file_mismatch),
        Code::FileTruncated => td_string!(locale, errors.file_truncated),
        Code::FileDamaged => td_string!(locale, errors.file_damaged),
        Code::FilePixels => td_string!(locale, errors.file_pixels),
        Code::FileLong => td_string!(locale, errors.file_long),
        Code::FilmsUnavailable => td_string!(locale, errors.films_unavailable),
        Code::DrawingScript => td_string!(locale, errors.drawing_script),
        Code::DrawingExternal => td_string!(locale, errors.drawing_external),
        Code::DrawingUnsupported => td_string!(locale, errors.drawing_unsupported),
        Code::DrawingComplex => td_string!(locale, errors.drawing_complex),
        Code::NoLetter => td_string!(locale, errors.no_letter),
        Code::DesignFileUsed => td_string!(locale, errors.design_file_used),
        Code::DesignFilesMany => td_string!(locale, errors.design_files_many),
        Code::NothingToUndo => td_string!(locale, errors.nothing_to_undo),
        Code::KeyReused => td_string!(locale, errors.key_reused),
        Code::KeyBusy => td_string!(locale, errors.key_busy),
        Code::KeyMissing => td_string!(locale, errors.key_missing),
        Code::UploadOffset => td_string!(locale, errors.upload_offset),
        Code::UploadChecksum => td_string!(locale, errors.upload_checksum),
        Code::UploadEnded => td_string!(locale, errors.upload_ended),
        Code::UploadJoined => td_string!(locale, errors.upload_joined),
        Code::UploadVersion => td_string!(locale, errors.upload_version),
        Code::BadCursor => td_string!(locale, errors.bad_cursor),
        Code::NoAddress => td_string!(locale, errors.no_address),
        Code::ConnectionOn => td_string!(locale, errors.connection_on),
        Code::ConnectionUntested => td_string!(locale, errors.connection_untested),
        Code::BadMetadata => td_string!(locale, errors.bad_metadata),
        Code::MetadataEnded => td_string!(locale, errors.metadata_ended),
        Code::OtherProvider => td_string!(locale, errors.other_provider),
        Code::NoSignInAddress => td_string!(locale, errors.no_sign_in_address),
        Code::BadCertificate => td_string!(locale, errors.bad_certificate),
        Code::WeakCertificate => td_string!(locale, errors.weak_certificate),
        Code::TooManyCertificates => td_string!(locale, errors.too_many_certificates),
        Code::LastCertificate => td_string!(locale, errors.last_certificate),
        Code::BadKey => td_string!(locale, errors.bad_key),
        Code::BadTenant => td_string!(locale, errors.bad_tenant),
        Code::BadDomain => td_string!(locale, errors.bad_domain),
        Code::UrlPrivate => td_string!(locale, errors.url_private),
        Code::UrlRedirects => td_string!(locale, errors.url_redirects),
        Code::UrlUnreachable => td_string!(locale, errors.url_unreachable),
        Code::PublicDomain => td_string!(locale, errors.public_domain),
        Code::DomainUnproven => td_string!(locale, errors.domain_unproven),
        Code::DomainTaken => td_string!(locale, errors.domain_taken),
        Code::NoConnection => td_string!(locale, errors.no_connection),
    }
}

/// The same of what islands are answered; everything else is told by pages, which the server writes. All of them would be a
/// thirtieth of the bundle.
#[cfg(not(feature = "ssr"))]
pub fn error(code: Code, language: Language) -> &'static str {
    let locale = locale_of(language);
    match code {
        Code::Busy => td_string!(locale, errors.busy),
        Code::NotFound => td_string!(locale, errors.not_found),
        Code::SignInNeeded => td_string!(locale, errors.sign_in_needed),
        Code::Forbidden => td_string!(locale, errors.forbidden),
        Code::TooLarge => td_string!(locale, errors.too_large),
        Code::TooMany => td_string!(locale, errors.too_many),
        Code::Conflict => td_string!(locale, errors.conflict),
        Code::FileKind => td_string!(locale, errors.file_kind),
        _ => td_string!(locale, errors.internal),
    }
}

/// Why a message could not be sent, as a clause without a full stop.
pub fn failure(reason: FailureReason, language: Language) -> &'static str {
    let locale = locale_of(language);
    match reason {
        FailureReason::AddressRefused => td_string!(locale, errors.failure_address_refused),
        FailureReason::MessageRefused => td_string!(locale, errors.failure_message_refused),
        FailureReason::TryLater => td_string!(locale, errors.failure_try_later),
        FailureReason::Unreachable => td_string!(locale, errors.failure_unreachable),
        FailureReason::TimedOut => td_string!(locale, errors.failure_timed_out),
        FailureReason::Refused => td_string!(locale, errors.failure_refused),
        FailureReason::Gone => td_string!(locale, errors.failure_gone),
        FailureReason::Internal => td_string!(locale, errors.failure_internal),
    }
}

/// A role's name.
pub fn role(role: Role, language: Language) -> &'static str {
    let locale = locale_of(language);
    match role {
        Role::Owner => td_string!(locale, common.role_owner),
        Role::Admin => td_string!(locale, common.role_admin),
        Role::Editor => td_string!(locale, common.role_editor),
        Role::Viewer => td_string!(locale, common.role_viewer),
        Role::Reporter => td_string!(locale, common.role_reporter),
    }
}

/// What a role may do, in a few words.
pub fn role_hint(role: Role, language: Language) -> &'static str {
    let locale = locale_of(language);
    match role {
        Role::Owner => td_string!(locale, common.role_owner_hint),
        Role::Admin => td_string!(locale, common.role_admin_hint),
        Role::Editor => td_string!(locale, common.role_editor_hint),
        Role::Viewer => td_string!(locale, common.role_viewer_hint),
        Role::Reporter => td_string!(locale, common.role_reporter_hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reason_and_role_has_a_text_of_its_own_in_every_language() {
        for language in Language::ALL {
            let mut texts: Vec<_> = Code::ALL.iter().map(|code| error(*code, language)).collect();
            texts.extend(FailureReason::ALL.iter().map(|reason| failure(*reason, language)));
            texts.extend(Role::ALL.iter().flat_map(|one| [role(*one, language), role_hint(*one, language)]));
            assert!(texts.iter().all(|text| text.chars().count() > 4), "{language:?}");
            let count = texts.len();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), count, "{language:?}: a text is used twice");
        }
        assert!(Code::ALL.iter().all(|code| error(*code, Language::English) != error(*code, Language::German)));
    }
}
