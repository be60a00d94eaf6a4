//! Members and invitations.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::{Permission, Role};
use shutterpost_model::id::{InvitationId, UserId};
use shutterpost_model::identity::{Invitation, Me, Member, People};

use super::invitation::languages;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::i18n::Locale;
use crate::texts::{language_of, role, role_hint, use_locale};
use crate::ui::{
    AskDialog, Badge, Choice, Column, Dialog, DialogActions, DialogButton, Field, IconName, Meaning, Menu, PageHead,
    PageTitle, Select, Submit, Table, Time, Tone,
};

/// Everybody in the organisation and on the way into it.
#[component]
pub fn PeoplePage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, identity.people)/>
        {load(
            |services, actor| async move { services.directory.people(&actor).await },
            |me, people| view! { <Everybody me people/> }.into_any(),
        )}
    }
}

/// The roles that the person may grant, as a select offers them.
pub(super) fn roles(me: &Me, locale: Locale) -> Vec<Choice> {
    let language = language_of(locale);
    let own = me.current.as_ref().map(|current| current.role);
    Role::ALL
        .into_iter()
        .filter(|one| own.is_some_and(|own| own.may_grant(*one)))
        .map(|one| Choice::new(one.as_str(), format!("{} – {}", role(one, language), role_hint(one, language))))
        .collect()
}

#[component]
fn Everybody(me: Me, people: People) -> impl IntoView {
    let locale = use_locale();
    let organisation = me.current.as_ref().map(|current| current.name.clone()).unwrap_or_default();
    let manages = me.may(Permission::PeopleManage);
    let invite = manages.then(|| {
        view! {
            <DialogButton dialog="invite" tone=Tone::Primary icon=IconName::Plus>
                {td_string!(locale, identity.invite)}
            </DialogButton>
        }
    });
    let columns = vec![
        Column::text(td_string!(locale, identity.name)),
        Column::text(td_string!(locale, identity.role)),
        Column::wide(td_string!(locale, identity.two_factor)),
        Column::wide(td_string!(locale, identity.since)),
        Column::wide(td_string!(locale, identity.last_seen)),
        Column::actions(td_string!(locale, common.actions)),
    ];
    let rows = people
        .members
        .into_iter()
        .map(|member| view! { <MemberRow me=me.clone() organisation=organisation.clone() member/> })
        .collect_view();
    let invitations =
        (!people.invitations.is_empty()).then(|| view! { <Invitations invitations=people.invitations manages/> });
    view! {
        <PageHead
            title=td_string!(locale, identity.people)
            subtitle=Some(td_string!(locale, identity.people_subtitle, organisation = organisation.clone()).into())
        >
            {invite}
        </PageHead>
        {["renew", "revoke", "role", "remove", "sign_out"].map(|intent| view! { <OutcomeBanner intent/> }).collect_view()}
        <Table label=td_string!(locale, identity.members) columns=columns>
            {rows}
        </Table>
        {invitations}
        {manages.then(|| view! { <Invite me/> })}
    }
}

#[component]
fn MemberRow(me: Me, organisation: String, member: Member) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let name = member.name.get().clone();
    let is_me = me.user.as_ref() == Some(&member.user);
    let own = me.current.as_ref().map(|current| current.role);
    // Admins do not touch owners; services decide, this only offers what would work.
    let may_touch = own.is_some_and(|own| own.may_grant(member.role));
    let actions = may_touch.then(|| {
        view! { <MemberActions me=me.clone() organisation user=member.user.clone() name=name.clone() role=member.role/> }
    });
    let factor = if member.two_factor {
        view! { <Badge meaning=Meaning::Good>{td_string!(locale, identity.two_factor_on)}</Badge> }
    } else {
        view! { <Badge meaning=Meaning::Warn>{td_string!(locale, identity.two_factor_off)}</Badge> }
    };
    let last_seen = match member.last_seen {
        Some(at) => view! { <Time at relative=true/> }.into_any(),
        None => td_string!(locale, common.never).into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <span class="cell-main">
                    {name.clone()}
                    {is_me.then(|| view! { <Badge>{td_string!(locale, identity.you)}</Badge> })}
                </span>
                <span class="cell-sub">{member.email.get().clone()}</span>
            </th>
            <td>{role(member.role, language)}</td>
            <td class="wide">{factor}</td>
            <td class="wide">{member.since.date().readable(language)}</td>
            <td class="wide">{last_seen}</td>
            <td class="actions">{actions}</td>
        </tr>
    }
}

