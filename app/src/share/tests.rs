//! What guests get, approved by eye, and what must hold whatever an organisation types.

use std::collections::BTreeSet;

use shutterpost_model::captures::CaptureKind;
use shutterpost_model::events::{BrandTexts, Branding};
use shutterpost_model::language::Language;
use shutterpost_model::privacy::{ErasureKind, RECEIPT_MOST, ReceiptFacts, ReceiptFault};
use shutterpost_model::share::{LinkKind, ShareFilm, SharePage, SharePicture};
use shutterpost_model::time::{DAY, Date, Millis};

use super::{Document, styles};

const OWNER: &str = "owner-token-7Yk2mVq9TzR4wXn8";
const RECEIPT: &str = "eyJmb3JtYXQiOjF9.c2lnbmF0dXJl";
const PUBLIC_KEY: &str = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
const VIEW: &str = "view-token-4Hq8ZtN2vKc6RwYx";

/// What hostile or careless people type.
pub(crate) const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "</style></title><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "\u{202e}gnp.exe\u{2066}",
    "<!--><!>{{ event }}</textarea>",
    "a\r\nBcc: all@example.com\u{0}",
];

fn picture(name: &str, width: i32, height: i32) -> SharePicture {
    let address = |extension: &str| format!("/m/media-token/{name}-3.{extension}");
    SharePicture { avif: None, webp: address("webp"), jpeg: address("jpg"), width, height }
}

pub(crate) fn branding() -> Branding {
    Branding {
        english: BrandTexts {
            headline: "You were brilliant".to_owned(),
            message: "Thank you for the evening at the harbour.\n\nTag us: #nordlicht".to_owned(),
            legal: "Nordlicht AG processes this photo to deliver it to you.".to_owned(),
            mail_subject: "Your evening with Nordlicht".to_owned(),
            mail_message: "Thank you for coming.\nYour photo is here.".to_owned(),
        },
        privacy_url: "https://nordlicht.example/privacy?a=1&b=2".to_owned(),
        imprint_url: "https://nordlicht.example/imprint".to_owned(),
        ..Branding::default()
    }
}

/// English has the client's own words, German the product's.
pub(crate) fn sample(kind: LinkKind) -> SharePage {
    let token = match kind {
        LinkKind::Owner => OWNER,
        LinkKind::View => VIEW,
    };
    SharePage {
        kind,
        event_name: "Summer Night & Friends".to_owned(),
        organisation: "Nordlicht AG".to_owned(),
        branding: branding(),
        logo: Some(("/m/media-token/logo".to_owned(), 640, 160)),
        taken_on: Date::new(2026, 5, 3).expect("valid"),
        thumb: picture("thumb", 320, 213),
        web: picture("web", 960, 640),
        large: picture("large", 2048, 1365),
        placeholder: None,
        capture_kind: CaptureKind::Still,
        film: None,
        unplayable: false,
        og: "/m/media-token/og-3.jpg".to_owned(),
        path: format!("/s/{token}"),
        share_path: Some(format!("/s/{VIEW}")),
        origin: "https://photos.example".to_owned(),
        kept_until: Date::new(2027, 5, 3).expect("valid"),
    }
}

/// A capture that moves, whose AVIF pictures are made and which has a blurred idea.
fn moving(kind: LinkKind, capture_kind: CaptureKind) -> SharePage {
    let still = sample(kind);
    let made = |picture: SharePicture| SharePicture { avif: Some(picture.webp.replace("webp", "avif")), ..picture };
    let looped = capture_kind == CaptureKind::Animation;
    let film = ShareFilm {
        mp4: "/m/media-token/film-3.mp4".to_owned(),
        original: looped.then(|| "/m/media-token/film-3.gif".to_owned()),
        width: 720,
        height: 1280,
        duration: Some(3200),
        looped,
    };
    SharePage {
        thumb: made(still.thumb),
        web: made(still.web),
        large: made(still.large),
        placeholder: Some("data:image/png;base64,iVBORw0KGgo=".to_owned()),
        capture_kind,
        film: (capture_kind != CaptureKind::Still).then_some(film),
        ..sample(kind)
    }
}

fn facts(object: &str) -> ReceiptFacts {
    ReceiptFacts {
        id: "era_019cb4df0b9f700080000000000000aa".to_owned(),
        organisation: "org_019cb4df0b9f700080000000000000bb".to_owned(),
        kind: ErasureKind::Guest,
        object: object.to_owned(),
        destroyed: vec![("captures".to_owned(), 2), ("messages".to_owned(), 1)],
        keys: 3,
        erased_at: Millis(1_772_560_245_999),
        last_backup_unreadable_at: Millis(1_772_560_245_999 + 7 * DAY),
    }
}

