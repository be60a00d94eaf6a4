//! Checks of a test and why they fail, in words that an administrator can act on.

use leptos_i18n::td_string;

use shutterpost_model::connections::{Kind, Provider};

use crate::i18n::Locale;
use crate::ui::Text;

/// What a check looks at. One without words is better named than hidden.
pub fn check(locale: Locale, name: &str) -> Text {
    Text::Borrowed(match name {
        "settings" => td_string!(locale, connections.check_settings),
        "connection" => td_string!(locale, connections.check_connection),
        "certificate" => td_string!(locale, connections.check_certificate),
        "discovery" => td_string!(locale, connections.check_discovery),
        "discovery_issuer" => td_string!(locale, connections.check_discovery_issuer),
        "endpoints" => td_string!(locale, connections.check_endpoints),
        "keys" => td_string!(locale, connections.check_keys),
        "client_authentication" => td_string!(locale, connections.check_client_authentication),
        "attempt" => td_string!(locale, connections.check_attempt),
        "issuer_parameter" => td_string!(locale, connections.check_issuer_parameter),
        "answer" => td_string!(locale, connections.check_answer),
        "exchange" => td_string!(locale, connections.check_exchange),
        "id_token" => td_string!(locale, connections.check_id_token),
        "issuer" => td_string!(locale, connections.check_issuer),
        "audience" => td_string!(locale, connections.check_audience),
        "algorithm" => td_string!(locale, connections.check_algorithm),
        "key" => td_string!(locale, connections.check_key),
        "signature" => td_string!(locale, connections.check_signature),
        "expiry" => td_string!(locale, connections.check_expiry),
        "nonce" => td_string!(locale, connections.check_nonce),
        "authorized_party" => td_string!(locale, connections.check_authorized_party),
        "issued_at" => td_string!(locale, connections.check_issued_at),
        "subject" => td_string!(locale, connections.check_subject),
        "access_token_hash" => td_string!(locale, connections.check_access_token_hash),
        "user_info" => td_string!(locale, connections.check_user_info),
        "user_info_subject" => td_string!(locale, connections.check_user_info_subject),
        "organisation" => td_string!(locale, connections.check_organisation),
        "form" => td_string!(locale, connections.check_form),
        "document" => td_string!(locale, connections.check_document),
        "destination" => td_string!(locale, connections.check_destination),
        "status" => td_string!(locale, connections.check_status),
        "in_response_to" => td_string!(locale, connections.check_in_response_to),
        "assertion_issuer" => td_string!(locale, connections.check_assertion_issuer),
        "time" => td_string!(locale, connections.check_time),
        "confirmation" => td_string!(locale, connections.check_confirmation),
        "sign_in" => td_string!(locale, connections.check_sign_in),
        "attributes" => td_string!(locale, connections.check_attributes),
        other => return Text::Owned(other.to_owned()),
    })
}

/// What to do about a failure, where there is something to do.
pub fn advice(locale: Locale, code: &str) -> Option<&'static str> {
    Some(match code {
        "setting_issuer"
        | "setting_client_id"
        | "setting_client_secret"
        | "setting_tenant"
        | "setting_domain"
        | "setting_apple_key"
        | "setting_scope"
        | "saml_connection_provider"
        | "saml_connection_ourselves"
        | "saml_connection_address"
        | "saml_connection_certificates" => td_string!(locale, connections.reason_settings),
        "discovery_unreachable"
        | "keys_unreachable"
        | "token_endpoint_unreachable"
        | "user_info_unreachable"
        | "discovery_status"
        | "keys_status"
        | "token_endpoint_status"
        | "user_info_status" => td_string!(locale, connections.reason_unreachable),
        "discovery_malformed" | "keys_malformed" | "token_endpoint_malformed" | "user_info_malformed" => {
            td_string!(locale, connections.reason_malformed)
        }
        "discovery_issuer" | "issuer" | "saml_issuer" | "issuer_parameter" => {
            td_string!(locale, connections.reason_other_issuer)
        }
        "no_usable_key" | "algorithm" | "saml_algorithm" => td_string!(locale, connections.reason_keys),
        "client_authentication" | "invalid_client" | "provider_unauthorized_client" => {
            td_string!(locale, connections.reason_client)
        }
        "provider_invalid_request" | "saml_destination" | "saml_recipient" | "saml_audience" | "audience" => {
            td_string!(locale, connections.reason_redirect)
        }
        "provider_access_denied" | "saml_status" => td_string!(locale, connections.reason_denied),
        "expired" | "issued_at" | "saml_expired" | "saml_not_yet_valid" => td_string!(locale, connections.reason_clock),
        "other_tenant" | "other_domain" | "unverified" => td_string!(locale, connections.reason_stranger),
        "saml_untrusted_certificate" | "saml_signature" | "saml_certificates_changed" | "signature" | "unknown_key" => {
            td_string!(locale, connections.reason_certificate)
        }
        "saml_unsigned" => td_string!(locale, connections.reason_unsigned),
        "saml_encrypted" => td_string!(locale, connections.reason_encrypted),
        "saml_subject" | "subject" | "no_object_id" => td_string!(locale, connections.reason_subject),
        "saml_certificate_ended" => td_string!(locale, connections.reason_ended),
        "attempt_expired"
        | "other_browser"
        | "state"
        | "other_connection"
        | "saml_too_slow"
        | "saml_other_connection"
        | "saml_relay_state"
        | "saml_unsolicited" => td_string!(locale, connections.reason_again),
        _ => return None,
    })
}

pub fn kind(locale: Locale, kind: Kind) -> &'static str {
    match kind {
        Kind::Oidc => td_string!(locale, connections.kind_oidc),
        Kind::Saml => td_string!(locale, connections.kind_saml),
    }
}

pub fn provider(locale: Locale, provider: Provider) -> &'static str {
    match provider {
        Provider::Entra => td_string!(locale, connections.provider_entra),
        Provider::Google => td_string!(locale, connections.provider_google),
        Provider::Apple => td_string!(locale, connections.provider_apple),
        Provider::Okta => td_string!(locale, connections.provider_okta),
        Provider::Keycloak => td_string!(locale, connections.provider_keycloak),
        Provider::Adfs => td_string!(locale, connections.provider_adfs),
        Provider::Other => td_string!(locale, connections.provider_other),
    }
}

/// Where at the provider the values are entered.
pub fn guide(locale: Locale, provider: Provider, kind: Kind) -> &'static str {
    match (provider, kind) {
        (Provider::Entra, Kind::Oidc) => td_string!(locale, connections.guide_entra_oidc),
        (Provider::Entra, Kind::Saml) => td_string!(locale, connections.guide_entra_saml),
        (Provider::Google, Kind::Oidc) => td_string!(locale, connections.guide_google_oidc),
        (Provider::Google, Kind::Saml) => td_string!(locale, connections.guide_google_saml),
        (Provider::Apple, _) => td_string!(locale, connections.guide_apple),
        (Provider::Okta, _) => td_string!(locale, connections.guide_okta),
        (Provider::Keycloak, _) => td_string!(locale, connections.guide_keycloak),
        (Provider::Adfs, _) => td_string!(locale, connections.guide_adfs),
        (Provider::Other, _) => td_string!(locale, connections.guide_other),
    }
}
