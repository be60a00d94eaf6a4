//! The short confirmations after a form: `?done=KEY`, `n` where the words hold a number, and `undo` with the id of what was
//! deleted.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::{use_location, use_query_map};

use shutterpost_model::access::Permission;
use shutterpost_model::privacy::trash::TrashTarget;

use super::context::{request_context, use_me};
use crate::i18n::Locale;
use crate::texts::{language_of, use_locale};
use crate::ui::{Text, Toast};
use crate::words::{is_one, number};

/// The keys that a redirect may carry; a test of the server holds that it sends no other.
pub const KEYS: &[&str] = &[
    "branding_saved",
    "captures_deleted",
    "captures_restored",
    "captures_uploaded",
    "confirmed",
    "connection_created",
    "connection_deleted",
    "connection_saved",
    "connection_switched",
    "connection_tested",
    "consents_saved",
    "design_applying",
    "design_file_removed",
    "design_paused",
    "design_resumed",
    "design_saved",
    "design_undone",
    "device_revoked",
    "domain_added",
    "domain_removed",
    "domain_routed",
    "domain_verified",
    "erased",
    "export_made",
    "event_created",
    "event_deleted",
    "event_saved",
    "factor_added",
    "factor_removed",
    "guest_deleted",
    "invitation_renewed",
    "invitation_revoked",
    "invited",
    "joined",
    "link_renewed",
    "link_revoked",
    "member_erased",
    "member_removed",
    "member_signed_out",
    "organisation_switched",
    "owner_armed",
    "owner_disarmed",
    "passkey_added",
    "passkey_removed",
    "passkey_renamed",
    "password_changed",
    "password_set",
    "profile_saved",
    "reset_requested",
    "role_changed",
    "rules_saved",
    "sent_again",
    "session_ended",
    "sessions_ended",
    "sign_in_again",
    "signed_out",
    "support_allowed",
    "support_approved",
    "support_asked",
    "support_ended",
    "support_left",
    "support_refused",
    "token_previous_ended",
    "token_revoked",
    "trash_restored",
];