fn hostile(text: &str) -> SharePage {
    let texts = BrandTexts {
        headline: text.to_owned(),
        message: text.to_owned(),
        legal: text.to_owned(),
        mail_subject: text.to_owned(),
        mail_message: text.to_owned(),
    };
    SharePage {
        event_name: text.to_owned(),
        organisation: text.to_owned(),
        branding: Branding { english: texts.clone(), german: texts, ..branding() },
        ..sample(LinkKind::Owner)
    }
}

/// One element a line, without what changes with every edit of the styles or the script.
fn readable(document: &Document) -> String {
    let html = document
        .html
        .replace(styles::sheet(), "/* share.css */")
        .replace(super::script_path(), "/assets/share-HASH.js")
        .replace("><", ">\n<");
    let csp = document.csp.replace(super::style_hash(), "sha256-OF-SHARE-CSS");
    format!("{csp}\n\n{html}\n")
}

/// The tags and the names of their attributes, in order: what a text must not be able to change.
pub(crate) fn skeleton(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let mut quoted = false;
        let end = after.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let tag = end.and_then(|end| after.get(..end)).expect("every tag ends");
        rest = after.get(tag.len() + 1..).expect("the end was found");
        let name = tag.split_whitespace().next().unwrap_or_default();
        if name == "style" {
            rest = rest.split_once("</style>").expect("every sheet ends").1;
        }
        // Every second piece between quotes is a value.
        let attributes: Vec<&str> = tag
            .split('"')
            .step_by(2)
            .flat_map(|piece| piece.split_whitespace().skip(usize::from(piece.starts_with(name))))
            .collect();
        found.push(format!("{name} {}", attributes.join(" ")));
    }
    found
}

fn every_page(language: Language) -> Vec<Document> {
    pages(language).into_iter().map(|(_, page)| page).collect()
}

/// Every page by the name of its approved output.
fn pages(language: Language) -> Vec<(&'static str, Document)> {
    let (owner, view) = (sample(LinkKind::Owner), sample(LinkKind::View));
    let facts = facts("gst_019cb4df0b9f700080000000000000cc");
    let verify = |check, receipt| super::verify(check, receipt, PUBLIC_KEY, language);
    vec![
        ("owner", super::page(&owner, language)),
        ("view", super::page(&view, language)),
        ("preview", super::preview(&owner, language)),
        ("avif", super::page(&moving(LinkKind::View, CaptureKind::Still), language)),
        ("film", super::page(&moving(LinkKind::View, CaptureKind::Film), language)),
        ("film_owner", super::page(&moving(LinkKind::Owner, CaptureKind::Film), language)),
        ("film_delete", super::confirm_delete(&moving(LinkKind::Owner, CaptureKind::Film), language)),
        ("animation", super::page(&moving(LinkKind::View, CaptureKind::Animation), language)),
        ("pending", {
            let film = moving(LinkKind::Owner, CaptureKind::Film);
            super::page(&SharePage { film: None, ..film }, language)
        }),
        ("confirm_delete", super::confirm_delete(&owner, language)),
        ("deleted", super::deleted(language, None)),
        ("deleted_receipt", super::deleted(language, Some(RECEIPT))),
        ("not_found", super::not_found(language)),
        ("error", super::error(language, "req_1")),
        ("verify", verify(None, "")),
        ("verify_genuine", verify(Some(Ok(&facts)), RECEIPT)),
        ("verify_refused", verify(Some(Err(ReceiptFault::Refused)), RECEIPT)),
    ]
}

#[test]
fn an_animation_begins_by_nobodys_will_but_the_guests() {
    let html = super::page(&moving(LinkKind::View, CaptureKind::Animation), Language::English).html;
    let video = html.split("<video ").nth(1).and_then(|rest| rest.split('>').next()).expect("a film");
    assert!(!video.contains("autoplay"), "{video}");
    for attribute in [
        "controls",
        "loop",
        "muted",
        "playsinline",
        "poster=\"/m/media-token/web-3.jpg\"",
        "aria-label=\"Your animation",
    ] {
        assert!(video.contains(attribute), "{attribute} in {video}");
    }
    assert!(super::SCRIPT.contains("prefers-reduced-motion"));
    assert!(
        html.contains("download=\"animation.gif\"") && html.contains("href=\"/m/media-token/film-3.gif\""),
        "{html}"
    );
    assert!(html.contains("data-file=\"/m/media-token/film-3.mp4\" data-type=\"video/mp4\""), "{html}");
}

