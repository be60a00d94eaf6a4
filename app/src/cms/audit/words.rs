//! Actions, actors and objects of the audit trail in plain words.

use leptos_i18n::td_string;

use shutterpost_model::audit::AuditView;

use crate::i18n::Locale;
use crate::ui::Text;

/// Every action that a service writes; a test holds that each has words. Entries live as long as the organisation, so an
/// action that is written no more stays.
pub const ACTIONS: &[&str] = &[
    "identity.sign_in",
    "identity.sign_out",
    "identity.request_reset",
    "identity.reset_password",
    "identity.change_password",
    "identity.update_profile",
    "identity.switch_organisation",
    "identity.invite",
    "identity.renew_invitation",
    "identity.revoke_invitation",
    "identity.accept_invitation",
    "identity.create_member",
    "identity.change_role",
    "identity.remove_member",
    "identity.restore_member",
    "identity.erase_member",
    "identity.create_token",
    "identity.renew_token",
    "identity.end_token_secret",
    "identity.revoke_token",
    "identity.add_factor",
    "identity.remove_factor",
    "identity.add_passkey",
    "identity.rename_passkey",
    "identity.remove_passkey",
    "identity.refuse_passkey",
    "identity.renew_recovery",
    "identity.use_recovery",
    "identity.confirm",
    "identity.end_session",
    "identity.end_other_sessions",
    "identity.sign_out_member",
    "identity.change_rules",
    "identity.arm_owner",
    "identity.disarm_owner",
    "identity.use_emergency",
    "sso.sign_in",
    "sso.join",
    "sso.tie",
    "sso.change_role",
    "sso.refuse",
    "sso.test",
    "sso.sign_out",
    "connections.create",
    "connections.change",
    "connections.switch_on",
    "connections.switch_off",
    "connections.delete",
    "connections.test",
    "connections.add_domain",
    "connections.verify_domain",
    "connections.route_domain",
    "connections.remove_domain",
    "connections.lose_domain",
    "events.create",
    "events.update",
    "events.delete",
    "events.restore",
    "events.update_branding",
    "events.update_design",
    "events.add_design_file",
    "events.remove_design_file",
    "events.apply_design",
    "events.pause_design",
    "events.resume_design",
    "events.undo_design",
    "events.update_consents",
    "events.create_device",
    "events.revoke_device",
    "captures.create",
    "captures.delete",
    "captures.restore",
    "captures.export",
    "guests.reveal",
    "guests.trash",
    "guests.restore",
    "guests.delete",
    "guests.export",
    "guests.export_download",
    "share.renew_link",
    "share.revoke_link",
    "share.delete",
    "messages.send_again",
    "privacy.retention",
    "privacy.erasure",
    "privacy.erase",
    "support.ask",
    "support.allow",
    "support.refuse",
    "support.begin",
    "support.leave",
    "support.end",
    "support.view",
    "support.ask_approval",
    "support.approve",
    "support.sign_in",
    "support.sign_out",
    "support.use_recovery",
    "support.join",
    "support.invite",
    "support.disable",
    "support.remove_factor",
];

