//! Share links of a capture: copy, open, renew, revoke, and the code to scan.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::captures::LinkView;
use shutterpost_model::id::CaptureId;
use shutterpost_model::share::LinkKind;

use crate::texts::use_locale;
use crate::ui::{AskDialog, Badge, ButtonLink, CopyButton, DialogButton, IconName, Time, Tone};

/// All links of the capture.
#[component]
pub fn Links(capture: CaptureId, links: Vec<LinkView>, may_write: bool) -> impl IntoView {
    let locale = use_locale();
    let viewable = links.iter().any(|link| link.kind == LinkKind::View && link.url.is_some());
    view! {
        <section class="card captures-part">
            <h2 class="captures-part-title">{td_string!(locale, captures.links)}</h2>
            {links.is_empty().then(|| view! { <p class="muted">{td_string!(locale, captures.link_none)}</p> })}
            <ul class="captures-links">
                {links.into_iter().map(|link| view! { <Link link may_write/> }).collect_view()}
            </ul>
            {viewable
                .then(|| {
                    view! {
                        <details class="captures-qr">
                            <summary>{td_string!(locale, captures.qr)}</summary>
                            <img
                                src=format!("/cms/captures/{capture}/qr.svg")
                                width="180"
                                height="180"
                                loading="lazy"
                                alt=td_string!(locale, captures.qr_alt)
                            />
                            <p class="field-hint">{td_string!(locale, captures.qr_hint)}</p>
                        </details>
                    }
                })}
        </section>
    }
}

#[component]
fn Link(link: LinkView, may_write: bool) -> impl IntoView {
    let locale = use_locale();
    let (name, hint) = match link.kind {
        LinkKind::Owner => (td_string!(locale, captures.link_owner), td_string!(locale, captures.link_owner_hint)),
        LinkKind::View => (td_string!(locale, captures.link_view), td_string!(locale, captures.link_view_hint)),
    };
    let id = link.id.to_string();
    let alive = link.url.is_some();
    view! {
        <li class="captures-link">
            <div class="captures-link-head">
                <strong>{name}</strong>
                {link
                    .revoked_at
                    .map(|at| {
                        view! {
                            <Badge>{td_string!(locale, captures.link_revoked)}</Badge>
                            <span class="muted">
                                <Time at/>
                            </span>
                        }
                    })}
            </div>
            <p class="field-hint">{hint}</p>
            {link
                .url
                .map(|url| {
                    view! {
                        <code class="captures-link-url">{url.clone()}</code>
                        <div class="captures-link-actions">
                            <CopyButton text=url.clone() label=td_string!(locale, captures.link_copy)/>
                            <ButtonLink href=url external=true tone=Tone::Quiet icon=IconName::External>
                                {td_string!(locale, captures.link_open)}
                            </ButtonLink>
                        </div>
                    }
                })}
            {may_write.then(|| view! { <LinkChanges id alive/> })}
        </li>
    }
}

/// Renewing and revoking, each asked for first.
#[component]
fn LinkChanges(id: String, alive: bool) -> impl IntoView {
    let locale = use_locale();
    let renew = format!("renew-{id}");
    let revoke = format!("revoke-{id}");
    let to_revoke = id.clone();
    view! {
        <div class="captures-link-actions">
            <DialogButton dialog=renew.clone() tone=Tone::Quiet icon=IconName::Restore>
                {td_string!(locale, captures.link_renew)}
            </DialogButton>
            {alive
                .then(|| {
                    view! {
                        <DialogButton dialog=revoke.clone() tone=Tone::Quiet icon=IconName::Close>
                            {td_string!(locale, captures.link_revoke)}
                        </DialogButton>
                    }
                })}
        </div>
        <AskDialog
            id=renew
            title=td_string!(locale, captures.link_renew_ask)
            intent="renew_link"
            name="link"
            value=id
            text=td_string!(locale, captures.link_renew_text)
            action=td_string!(locale, captures.link_renew_confirm)
            tone=Tone::Primary
        />
        {alive
            .then(|| {
                view! {
                    <AskDialog
                        id=revoke
                        title=td_string!(locale, captures.link_revoke_ask)
                        intent="revoke_link"
                        name="link"
                        value=to_revoke
                        text=td_string!(locale, captures.link_revoke_text)
                        action=td_string!(locale, captures.link_revoke)
                        tone=Tone::Danger
                    />
                }
            })}
    }
}