/// The words for a key; nothing for keys that we did not send.
fn words(locale: Locale, key: &str, count: i64) -> Option<Text> {
    let counted = || number(language_of(locale), count);
    let text = match key {
        "branding_saved" => td_string!(locale, common.done_branding_saved),
        "captures_deleted" if is_one(count) => td_string!(locale, common.done_capture_deleted),
        "captures_deleted" => return Some(td_string!(locale, common.done_captures_deleted, count = counted()).into()),
        "captures_restored" if is_one(count) => td_string!(locale, common.done_capture_restored),
        "captures_restored" => {
            return Some(td_string!(locale, common.done_captures_restored, count = counted()).into());
        }
        "captures_uploaded" if is_one(count) => td_string!(locale, common.done_capture_uploaded),
        "captures_uploaded" => {
            return Some(td_string!(locale, common.done_captures_uploaded, count = counted()).into());
        }
        "connection_created" => td_string!(locale, connections.done_created),
        "connection_deleted" => td_string!(locale, connections.done_deleted),
        "connection_saved" => td_string!(locale, connections.done_saved),
        "connection_switched" => td_string!(locale, connections.done_switched),
        "connection_tested" => td_string!(locale, connections.done_tested),
        "consents_saved" => td_string!(locale, common.done_consents_saved),
        "design_applying" => td_string!(locale, designs.done_applying),
        "design_file_removed" => td_string!(locale, designs.done_file_removed),
        "design_paused" => td_string!(locale, designs.done_paused),
        "design_resumed" => td_string!(locale, designs.done_resumed),
        "design_saved" => td_string!(locale, designs.done_saved),
        "design_undone" => td_string!(locale, designs.done_undone),
        "device_revoked" => td_string!(locale, common.done_device_revoked),
        "domain_added" => td_string!(locale, connections.done_domain_added),
        "domain_removed" => td_string!(locale, connections.done_domain_removed),
        "domain_routed" => td_string!(locale, connections.done_domain_routed),
        "domain_verified" => td_string!(locale, connections.done_domain_verified),
        "erased" => td_string!(locale, common.done_erased),
        "export_made" => td_string!(locale, exports.done_made),
        "event_created" => td_string!(locale, common.done_event_created),
        "event_deleted" => td_string!(locale, common.done_event_deleted),
        "factor_removed" => td_string!(locale, common.done_factor_removed),
        "member_signed_out" => td_string!(locale, common.done_member_signed_out),
        "session_ended" => td_string!(locale, common.done_session_ended),
        "sessions_ended" => td_string!(locale, common.done_sessions_ended),
        "sign_in_again" => td_string!(locale, common.done_sign_in_again),
        "event_saved" => td_string!(locale, common.done_event_saved),
        "guest_deleted" => td_string!(locale, common.done_guest_deleted),
        "invitation_renewed" | "invited" => td_string!(locale, common.done_invitation_sent),
        "invitation_revoked" => td_string!(locale, common.done_invitation_revoked),
        "joined" => td_string!(locale, common.done_joined),
        "link_renewed" => td_string!(locale, common.done_link_renewed),
        "link_revoked" => td_string!(locale, common.done_link_revoked),
        "member_erased" => td_string!(locale, common.done_member_erased),
        "member_removed" => td_string!(locale, common.done_member_removed),
        "organisation_switched" => td_string!(locale, common.done_organisation_switched),
        "owner_armed" => td_string!(locale, enforce.done_armed),
        "owner_disarmed" => td_string!(locale, enforce.done_disarmed),
        "confirmed" => td_string!(locale, passkeys.done_confirmed),
        "factor_added" => td_string!(locale, passkeys.done_factor_added),
        "passkey_added" => td_string!(locale, passkeys.done_added),
        "passkey_removed" => td_string!(locale, passkeys.done_removed),
        "passkey_renamed" => td_string!(locale, passkeys.done_renamed),
        "password_changed" => td_string!(locale, common.done_password_changed),
        "password_set" => td_string!(locale, common.done_password_set),
        "profile_saved" => td_string!(locale, common.done_profile_saved),
        "reset_requested" => td_string!(locale, common.done_reset_requested),
        "role_changed" => td_string!(locale, common.done_role_changed),
        "rules_saved" => td_string!(locale, common.done_rules_saved),
        "sent_again" => td_string!(locale, common.done_sent_again),
        "signed_out" => td_string!(locale, common.done_signed_out),
        "support_allowed" => td_string!(locale, support.done_allowed),
        "support_approved" => td_string!(locale, support.done_approved),
        "support_asked" => td_string!(locale, support.done_asked),
        "support_ended" => td_string!(locale, support.done_ended),
        "support_left" => td_string!(locale, support.done_left),
        "support_refused" => td_string!(locale, support.done_refused),
        "token_previous_ended" => td_string!(locale, common.done_token_previous_ended),
        "token_revoked" => td_string!(locale, common.done_token_revoked),
        "trash_restored" if is_one(count) => td_string!(locale, common.done_trash_restored_one),
        "trash_restored" => return Some(td_string!(locale, common.done_trash_restored, count = counted()).into()),
        _ => return None,
    };
    Some(Text::Borrowed(text))
}

/// The confirmation that the address asks for. In the browser it goes after a while, and leaves the address at once.
#[component]
pub fn DoneToast() -> impl IntoView {
    let locale = use_locale();
    // The address of a refused form may still hold the key of what was done before.
    let refused = request_context().is_ok_and(|context| context.outcome.error.is_some());
    let (text, deleted) = use_query_map().with_untracked(|query| {
        let count = query.get_str("n").and_then(|n| n.parse().ok()).unwrap_or(1);
        let text = query.get_str("done").filter(|_| !refused).and_then(|key| words(locale, key, count));
        (text, query.get_str("undo").and_then(|object| object.parse::<TrashTarget>().ok()))
    });
    let may_restore = use_me().is_some_and(|me| me.may(Permission::TrashManage));
    let undo = deleted.filter(|_| may_restore).map(|target| view! { <Undo target/> }.into_any());
    view! { <div class="toasts">{text.map(|text| view! { <Toast text action=undo/> })}</div> }
}

/// Takes what was just deleted out of the trash, and leads back to this page.
#[component]
fn Undo(target: TrashTarget) -> impl IntoView {
    let locale = use_locale();
    let here = use_location().pathname.get_untracked();
    view! {
        <form method="post" action="/cms/trash">
            <input r#type="hidden" name="item" value=target.object().to_owned()/>
            <input r#type="hidden" name="next" value=here/>
            <button class="toast-undo" name="intent" value="restore">{td_string!(locale, common.undo)}</button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_words_in_every_language() {
        for key in KEYS {
            for count in [0, 1, 2000] {
                let english = words(Locale::en, key, count).expect(key);
                let german = words(Locale::de, key, count).expect(key);
                assert_ne!(english, german, "{key}");
            }
        }
        assert_eq!(words(Locale::en, "captures_deleted", 2000).as_deref(), Some("2,000 captures moved to the trash"));
        assert_eq!(words(Locale::en, "<script>", 1), None);
    }
}