/// What was done, as it follows the name of who did it. An action without words is better named than hidden.
pub fn action(locale: Locale, action: &str) -> Text {
    Text::Borrowed(match action {
        "identity.sign_in" => td_string!(locale, audit.did_identity_sign_in),
        "identity.sign_out" => td_string!(locale, audit.did_identity_sign_out),
        "identity.request_reset" => td_string!(locale, audit.did_identity_request_reset),
        "identity.reset_password" => td_string!(locale, audit.did_identity_reset_password),
        "identity.change_password" => td_string!(locale, audit.did_identity_change_password),
        "identity.update_profile" => td_string!(locale, audit.did_identity_update_profile),
        "identity.switch_organisation" => td_string!(locale, audit.did_identity_switch_organisation),
        "identity.invite" => td_string!(locale, audit.did_identity_invite),
        "identity.renew_invitation" => td_string!(locale, audit.did_identity_renew_invitation),
        "identity.revoke_invitation" => td_string!(locale, audit.did_identity_revoke_invitation),
        "identity.accept_invitation" => td_string!(locale, audit.did_identity_accept_invitation),
        "identity.create_member" => td_string!(locale, audit.did_identity_create_member),
        "identity.change_role" => td_string!(locale, audit.did_identity_change_role),
        "identity.remove_member" => td_string!(locale, audit.did_identity_remove_member),
        "identity.restore_member" => td_string!(locale, audit.did_identity_restore_member),
        "identity.erase_member" => td_string!(locale, audit.did_identity_erase_member),
        "identity.create_token" => td_string!(locale, audit.did_identity_create_token),
        "identity.add_factor" => td_string!(locale, audit.did_identity_add_factor),
        "identity.add_passkey" => td_string!(locale, passkeys.did_add),
        "identity.rename_passkey" => td_string!(locale, passkeys.did_rename),
        "identity.remove_passkey" => td_string!(locale, passkeys.did_remove),
        "identity.refuse_passkey" => td_string!(locale, passkeys.did_refuse),
        "identity.remove_factor" => td_string!(locale, audit.did_identity_remove_factor),
        "identity.renew_recovery" => td_string!(locale, audit.did_identity_renew_recovery),
        "identity.use_recovery" => td_string!(locale, audit.did_identity_use_recovery),
        "identity.confirm" => td_string!(locale, audit.did_identity_confirm),
        "identity.end_session" => td_string!(locale, audit.did_identity_end_session),
        "identity.end_other_sessions" => td_string!(locale, audit.did_identity_end_other_sessions),
        "identity.sign_out_member" => td_string!(locale, audit.did_identity_sign_out_member),
        "identity.change_rules" => td_string!(locale, audit.did_identity_change_rules),
        "identity.arm_owner" => td_string!(locale, enforce.did_arm_owner),
        "identity.disarm_owner" => td_string!(locale, enforce.did_disarm_owner),
        "identity.use_emergency" => td_string!(locale, enforce.did_use_emergency),
        "sso.sign_in" => td_string!(locale, sso.did_sign_in),
        "sso.join" => td_string!(locale, sso.did_join),
        "sso.tie" => td_string!(locale, sso.did_tie),
        "sso.change_role" => td_string!(locale, sso.did_change_role),
        "sso.refuse" => td_string!(locale, sso.did_refuse),
        "sso.test" => td_string!(locale, sso.did_test),
        "sso.sign_out" => td_string!(locale, sso.did_sign_out),
        "identity.renew_token" => td_string!(locale, audit.did_identity_renew_token),
        "identity.end_token_secret" => td_string!(locale, audit.did_identity_end_token_secret),
        "identity.revoke_token" => td_string!(locale, audit.did_identity_revoke_token),
        "connections.create" => td_string!(locale, connections.did_create),
        "connections.change" => td_string!(locale, connections.did_change),
        "connections.switch_on" => td_string!(locale, connections.did_switch_on),
        "connections.switch_off" => td_string!(locale, connections.did_switch_off),
        "connections.add_domain" => td_string!(locale, connections.did_add_domain),
        "connections.verify_domain" => td_string!(locale, connections.did_verify_domain),
        "connections.route_domain" => td_string!(locale, connections.did_route_domain),
        "connections.remove_domain" => td_string!(locale, connections.did_remove_domain),
        "connections.lose_domain" => td_string!(locale, connections.did_lose_domain),
        "connections.test" => td_string!(locale, connections.did_test),
        "connections.delete" => td_string!(locale, connections.did_delete),
        "events.create" => td_string!(locale, audit.did_events_create),
        "events.update" => td_string!(locale, audit.did_events_update),
        "events.delete" => td_string!(locale, audit.did_events_delete),
        "events.restore" => td_string!(locale, audit.did_events_restore),
        "events.update_branding" => td_string!(locale, audit.did_events_update_branding),
        "events.update_design" => td_string!(locale, audit.did_events_update_design),
        "events.add_design_file" => td_string!(locale, audit.did_events_add_design_file),
        "events.remove_design_file" => td_string!(locale, audit.did_events_remove_design_file),
        "events.apply_design" => td_string!(locale, audit.did_events_apply_design),
        "events.pause_design" => td_string!(locale, audit.did_events_pause_design),
        "events.resume_design" => td_string!(locale, audit.did_events_resume_design),
        "events.undo_design" => td_string!(locale, audit.did_events_undo_design),
        "events.update_consents" => td_string!(locale, audit.did_events_update_consents),
        "events.create_device" => td_string!(locale, audit.did_events_create_device),
        "events.revoke_device" => td_string!(locale, audit.did_events_revoke_device),
        "captures.create" => td_string!(locale, audit.did_captures_create),
        "captures.delete" => td_string!(locale, audit.did_captures_delete),
        "guests.export" => td_string!(locale, exports.did_people),
        "guests.export_download" => td_string!(locale, exports.did_download),
        "captures.export" => td_string!(locale, audit.did_captures_export),
        "captures.restore" => td_string!(locale, audit.did_captures_restore),
        "guests.reveal" => td_string!(locale, audit.did_guests_reveal),
        "guests.trash" => td_string!(locale, audit.did_guests_trash),
        "guests.restore" => td_string!(locale, audit.did_guests_restore),
        "guests.delete" => td_string!(locale, audit.did_guests_delete),
        "share.renew_link" => td_string!(locale, audit.did_share_renew_link),
        "share.revoke_link" => td_string!(locale, audit.did_share_revoke_link),
        "share.delete" => td_string!(locale, audit.did_share_delete),
        "messages.send_again" => td_string!(locale, audit.did_messages_send_again),
        "privacy.retention" => td_string!(locale, audit.did_privacy_retention),
        "privacy.erasure" => td_string!(locale, audit.did_privacy_erasure),
        "privacy.erase" => td_string!(locale, audit.did_privacy_erase),
        "support.ask" => td_string!(locale, support.did_ask),
        "support.allow" => td_string!(locale, support.did_allow),
        "support.refuse" => td_string!(locale, support.did_refuse),
        "support.begin" => td_string!(locale, support.did_begin),
        "support.leave" => td_string!(locale, support.did_leave),
        "support.end" => td_string!(locale, support.did_end),
        "support.view" => td_string!(locale, support.did_view),
        "support.ask_approval" => td_string!(locale, support.did_ask_approval),
        "support.approve" => td_string!(locale, support.did_approve),
        "support.sign_in" => td_string!(locale, support.did_sign_in),
        "support.sign_out" => td_string!(locale, support.did_sign_out),
        "support.use_recovery" => td_string!(locale, support.did_use_recovery),
        "support.join" => td_string!(locale, support.did_join),
        "support.invite" => td_string!(locale, support.did_invite),
        "support.disable" => td_string!(locale, support.did_disable),
        "support.remove_factor" => td_string!(locale, support.did_remove_factor),
        other => return Text::Owned(other.to_owned()),
    })
}