#[test]
fn a_film_is_fetched_when_somebody_asks_for_it() {
    let document = super::page(&moving(LinkKind::Owner, CaptureKind::Film), Language::German);
    let html = &document.html;
    assert!(html.contains("preload=\"metadata\"") && !html.contains(" loop") && !html.contains(" muted"), "{html}");
    assert!(!html.contains("data-file"), "nothing of it before a tap");
    assert!(html.contains("download=\"video.mp4\"") && html.contains("Mein Video löschen"), "{html}");
    assert!(document.csp.contains("media-src 'self';"), "{}", document.csp);
    assert!(!html.contains("og:video"), "its address is the owner's");
    let view = super::page(&moving(LinkKind::View, CaptureKind::Film), Language::German).html;
    assert!(
        view.contains("property=\"og:video\" content=\"https://photos.example/m/media-token/film-3.mp4\""),
        "{view}"
    );
    let still = super::page(&sample(LinkKind::View), Language::German).csp;
    assert!(!still.contains("media-src") && !still.contains("data:"), "{still}");
}

#[test]
fn a_film_that_cannot_be_shown_is_saved_or_seen_as_a_picture() {
    let film = SharePage { unplayable: true, ..moving(LinkKind::View, CaptureKind::Film) };
    let document = super::page(&film, Language::English);
    let html = &document.html;
    assert!(
        html.contains("This video cannot be shown here. You can download it.") && !html.contains("<video"),
        "{html}"
    );
    assert!(html.contains("download=\"video.mp4\"") && html.contains("href=\"/m/media-token/film-3.mp4\""), "{html}");
    assert!(!html.contains("og:video") && !html.contains("video.other") && html.contains("<picture>"), "{html}");
    assert!(!document.csp.contains("media-src"), "{}", document.csp);
    // Where the client's design is on everything, the video as it came is not for guests.
    let html = super::page(&SharePage { film: None, ..film }, Language::German).html;
    assert!(html.contains("Dieses Video kann hier nicht gezeigt werden. Sie sehen sein erstes Bild."), "{html}");
    assert!(!html.contains("film-3") && html.contains("download=\"photo.jpg\""), "{html}");
    assert!(!html.contains("noch vorbereitet"), "{html}");
}

#[test]
fn what_is_no_picture_never_gets_into_the_sheet() {
    for wrong in [
        "data:image/svg+xml;base64,AAAA",
        "https://elsewhere.example/a.png",
        "data:image/png;base64,AAAA)}body{background:url(//x",
        "data:image/png;base64,</style>",
    ] {
        let page = SharePage { placeholder: Some(wrong.to_owned()), ..sample(LinkKind::View) };
        let document = super::page(&page, Language::English);
        assert_eq!(document, super::page(&sample(LinkKind::View), Language::English), "{wrong}");
    }
    let document = super::page(&moving(LinkKind::View, CaptureKind::Still), Language::English);
    assert!(document.html.contains(".photo{background-image:url(data:image/png;base64,iVBORw0KGgo=)}"));
    assert!(document.csp.contains("img-src 'self' data:;"), "{}", document.csp);
}

#[test]
fn avif_is_offered_as_soon_as_the_largest_is_made() {
    let mut page = moving(LinkKind::View, CaptureKind::Still);
    let count = |page: &SharePage| super::page(page, Language::English).html.matches("image/avif").count();
    assert_eq!(count(&page), 2, "for phones, and for all");
    page.large.avif = None;
    assert_eq!(count(&page), 1, "for phones");
    page.web.avif = None;
    assert_eq!(count(&page), 0);
}

#[test]
fn nothing_is_offered_to_be_passed_on_while_the_view_link_is_revoked() {
    let page = SharePage { share_path: None, ..sample(LinkKind::Owner) };
    let html = super::page(&page, Language::English).html;
    for gone in ["og:url", "wa.me", "id=\"link\"", "data-url"] {
        assert!(!html.contains(gone), "{gone} in {html}");
    }
    assert!(html.contains("download=\"photo.jpg\"") && html.contains("/delete"), "{html}");
}

#[test]
fn pages_are_as_approved() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        for language in Language::ALL {
            for (name, document) in pages(language) {
                insta::assert_snapshot!(format!("{name}.{}", language.tag()), readable(&document));
            }
        }
    });
}

