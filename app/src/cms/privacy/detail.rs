//! One erasure: what happened, and the receipt to pass on.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_params_map;

use shutterpost_model::access::Permission;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ErasureId;
use shutterpost_model::identity::Me;
use shutterpost_model::privacy::{ErasureView, ReceiptView};

use super::{ADDRESS, href, name};
use crate::cms::load::load;
use crate::receipt;
use crate::texts::{language_of, use_locale};
use crate::ui::{Banner, CopyButton, Icon, IconName, Meaning, PageHead, PageTitle, TextArea, Time};
use crate::words::number;

/// The page of an erasure.
#[component]
pub fn ErasurePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get_str("erasure").and_then(|id| id.parse().ok()));
    load(
        |services, actor| async move {
            let id: ErasureId = id.ok_or(AppError::new(Code::NotFound))?;
            services.privacy.erasure(&actor, &id).await
        },
        |me, erasure| view! { <Erasure me erasure/> }.into_any(),
    )
}

#[component]
fn Erasure(me: Me, erasure: ErasureView) -> impl IntoView {
    let locale = use_locale();
    let title = td_string!(locale, privacy.of, name = name(locale, &erasure));
    let running = erasure.finished_at.is_none().then(|| {
        if erasure.receipt.is_some() {
            td_string!(locale, privacy.running_files)
        } else {
            td_string!(locale, privacy.running_keys)
        }
    });
    // Whoever erased a guest sees that erasure, but the list is for admins.
    let all = me.may(Permission::PrivacyManage).then(|| {
        view! {
            <p class="captures-crumb">
                <a class="link" href=ADDRESS data-key="Escape">
                    <Icon name=IconName::ChevronLeft/>
                    <span>{td_string!(locale, privacy.all)}</span>
                </a>
            </p>
        }
    });
    let address = href(&erasure.id);
    let receipt = erasure.receipt.clone().map(|receipt| view! { <Receipt receipt address/> });
    view! {
        <PageTitle text=title.clone()/>
        {all}
        <PageHead title=title subtitle=Some(td_string!(locale, privacy.of_hint).into())/>
        {running.map(|text| view! { <Banner meaning=Meaning::Info>{text}</Banner> })}
        <div class="privacy-parts">
            <Facts erasure/>
            {receipt}
        </div>
    }
}

#[component]
fn Facts(erasure: ErasureView) -> impl IntoView {
    let locale = use_locale();
    let proven = erasure.receipt.map(|ReceiptView { facts, .. }| {
        let destroyed = receipt::destroyed(&facts.destroyed, locale);
        let destroyed = if destroyed.is_empty() {
            td_string!(locale, privacy.nothing_more).into_any()
        } else {
            view! { <ul>{destroyed.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul> }.into_any()
        };
        view! {
            <dt>{td_string!(locale, privacy.fact_destroyed)}</dt>
            <dd>{destroyed}</dd>
            <dt>{td_string!(locale, privacy.fact_keys)}</dt>
            <dd>{number(language_of(locale), facts.keys)}</dd>
            <dt>{td_string!(locale, privacy.fact_erased)}</dt>
            <dd><Time at=facts.erased_at/></dd>
            <dt>{td_string!(locale, privacy.fact_backups)}</dt>
            <dd><Time at=facts.last_backup_unreadable_at/></dd>
        }
    });
    let finished = match erasure.finished_at {
        Some(at) => view! { <Time at/> }.into_any(),
        None => td_string!(locale, privacy.state_running).into_any(),
    };
    view! {
        <section class="card privacy-part">
            <h2 class="section-title">{td_string!(locale, privacy.facts)}</h2>
            <dl class="captures-facts">
                <dt>{td_string!(locale, privacy.fact_object)}</dt>
                <dd>
                    {receipt::kind(erasure.kind, locale)}
                    " "
                    <code>{erasure.object}</code>
                </dd>
                <dt>{td_string!(locale, privacy.fact_requested)}</dt>
                <dd><Time at=erasure.requested_at/></dd>
                {proven}
                <dt>{td_string!(locale, privacy.fact_finished)}</dt>
                <dd>{finished}</dd>
                <dt>{td_string!(locale, privacy.fact_id)}</dt>
                <dd><code>{erasure.id.into_string()}</code></dd>
            </dl>
        </section>
    }
}

/// The receipt: to copy, to save, to have checked.
#[component]
fn Receipt(
    receipt: ReceiptView,
    /// Of the page.
    address: String,
) -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="card privacy-part privacy-receipt">
            <h2 class="section-title">{td_string!(locale, privacy.receipt)}</h2>
            <TextArea
                name="receipt"
                label=td_string!(locale, privacy.receipt_text)
                hint=td_string!(locale, privacy.receipt_hint)
                value=receipt.text.clone()
                readonly=true
                code=true
            />
            <div class="form-actions">
                <CopyButton text=receipt.text label=td_string!(locale, privacy.receipt_copy)/>
                <a class="button" href=format!("{address}/receipt.txt") download="">
                    <Icon name=IconName::Download/>
                    <span class="button-text">{td_string!(locale, privacy.receipt_download)}</span>
                </a>
            </div>
            <p>
                <a class="link" href="/verify" target="_blank" rel="noopener">
                    {td_string!(locale, privacy.receipt_verify)}
                </a>
            </p>
        </section>
    }
}
