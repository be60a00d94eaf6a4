//! The page that checks erasure receipts: for whoever was given one, without sign-in.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::language::Language;
use shutterpost_model::privacy::{RECEIPT_MOST, ReceiptFacts, ReceiptFault};
use shutterpost_model::time::Millis;

use super::document::{self, Document, Head, Kind};
use super::icons::{self, icon};
use super::notice::credit;
use super::{view, words};
use crate::receipt;
use crate::texts::{Locale, locale_of};
use crate::ui::TextArea;
use crate::words::number;

/// What a receipt's signature covers before the JSON, in hexadecimal: `shutterpost/1`, `signed` and `receipt`, each
/// after its length in eight bytes. Whoever checks a receipt by other means needs it.
pub const SIGNED_FIRST: &str = concat!(
    "000000000000000d",
    "73687574746572706f73742f31",
    "0000000000000006",
    "7369676e6564",
    "0000000000000007",
    "72656365697074",
);

pub fn page(
    check: Option<Result<&ReceiptFacts, ReceiptFault>>,
    receipt: &str,
    public_key: &str,
    language: Language,
) -> Document {
    let locale = locale_of(language);
    let title = td_string!(locale, share.verify_title);
    // What is longer is no receipt; it is not sent back.
    let typed = if receipt.len() > RECEIPT_MOST { String::new() } else { words::plain(receipt) };
    let key = words::line(public_key);
    // Another language is another address. A genuine receipt fits into it; what else was pasted is not taken there.
    let address = match check {
        None => Some(String::new()),
        Some(Ok(_)) => Some(query(&typed)),
        Some(Err(_)) => None,
    };
    let head = Head { language, title: title.to_owned(), page: None, kind: Kind::Plain, class: "notice" };
    document::render(head, || {
        let outcome = check.map(|check| match check {
            Ok(facts) => genuine(facts, language).into_any(),
            Err(fault) => faulty(fault, locale).into_any(),
        });
        view! {
            <main>
                <h1>{title}</h1>
                <p>{td_string!(locale, share.verify_text)}</p>
                {form(Form::Asked, typed, language)}
                {outcome}
                <section class="aside">
                    <h2>{td_string!(locale, share.verify_key)}</h2>
                    <p>{td_string!(locale, share.verify_key_is)}</p>
                    <p><code>{key}</code></p>
                    <p>{td_string!(locale, share.verify_key_how)}</p>
                    <p><code>{SIGNED_FIRST}</code></p>
                </section>
                {address.map(|address| view! { <p>{view::other_language(language, Some(address))}</p> })}
            </main>
            {credit(language)}
        }
    })
}

/// The query of an address that holds a receipt.
pub fn query(receipt: &str) -> String {
    format!("?receipt={}", words::encode(receipt))
}

/// Why a receipt stands in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// To be pasted.
    Asked,
    /// To be copied and kept.
    Kept,
}

/// Sends a receipt to the page that checks it, and the reader to what came of it.
pub fn form(form: Form, receipt: String, language: Language) -> impl IntoView + use<> {
    let locale = locale_of(language);
    let class = if form == Form::Asked { "button dark" } else { "button" };
    view! {
        <form method="post" action=format!("/verify?lang={}#result", language.tag())>
            <TextArea
                name="receipt"
                label=td_string!(locale, share.receipt)
                value=receipt
                rows=7
                required=form == Form::Asked
                readonly=form == Form::Kept
                code=true
            />
            <button class=class type="submit">{td_string!(locale, share.receipt_check)}</button>
        </form>
    }
}

fn genuine(facts: &ReceiptFacts, language: Language) -> impl IntoView + use<> {
    let locale = locale_of(language);
    let time = |at: Millis| {
        let text = format!("{} UTC", at.readable(language, 0));
        view! { <time datetime=at.rfc3339()>{text}</time> }
    };
    let destroyed =
        receipt::destroyed(&facts.destroyed, locale).iter().map(|line| words::line(line)).collect::<Vec<_>>();
    let destroyed =
        if destroyed.is_empty() { td_string!(locale, privacy.nothing_more).to_owned() } else { destroyed.join(", ") };
    view! {
        <section class="result" id="result" role="status">
            <h2>{icon(icons::DONE)} {td_string!(locale, share.verify_good)}</h2>
            <p>{td_string!(locale, share.verify_good_text)}</p>
            <dl>
                <dt>{td_string!(locale, privacy.fact_object)}</dt>
                <dd>
                    {receipt::kind(facts.kind, locale)}
                    " "
                    <code>{words::line(&facts.object)}</code>
                </dd>
                <dt>{td_string!(locale, privacy.fact_destroyed)}</dt>
                <dd>{destroyed}</dd>
                <dt>{td_string!(locale, privacy.fact_keys)}</dt>
                <dd>{number(language, facts.keys)}</dd>
                <dt>{td_string!(locale, privacy.fact_erased)}</dt>
                <dd>{time(facts.erased_at)}</dd>
                <dt>{td_string!(locale, privacy.fact_backups)}</dt>
                <dd>{time(facts.last_backup_unreadable_at)}</dd>
                <dt>{td_string!(locale, privacy.fact_organisation)}</dt>
                <dd><code>{words::line(&facts.organisation)}</code></dd>
                <dt>{td_string!(locale, privacy.fact_id)}</dt>
                <dd><code>{words::line(&facts.id)}</code></dd>
            </dl>
            <p>{td_string!(locale, share.verify_good_keep)}</p>
        </section>
    }
}

/// What is wrong, and what to do about it.
fn faulty(fault: ReceiptFault, locale: Locale) -> impl IntoView {
    let (title, text) = match fault {
        ReceiptFault::Malformed => {
            (td_string!(locale, share.verify_malformed), td_string!(locale, share.verify_malformed_text))
        }
        ReceiptFault::Refused => {
            (td_string!(locale, share.verify_refused), td_string!(locale, share.verify_refused_text))
        }
        ReceiptFault::OtherKey => {
            (td_string!(locale, share.verify_other_key), td_string!(locale, share.verify_other_key_text))
        }
        ReceiptFault::Newer => (td_string!(locale, share.verify_newer), td_string!(locale, share.verify_newer_text)),
    };
    view! {
        <section class="result" id="result" role="alert">
            <h2>{icon(icons::TROUBLE)} {title}</h2>
            <p>{text}</p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::SIGNED_FIRST;

    #[test]
    fn what_a_signature_covers_first_is_said_in_bytes() {
        let mut bytes = Vec::new();
        for part in ["shutterpost/1", "signed", "receipt"] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        assert_eq!(SIGNED_FIRST, data_encoding::HEXLOWER.encode(&bytes));
    }
}