#[test]
fn the_policy_allows_exactly_the_styles_of_the_document() {
    for document in Language::ALL.into_iter().flat_map(every_page) {
        let sheets = document.html.split("<style>").skip(1).filter_map(|part| part.split_once("</style>"));
        let hashes: BTreeSet<String> = sheets.map(|(sheet, _)| format!("'{}'", styles::source(sheet))).collect();
        let directive =
            document.csp.split(';').find_map(|part| part.trim().strip_prefix("style-src ")).expect("present");
        assert_eq!(directive.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), hashes);
        assert!(!document.csp.contains("unsafe"));
        assert!(!document.html.contains(" style="), "a style attribute would be refused");
        assert!(!document.html.contains("<!>"));
    }
}

#[test]
fn what_people_type_stays_text() {
    let tame = hostile("tame");
    for language in Language::ALL {
        for text in HOSTILE {
            let wild = hostile(text);
            for render in [super::page, super::preview, super::confirm_delete] {
                let document = render(&wild, language);
                assert_eq!(skeleton(&document.html), skeleton(&render(&tame, language).html), "{text}");
                assert!(!document.html.contains(['\u{202e}', '\u{2066}', '\u{0}', '\r']), "{text}");
            }
            let document = super::error(language, text);
            assert_eq!(skeleton(&document.html), skeleton(&super::error(language, "tame").html), "{text}");
        }
    }
}

#[test]
fn a_pasted_receipt_stays_text() {
    for language in Language::ALL {
        let renderings: [&dyn Fn(&str) -> Document; 4] = [
            &|text| super::deleted(language, Some(text)),
            &|text| super::verify(None, text, text, language),
            &|text| super::verify(Some(Err(ReceiptFault::Malformed)), text, text, language),
            &|text| {
                let destroyed = vec![(text.to_owned(), 2)];
                let facts = ReceiptFacts { id: text.into(), organisation: text.into(), destroyed, ..facts(text) };
                super::verify(Some(Ok(&facts)), text, text, language)
            },
        ];
        for text in HOSTILE {
            for render in renderings {
                let html = render(text).html;
                assert_eq!(skeleton(&html), skeleton(&render("tame").html), "{text}");
                assert!(!html.contains(['\u{202e}', '\u{2066}', '\u{0}', '\r']), "{text}");
                assert!(!html.contains("<script"), "{html}");
            }
        }
    }
    let long =
        super::verify(Some(Err(ReceiptFault::Malformed)), &"a".repeat(RECEIPT_MOST + 1), PUBLIC_KEY, Language::English);
    assert!(long.html.len() < RECEIPT_MOST, "what is no receipt is not sent back");
}

#[test]
fn every_fault_of_a_receipt_says_what_to_do() {
    let faults = [
        (ReceiptFault::Malformed, "This is not a whole receipt", "Das ist kein vollständiger Löschbeleg"),
        (ReceiptFault::Refused, "This receipt is not genuine", "Dieser Löschbeleg ist nicht echt"),
        (ReceiptFault::OtherKey, "This receipt is from somewhere else", "Dieser Löschbeleg stammt von anderswo"),
        (ReceiptFault::Newer, "This receipt is newer than this page", "Dieser Löschbeleg ist neuer als diese Seite"),
    ];
    for (fault, english, german) in faults {
        for (language, words) in [(Language::English, english), (Language::German, german)] {
            let html = super::verify(Some(Err(fault)), RECEIPT, PUBLIC_KEY, language).html;
            assert!(html.contains(words) && html.contains("role=\"alert\""), "{html}");
            assert!(html.contains(&format!(">{RECEIPT}</textarea>")), "what was pasted is still there: {html}");
            assert!(!html.contains("hreflang"), "the other language's address knows nothing of it: {html}");
        }
    }
}

#[test]
fn a_genuine_receipt_is_told_in_full() {
    let facts = facts("gst_019cb4df0b9f700080000000000000cc");
    let html = super::verify(Some(Ok(&facts)), RECEIPT, PUBLIC_KEY, Language::German).html;
    for words in [
        "Dieser Löschbeleg ist echt",
        "Gast",
        "gst_019cb4df0b9f700080000000000000cc",
        "2 Aufnahmen, 1 Nachricht",
        "3. März 2026, 17:50 UTC",
        "10. März 2026, 17:50 UTC",
        "datetime=\"2026-03-10T17:50:45Z\"",
        "role=\"status\"",
        "href=\"?receipt=eyJmb3JtYXQiOjF9.c2lnbmF0dXJl&amp;lang=en\"",
        PUBLIC_KEY,
    ] {
        assert!(html.contains(words), "{words} in {html}");
    }
    let html = super::verify(None, "", PUBLIC_KEY, Language::English).html;
    assert!(!html.contains("id=\"result\"") && html.contains("action=\"/verify?lang=en#result\""), "{html}");
}