/// A field that was changed.
pub fn field(locale: Locale, field: &str) -> Text {
    Text::Borrowed(match field {
        "name" => td_string!(locale, audit.field_name),
        "role" => td_string!(locale, audit.field_role),
        "language" => td_string!(locale, audit.field_language),
        "starts_on" => td_string!(locale, audit.field_starts_on),
        "ends_on" => td_string!(locale, audit.field_ends_on),
        "time_zone" => td_string!(locale, audit.field_time_zone),
        "retention_days" => td_string!(locale, audit.field_retention_days),
        "branding" => td_string!(locale, audit.field_branding),
        "factor_required" => td_string!(locale, audit.field_factor_required),
        "logo" => td_string!(locale, audit.field_logo),
        "session_limits" => td_string!(locale, audit.field_session_limits),
        "own_sign_in" => td_string!(locale, enforce.field_own_sign_in),
        "settings" => td_string!(locale, connections.field_settings),
        "certificates" => td_string!(locale, connections.field_certificates),
        "attributes" => td_string!(locale, connections.field_attributes),
        "trust_factor" => td_string!(locale, connections.field_trust_factor),
        "just_in_time" => td_string!(locale, connections.field_just_in_time),
        "default_role" => td_string!(locale, connections.field_default_role),
        "role_map" => td_string!(locale, connections.field_role_map),
        other => return Text::Owned(other.to_owned()),
    })
}

