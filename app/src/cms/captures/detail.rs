//! One capture: the picture large, beside it everything that is known about it.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_params_map;

use shutterpost_model::access::Permission;
use shutterpost_model::captures::{Capture, CaptureKind, Encoding, HistoryLine, Rendition, RenditionName};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::CaptureId;
use shutterpost_model::identity::Me;

use super::links::Links;
use crate::cms::forms::OutcomeBanner;
use crate::cms::guests::card::GuestCard;
use crate::cms::load::load;
use crate::cms::messages::timeline::Timeline;
use crate::cms::privacy::erase::EraseAtOnce;
use crate::texts::{Locale, language_of, use_locale};
use crate::ui::{
    Banner, ButtonLink, Dialog, DialogActions, DialogButton, Icon, IconName, Meaning, PageHead, PageTitle, Submit,
    Time, Tone,
};
use crate::words::{bytes, exact, playing};

/// All that can be done on this page, by `intent`.
const INTENTS: [&str; 8] =
    ["delete", "restore", "erase", "send_again", "renew_link", "revoke_link", "trash_guest", "delete_guest"];

/// The page of a capture.
#[component]
pub fn CapturePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get_str("capture").and_then(|id| id.parse().ok()));
    load(
        |services, actor| async move {
            let id: CaptureId = id.ok_or(AppError::new(Code::NotFound))?;
            services.captures.find(&actor, &id).await
        },
        |me, capture| view! { <Detail me capture/> }.into_any(),
    )
}

fn href(capture: &CaptureId) -> String {
    format!("/cms/captures/{capture}")
}

#[component]
fn Detail(me: Me, capture: Capture) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let when = exact(language, capture.captured_at);
    let title = td_string!(locale, captures.detail_title, when = when.clone());
    let alt = td_string!(locale, captures.alt, when = when, event = capture.event_name.clone());
    let may_write = me.may(Permission::CaptureWrite);
    let may_erase = me.may(Permission::PrivacyManage);
    let deleted = capture.deleted_at.is_some();
    view! {
        <PageTitle text=title.clone()/>
        <p class="captures-crumb">
            <a class="link" href=format!("/cms/events/{}", capture.event) data-key="Escape">
                <Icon name=IconName::ChevronLeft/>
                <span>{capture.event_name.clone()}</span>
            </a>
        </p>
        <PageHead title=title>
            <Neighbours newer=capture.newer.clone() older=capture.older.clone()/>
            {may_write.then(|| view! { <Trash deleted/> })}
            {may_erase.then(|| view! { <Erase/> })}
        </PageHead>
        {INTENTS.into_iter().map(|intent| view! { <OutcomeBanner intent/> }).collect_view()}
        {deleted.then(|| view! { <Banner meaning=Meaning::Warn>{td_string!(locale, captures.in_trash)}</Banner> })}
        <div class="captures-detail">
            <figure class="captures-figure">
                <Shown
                    kind=capture.kind
                    unplayable=capture.unplayable
                    renditions=capture.renditions.clone()
                    width=capture.width
                    height=capture.height
                    alt
                />
            </figure>
            <div class="captures-aside">
                <Guests me=me.clone() guests=capture.guests/>
                <Links capture=capture.id.clone() links=capture.links may_write=me.may(Permission::LinkWrite)/>
                <Messages me messages=capture.messages/>
                <section class="card captures-part">
                    <h2 class="captures-part-title">{td_string!(locale, captures.facts)}</h2>
                    <dl class="captures-facts">
                        <dt>{td_string!(locale, captures.captured)}</dt>
                        <dd>
                            <Time at=capture.captured_at/>
                        </dd>
                        <dt>{td_string!(locale, captures.received)}</dt>
                        <dd>
                            <Time at=capture.received_at/>
                        </dd>
                        <dt>{td_string!(locale, captures.device)}</dt>
                        <dd>{capture.device.unwrap_or_else(|| td_string!(locale, captures.device_none).to_owned())}</dd>
                        {capture
                            .duration
                            .map(|duration| {
                                view! {
                                    <dt>{td_string!(locale, captures.length)}</dt>
                                    <dd>{playing(duration)}</dd>
                                }
                            })}
                        <dt>{td_string!(locale, captures.size)}</dt>
                        <dd>
                            {format!(
                                "{}, {}",
                                td_string!(locale, captures.pixels, width = capture.width, height = capture.height),
                                bytes(language, capture.size),
                            )}
                        </dd>
                    </dl>
                </section>
                <Renditions renditions=capture.renditions/>
                <History history=capture.history/>
            </div>
        </div>
    }
}