#[test]
fn only_https_addresses_become_links() {
    let mut page = sample(LinkKind::View);
    page.branding.privacy_url = "javascript:alert(1)".to_owned();
    page.branding.imprint_url = "https://a.example/\" onclick=\"x".to_owned();
    let html = super::page(&page, Language::English).html;
    assert!(!html.contains("javascript:") && !html.contains("onclick"), "{html}");
}

#[test]
fn the_owner_link_is_never_passed_on() {
    let html = super::page(&sample(LinkKind::Owner), Language::English).html;
    let with_owner: Vec<&str> = html.split('<').filter(|tag| tag.contains(OWNER)).collect();
    assert_eq!(with_owner.len(), 2, "only deletion and language: {with_owner:?}");
    assert!(with_owner.iter().all(|tag| tag.starts_with("a href=\"/s/")), "{with_owner:?}");
    let view = super::page(&sample(LinkKind::View), Language::English).html;
    assert!(!view.contains("/delete"), "a view link deletes nothing");
}

#[test]
fn a_phone_is_led_to_the_web_rendition() {
    let html = super::page(&sample(LinkKind::View), Language::English).html;
    let first = html.split("<source ").nth(1).and_then(|rest| rest.split('>').next()).expect("a source");
    assert!(first.starts_with("media=\"(max-width:40rem)\" type=\"image/webp\""), "{first}");
    assert!(first.contains("web-3.webp 960w") && !first.contains("large"), "{first}");
}

#[test]
fn nothing_in_a_preview_leads_anywhere() {
    let document = super::preview(&sample(LinkKind::Owner), Language::German);
    for attribute in [" href=", " action=", "<script", "og:"] {
        assert!(!document.html.contains(attribute), "{attribute}");
    }
    assert!(document.csp.contains("frame-ancestors 'self'") && document.csp.contains("form-action 'none'"));
    assert!(super::not_found(Language::German).csp.contains("frame-ancestors 'none'"));
}

#[test]
fn pages_load_nothing_from_others_and_keep_nothing() {
    for document in Language::ALL.into_iter().flat_map(every_page) {
        for attribute in ["src=\"", "srcset=\"", "poster=\""] {
            assert!(document.html.split(attribute).skip(1).all(|value| value.starts_with('/')));
        }
        assert!(document.html.contains("<meta name=\"robots\" content=\"noindex\">"));
    }
    assert!(!super::SCRIPT.contains("cookie") && !super::SCRIPT.contains("Storage"));
}

#[test]
fn weights_stay_in_the_budget() {
    let mut page = sample(LinkKind::Owner);
    let long: String = (0..600).map(|n| format!("word{} ", n * 7919 % 1000)).collect();
    page.branding.german =
        BrandTexts { headline: "Headline".to_owned(), message: long.clone(), legal: long, ..BrandTexts::default() };
    let size = |html: &str| {
        let mut small = Vec::new();
        let parameters = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
        brotli::BrotliCompress(&mut html.as_bytes(), &mut small, &parameters).expect("memory does not fail");
        small.len()
    };
    let usual = size(&super::page(&sample(LinkKind::Owner), Language::English).html);
    let longest = size(&super::page(&page, Language::German).html);
    assert!(usual <= 6_000, "{usual} bytes");
    assert!(longest <= 12_000, "{longest} bytes");
    let facts = facts("gst_019cb4df0b9f700080000000000000cc");
    let receipt = super::verify(Some(Ok(&facts)), RECEIPT, PUBLIC_KEY, Language::German);
    assert!(size(&receipt.html) <= 6_000, "{} bytes", size(&receipt.html));
    assert!(super::SCRIPT.len() <= 3_000);
}

#[test]
fn the_script_has_a_name_of_its_own() {
    let path = super::script_path();
    assert!(path.starts_with("/assets/share-") && path.ends_with(".js"), "{path}");
    assert_eq!(path.len(), "/assets/share-01234567.js".len());
}

/// Keys and placeholders of a catalogue.
pub(crate) fn keys(catalogue: &str) -> Vec<(String, usize)> {
    let texts: serde_json::Map<String, serde_json::Value> = serde_json::from_str(catalogue).expect("JSON");
    texts
        .into_iter()
        .map(|(key, text)| {
            let text = text.as_str().expect("a text").to_owned();
            assert!(!text.trim().is_empty(), "{key} is empty");
            (key, text.matches("{{").count())
        })
        .collect()
}

#[test]
fn every_text_exists_in_both_languages() {
    let english = keys(include_str!("../../locales/en/share.json"));
    let german = keys(include_str!("../../locales/de/share.json"));
    assert_eq!(english, german);
}