/// Who did it: the name if there still is one, else what kind of actor it was.
pub fn actor(locale: Locale, entry: &AuditView) -> Text {
    if let (Some(name), "support") = (&entry.actor_name, entry.actor_kind.as_str()) {
        return Text::Owned(td_string!(locale, support.by, name = name.as_str()));
    }
    if let Some(name) = &entry.actor_name {
        return Text::Owned(name.clone());
    }
    Text::Borrowed(match entry.actor_kind.as_str() {
        "user" => td_string!(locale, audit.actor_user),
        "device" => td_string!(locale, audit.actor_device),
        "token" => td_string!(locale, audit.actor_token),
        "guest" => td_string!(locale, audit.actor_guest),
        "support" => td_string!(locale, support.by_nobody),
        _ => td_string!(locale, audit.actor_system),
    })
}

/// The kind of an object, by the prefix of its id.
pub fn object_kind(locale: Locale, id: &str) -> Text {
    let prefix = id.split_once('_').map_or(id, |(prefix, _)| prefix);
    Text::Borrowed(match prefix {
        "org" => td_string!(locale, audit.object_organisation),
        "usr" => td_string!(locale, audit.object_user),
        "inv" => td_string!(locale, audit.object_invitation),
        "tok" => td_string!(locale, audit.object_token),
        "evt" => td_string!(locale, audit.object_event),
        "dev" => td_string!(locale, audit.object_device),
        "cap" => td_string!(locale, audit.object_capture),
        "dsf" => td_string!(locale, audit.object_design_file),
        "exp" => td_string!(locale, audit.object_export),
        "gst" => td_string!(locale, audit.object_guest),
        "lnk" => td_string!(locale, audit.object_link),
        "msg" => td_string!(locale, audit.object_message),
        "era" => td_string!(locale, audit.object_erasure),
        "sup" => td_string!(locale, support.object_grant),
        "sap" => td_string!(locale, support.object_approval),
        "stf" => td_string!(locale, support.object_staff),
        _ => td_string!(locale, audit.object_other),
    })
}

/// The page of an object, where there is one. A deleted object's page says that it is not there.
pub fn object_page(id: &str) -> Option<String> {
    match id.split_once('_')?.0 {
        "evt" => Some(format!("/cms/events/{id}")),
        "cap" => Some(format!("/cms/captures/{id}")),
        "era" => Some(format!("/cms/privacy/{id}")),
        _ => None,
    }
}

/// An id as people compare it: the kind is said elsewhere, the end differs most.
pub fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_words_of_its_own_and_a_chip() {
        for locale in [Locale::en, Locale::de] {
            let mut texts: Vec<_> = ACTIONS.iter().map(|name| action(locale, name)).collect();
            assert!(texts.iter().zip(ACTIONS).all(|(text, name)| text.as_str() != *name));
            let count = texts.len();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), count, "a text is used twice");
        }
        for name in ACTIONS {
            let feature = name.split('.').next().unwrap_or_default();
            assert!(super::super::page::FEATURES.contains(&feature), "{name}");
        }
    }

    #[test]
    fn known_actions_have_words_and_others_keep_their_name() {
        assert_eq!(action(Locale::en, "captures.delete"), "moved captures to the trash");
        assert_eq!(action(Locale::de, "guests.reveal"), "hat Kontaktdaten angesehen");
        assert_eq!(action(Locale::en, "leads.create"), "leads.create");
    }

    #[test]
    fn objects_are_named_by_kind_and_end() {
        let id = "cap_0123456789ab7fffbfffffffffff1234";
        assert_eq!(object_kind(Locale::en, id), "Capture");
        assert_eq!(short(id), "ffff1234");
        assert_eq!(object_page(id).as_deref(), Some("/cms/captures/cap_0123456789ab7fffbfffffffffff1234"));
        assert_eq!(object_page("usr_1"), None);
        assert_eq!(object_kind(Locale::de, "era_1"), "Löschung");
        assert_eq!(object_page("era_1").as_deref(), Some("/cms/privacy/era_1"));
        assert_eq!(short(""), "");
    }
}