/// The captures before and after this one; left and right lead there.
#[component]
fn Neighbours(newer: Option<CaptureId>, older: Option<CaptureId>) -> impl IntoView {
    let locale = use_locale();
    let link = |target: Option<CaptureId>, key: &'static str, icon, label: &'static str| {
        target.map(|target| view! { <ButtonLink href=href(&target) tone=Tone::Quiet icon=icon label=label key/> })
    };
    view! {
        {link(newer, "ArrowLeft", IconName::ChevronLeft, td_string!(locale, captures.newer))}
        {link(older, "ArrowRight", IconName::ChevronRight, td_string!(locale, captures.older))}
    }
}

/// Into the trash after a question; out of it at once.
#[component]
fn Trash(deleted: bool) -> impl IntoView {
    let locale = use_locale();
    if deleted {
        return view! {
            <form method="post">
                <Submit intent="restore" tone=Tone::Primary icon=IconName::Restore>
                    {td_string!(locale, captures.restore)}
                </Submit>
            </form>
        }
        .into_any();
    }
    view! {
        <DialogButton dialog="capture-delete" icon=IconName::Trash>
            {td_string!(locale, captures.delete_button)}
        </DialogButton>
        <Dialog id="capture-delete" title=td_string!(locale, captures.delete_ask)>
            <form method="post">
                <p>{td_string!(locale, captures.delete_text)}</p>
                <DialogActions>
                    <Submit intent="delete" tone=Tone::Danger>
                        {td_string!(locale, captures.delete_confirm)}
                    </Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
    .into_any()
}

/// For good and at once, from the trash as well.
#[component]
fn Erase() -> impl IntoView {
    let locale = use_locale();
    view! {
        <EraseAtOnce
            dialog="capture-erase"
            label=td_string!(locale, captures.erase)
            question=td_string!(locale, captures.erase_ask)
            confirm=td_string!(locale, captures.erase_confirm)
        >
            <p>{td_string!(locale, captures.erase_text)}</p>
            <p>{td_string!(locale, captures.erase_too)}</p>
        </EraseAtOnce>
    }
}

/// The address of a rendition, if it was made.
fn rendition(renditions: &[Rendition], name: RenditionName, encoding: Encoding) -> Option<&Rendition> {
    renditions.iter().find(|rendition| rendition.name == name && rendition.encoding == encoding)
}

/// The picture, or what moves as soon as it is there. Nothing begins by itself.
#[component]
fn Shown(
    kind: CaptureKind,
    unplayable: bool,
    renditions: Vec<Rendition>,
    width: i32,
    height: i32,
    alt: String,
) -> impl IntoView {
    let poster = rendition(&renditions, RenditionName::Web, Encoding::Jpeg).map(|poster| poster.url.clone());
    let looped = kind == CaptureKind::Animation;
    match (kind, rendition(&renditions, RenditionName::Film, Encoding::Mp4).cloned()) {
        (CaptureKind::Still, _) => view! { <Picture renditions width height alt/> }.into_any(),
        (CaptureKind::Film | CaptureKind::Animation, _) if unplayable => view! {
            <Picture renditions width height alt/>
            <Banner meaning=Meaning::Warn>{td_string!(use_locale(), captures.film_unplayable)}</Banner>
        }
        .into_any(),
        (CaptureKind::Film | CaptureKind::Animation, Some(film)) => view! {
            <video
                class="captures-picture"
                controls=true
                playsinline=true
                muted=looped
                r#loop=looped
                preload="metadata"
                poster=poster
                src=film.url
                width=film.width.to_string()
                height=film.height.to_string()
                aria-label=alt
            ></video>
        }
        .into_any(),
        (CaptureKind::Film | CaptureKind::Animation, None) => view! {
            <Picture renditions width height alt/>
            <Banner>{td_string!(use_locale(), captures.film_pending)}</Banner>
        }
        .into_any(),
    }
}

#[component]
fn Picture(renditions: Vec<Rendition>, width: i32, height: i32, alt: String) -> impl IntoView {
    let set = |encoding| {
        [RenditionName::Web, RenditionName::Large]
            .into_iter()
            .filter_map(|name| rendition(&renditions, name, encoding))
            .map(|rendition| format!("{} {}w", rendition.url, rendition.width))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let fallback = [RenditionName::Web, RenditionName::Large, RenditionName::Thumb]
        .into_iter()
        .find_map(|name| {
            rendition(&renditions, name, Encoding::Jpeg).or_else(|| rendition(&renditions, name, Encoding::WebP))
        })
        .map(|rendition| rendition.url.clone());
    const SIZES: &str = "(min-width: 64rem) 60vw, 100vw";
    view! {
        <picture>
            <source r#type="image/webp" srcset=set(Encoding::WebP) sizes=SIZES/>
            <source r#type="image/jpeg" srcset=set(Encoding::Jpeg) sizes=SIZES/>
            <img class="captures-picture" src=fallback width=width.to_string() height=height.to_string() alt=alt/>
        </picture>
    }
}

#[component]
fn Guests(me: Me, guests: Vec<shutterpost_model::guests::GuestView>) -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="card captures-part">
            <h2 class="captures-part-title">{td_string!(locale, guests.title)}</h2>
            {guests.is_empty().then(|| view! { <p class="muted">{td_string!(locale, guests.none)}</p> })}
            {guests.into_iter().map(|guest| view! { <GuestCard me=me.clone() guest/> }).collect_view()}
        </section>
    }
}