/// The menu of a member's row, and the dialogs it opens.
#[component]
fn MemberActions(me: Me, organisation: String, user: UserId, name: String, role: Role) -> impl IntoView {
    let locale = use_locale();
    let label = td_string!(locale, identity.row_actions, name = name.clone());
    let change = td_string!(locale, identity.change_role_title, name = name.clone());
    let remove = td_string!(locale, identity.remove_member_title, name = name.clone());
    let text =
        td_string!(locale, identity.remove_member_text, name = name.clone(), organisation = organisation.clone());
    let sign_out = td_string!(locale, identity.sign_out_member_title, name = name.clone());
    let sign_out_text = td_string!(locale, identity.sign_out_member_text, name = name, organisation = organisation);
    view! {
        <Menu id=format!("menu-{user}") label=label clone:user>
            <DialogButton dialog=format!("role-{user}") tone=Tone::Quiet icon=IconName::Shield>
                {td_string!(locale, identity.change_role)}
            </DialogButton>
            <DialogButton dialog=format!("sign-out-{user}") tone=Tone::Quiet icon=IconName::SignOut>
                {td_string!(locale, identity.sign_out_member)}
            </DialogButton>
            <DialogButton dialog=format!("remove-{user}") tone=Tone::Quiet icon=IconName::Trash>
                {td_string!(locale, identity.remove_member)}
            </DialogButton>
        </Menu>
        <AskDialog
            id=format!("sign-out-{user}")
            title=sign_out
            intent="sign_out"
            name="user"
            value=user.to_string()
            text=sign_out_text
            action=td_string!(locale, identity.sign_out_member)
            tone=Tone::Danger
        />
        <Dialog id=format!("role-{user}") title=change clone:user>
            <form class="stack" method="post">
                <input r#type="hidden" name="intent" value="role"/>
                <input r#type="hidden" name="user" value=user.to_string()/>
                <Select
                    id=format!("role-of-{user}")
                    name="role"
                    label=td_string!(locale, identity.role)
                    options=roles(&me, locale)
                    value=role.as_str()
                />
                <DialogActions>
                    <Submit tone=Tone::Primary>{td_string!(locale, identity.change_role_save)}</Submit>
                </DialogActions>
            </form>
        </Dialog>
        <AskDialog
            id=format!("remove-{user}")
            title=remove
            intent="remove"
            name="user"
            value=user.to_string()
            text
            action=td_string!(locale, identity.remove_member_do)
            tone=Tone::Danger
        />
    }
}

#[component]
fn Invitations(invitations: Vec<Invitation>, manages: bool) -> impl IntoView {
    let locale = use_locale();
    let columns = vec![
        Column::text(td_string!(locale, identity.email)),
        Column::text(td_string!(locale, identity.role)),
        Column::wide(td_string!(locale, identity.expires)),
        Column::actions(td_string!(locale, common.actions)),
    ];
    view! {
        <section class="section">
            <h2 class="section-title">{td_string!(locale, identity.invitations)}</h2>
            <Table label=td_string!(locale, identity.invitations) columns=columns>
                {invitations
                    .into_iter()
                    .map(|invitation| view! { <InvitationRow invitation manages/> })
                    .collect_view()}
            </Table>
        </section>
    }
}

#[component]
fn InvitationRow(invitation: Invitation, manages: bool) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let email = invitation.email.get().clone();
    let actions = manages.then(|| view! { <InvitationActions invitation=invitation.id.clone() email=email.clone()/> });
    let until = if invitation.expired {
        view! { <Badge meaning=Meaning::Warn>{td_string!(locale, identity.expired)}</Badge> }.into_any()
    } else {
        invitation.expires_at.date().readable(language).into_any()
    };
    view! {
        <tr>
            <th scope="row">{email.clone()}</th>
            <td>{role(invitation.role, language)}</td>
            <td class="wide">{until}</td>
            <td class="actions">{actions}</td>
        </tr>
    }
}

/// The menu of an invitation's row, and the dialog it opens.
#[component]
fn InvitationActions(invitation: InvitationId, email: String) -> impl IntoView {
    let locale = use_locale();
    let label = td_string!(locale, identity.row_actions, name = email.clone());
    let text = td_string!(locale, identity.revoke_invitation_text, email = email);
    view! {
        <Menu id=format!("menu-{invitation}") label=label clone:invitation>
            <form method="post">
                <input r#type="hidden" name="invitation" value=invitation.to_string()/>
                <Submit intent="renew" tone=Tone::Quiet icon=IconName::Send>
                    {td_string!(locale, identity.renew_invitation)}
                </Submit>
            </form>
            <DialogButton dialog=format!("revoke-{invitation}") tone=Tone::Quiet icon=IconName::Close>
                {td_string!(locale, identity.revoke_invitation)}
            </DialogButton>
        </Menu>
        <AskDialog
            id=format!("revoke-{invitation}")
            title=td_string!(locale, identity.revoke_invitation_title)
            intent="revoke"
            name="invitation"
            value=invitation.to_string()
            text
            action=td_string!(locale, identity.revoke_invitation_do)
            tone=Tone::Danger
        />
    }
}

/// The dialog that invites; it stands open when it was refused.
#[component]
fn Invite(me: Me) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("invite");
    let language = language_of(locale);
    view! {
        <Dialog id="invite" title=td_string!(locale, identity.invite) open=form.failed()>
            <form class="stack" method="post">
                <input r#type="hidden" name="intent" value="invite"/>
                <p class="muted">{td_string!(locale, identity.invite_text)}</p>
                <OutcomeBanner intent="invite"/>
                <Field
                    name="email"
                    label=td_string!(locale, identity.email)
                    kind="email"
                    value=form.value("email", "")
                    error=form.error("email")
                    autocomplete="off"
                    required=true
                    autofocus=true
                />
                <Select
                    name="role"
                    label=td_string!(locale, identity.role)
                    options=roles(&me, locale)
                    value=form.value("role", Role::Editor.as_str())
                    error=form.error("role")
                />
                <Select
                    name="language"
                    label=td_string!(locale, identity.invite_language)
                    options=languages()
                    value=form.value("language", language.tag())
                    error=form.error("language")
                />
                <DialogActions>
                    <Submit tone=Tone::Primary>{td_string!(locale, identity.invite_send)}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}
