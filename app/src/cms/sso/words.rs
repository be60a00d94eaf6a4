//! What a failed check means for whoever wanted to sign in.

use leptos_i18n::td_string;

use crate::i18n::Locale;

/// The stable names of all checks that the crate of the protocols and the backend can refuse by; a test holds that each has
/// words of its own kind. What is not among them says that the connection is not set up right.
pub const CHECKS: &[&str] = &[
    "used",
    "state",
    "other_browser",
    "other_connection",
    "attempt_expired",
    "nonce",
    "no_code",
    "saml_unsolicited",
    "saml_relay_state",
    "saml_in_response_to",
    "saml_other_connection",
    "saml_too_slow",
    "saml_certificates_changed",
    "provider_access_denied",
    "provider_interaction_required",
    "provider_unavailable",
    "saml_status",
    "discovery_unreachable",
    "keys_unreachable",
    "token_endpoint_unreachable",
    "user_info_unreachable",
    "discovery_status",
    "keys_status",
    "token_endpoint_status",
    "user_info_status",
    "expired",
    "issued_at",
    "saml_expired",
    "saml_not_yet_valid",
    "not_anew",
    "saml_not_anew",
    "other_tenant",
    "other_domain",
    "unverified",
    "signature",
    "unknown_key",
    "algorithm",
    "saml_signature",
    "saml_unsigned",
    "saml_algorithm",
    "saml_untrusted_certificate",
    "issuer",
    "audience",
    "issuer_parameter",
    "saml_issuer",
    "saml_audience",
    "saml_recipient",
    "saml_destination",
    "not_member",
    "removed",
    "no_role",
    "no_email",
    "email_unverified",
    "account_elsewhere",
    "disabled",
    "other_person",
];

/// What happened and what to do, in a sentence or two.
pub(super) fn meaning(locale: Locale, check: &str) -> &'static str {
    match check {
        "used" | "state" | "nonce" | "no_code" | "saml_unsolicited" | "saml_relay_state" | "saml_in_response_to" => {
            td_string!(locale, sso.why_used)
        }
        "other_browser" => td_string!(locale, sso.why_other_browser),
        "attempt_expired" | "saml_too_slow" => td_string!(locale, sso.why_slow),
        "other_connection" | "saml_other_connection" | "saml_certificates_changed" => {
            td_string!(locale, sso.why_changed)
        }
        "provider_access_denied" | "provider_interaction_required" | "saml_status" => {
            td_string!(locale, sso.why_denied)
        }
        "provider_unavailable"
        | "discovery_unreachable"
        | "keys_unreachable"
        | "token_endpoint_unreachable"
        | "user_info_unreachable"
        | "discovery_status"
        | "keys_status"
        | "token_endpoint_status"
        | "user_info_status" => td_string!(locale, sso.why_unreachable),
        "expired" | "issued_at" | "saml_expired" | "saml_not_yet_valid" => td_string!(locale, sso.why_clock),
        "not_anew" | "saml_not_anew" => td_string!(locale, sso.why_not_anew),
        "other_tenant" | "other_domain" | "unverified" => td_string!(locale, sso.why_other_organisation),
        "signature"
        | "unknown_key"
        | "algorithm"
        | "saml_signature"
        | "saml_unsigned"
        | "saml_algorithm"
        | "saml_untrusted_certificate" => td_string!(locale, sso.why_signature),
        "issuer" | "audience" | "issuer_parameter" | "saml_issuer" | "saml_audience" | "saml_recipient"
        | "saml_destination" => td_string!(locale, sso.why_addressee),
        "not_member" => td_string!(locale, sso.why_not_member),
        "removed" => td_string!(locale, sso.why_removed),
        "no_role" => td_string!(locale, sso.why_no_role),
        "no_email" => td_string!(locale, sso.why_no_email),
        "email_unverified" => td_string!(locale, sso.why_email_unverified),
        "account_elsewhere" => td_string!(locale, sso.why_account_elsewhere),
        "disabled" => td_string!(locale, sso.why_disabled),
        "other_person" => td_string!(locale, sso.why_other_person),
        _ => td_string!(locale, sso.why_settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_words_of_its_own_kind_in_every_language() {
        let otherwise = meaning(Locale::en, "something that nobody has named");
        for check in CHECKS {
            assert_ne!(meaning(Locale::en, check), otherwise, "{check}");
            assert_ne!(meaning(Locale::en, check), meaning(Locale::de, check), "{check}");
        }
    }
}