#[component]
fn Messages(me: Me, messages: Vec<shutterpost_model::messages::MessageView>) -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="card captures-part">
            <h2 class="captures-part-title">{td_string!(locale, messages.title)}</h2>
            {messages.is_empty().then(|| view! { <p class="muted">{td_string!(locale, messages.none)}</p> })}
            {messages.into_iter().map(|message| view! { <Timeline me=me.clone() message/> }).collect_view()}
        </section>
    }
}

fn rendition_name(locale: Locale, name: RenditionName) -> &'static str {
    match name {
        RenditionName::Thumb => td_string!(locale, captures.rendition_thumb),
        RenditionName::Web => td_string!(locale, captures.rendition_web),
        RenditionName::Large => td_string!(locale, captures.rendition_large),
        RenditionName::Og => td_string!(locale, captures.rendition_og),
        RenditionName::Film => td_string!(locale, captures.rendition_film),
    }
}

#[component]
fn Renditions(renditions: Vec<Rendition>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    view! {
        <section class="card captures-part">
            <h2 class="captures-part-title">{td_string!(locale, captures.renditions)}</h2>
            <ul class="captures-files">
                {renditions
                    .into_iter()
                    .map(|Rendition { name, encoding, width, height, size, url }| {
                        view! {
                            <li>
                                <a class="link" href=url rel="noopener" target="_blank">
                                    {format!("{} · {}", rendition_name(locale, name), encoding.extension().to_uppercase())}
                                </a>
                                <span class="muted number">{format!("{width} × {height}")}</span>
                                <span class="muted number">{bytes(language, size)}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </section>
    }
}

/// An action of the audit trail in plain words; one that this page does not know stays as it is.
fn action(locale: Locale, name: &str) -> Option<&'static str> {
    Some(match name {
        "captures.create" => td_string!(locale, captures.history_create),
        "captures.delete" => td_string!(locale, captures.history_delete),
        "captures.restore" => td_string!(locale, captures.history_restore),
        "share.delete" => td_string!(locale, captures.history_erase),
        "guests.reveal" => td_string!(locale, captures.history_reveal),
        "guests.delete" => td_string!(locale, captures.history_guest_delete),
        "share.renew_link" => td_string!(locale, captures.history_renew),
        "share.revoke_link" => td_string!(locale, captures.history_revoke),
        "messages.send_again" => td_string!(locale, captures.history_send_again),
        _ => return None,
    })
}

#[component]
fn History(history: Vec<HistoryLine>) -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="card captures-part">
            <h2 class="captures-part-title">{td_string!(locale, captures.history)}</h2>
            {history.is_empty().then(|| view! { <p class="muted">{td_string!(locale, captures.history_none)}</p> })}
            <ol class="captures-history">
                {history
                    .into_iter()
                    .map(|HistoryLine { at, action: name, actor }| {
                        let what = action(locale, &name).map_or(name.clone(), str::to_owned);
                        let text = match actor {
                            Some(who) => td_string!(locale, captures.history_by, what = what, who = who),
                            None => td_string!(locale, captures.history_system, what = what),
                        };
                        view! {
                            <li>
                                <span>{text}</span>
                                <span class="muted">
                                    <Time at relative=true/>
                                </span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </section>
    }
}
