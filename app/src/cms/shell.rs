//! The HTML document around the CMS, and the one script that starts it.

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};
use sha2::{Digest, Sha256};

use super::app::App;
use super::context::RequestContext;
use crate::minify::minify;

/// The style sheet of the CMS, to be served at [`stylesheet_path`], without comments and superfluous space.
pub fn stylesheet() -> &'static str {
    static SHEET: LazyLock<String> = LazyLock::new(|| minify(STYLESHEET));
    &SHEET
}

/// Its parts. Of equally strong rules the last one holds, so the
/// order is: values and elements, components, the frame, the features.
static STYLESHEET: &str = concat!(
    include_str!("../../../style/tokens.css"),
    include_str!("../../../style/base.css"),
    include_str!("../../../style/ui/button.css"),
    include_str!("../../../style/ui/field.css"),
    include_str!("../../../style/ui/dialog.css"),
    include_str!("../../../style/ui/menu.css"),
    include_str!("../../../style/ui/tabs.css"),
    include_str!("../../../style/ui/table.css"),
    include_str!("../../../style/ui/empty.css"),
    include_str!("../../../style/ui/badge.css"),
    include_str!("../../../style/ui/banner.css"),
    include_str!("../../../style/ui/toast.css"),
    include_str!("../../../style/ui/wait.css"),
    include_str!("../../../style/ui/page.css"),
    include_str!("../../../style/cms/rail.css"),
    include_str!("../../../style/cms/frame.css"),
    include_str!("../../../style/cms/plain.css"),
    include_str!("../../../style/cms/section.css"),
    include_str!("../../../style/cms/issued.css"),
    include_str!("../../../style/cms/audit.css"),
    include_str!("../../../style/cms/overview.css"),
    include_str!("../../../style/cms/events.css"),
    include_str!("../../../style/cms/designs.css"),
    include_str!("../../../style/cms/captures/grid.css"),
    include_str!("../../../style/cms/captures/ratios.css"),
    include_str!("../../../style/cms/captures/list.css"),
    include_str!("../../../style/cms/captures/bar.css"),
    include_str!("../../../style/cms/captures/upload.css"),
    include_str!("../../../style/cms/captures/look.css"),
    include_str!("../../../style/cms/captures/detail.css"),
    include_str!("../../../style/cms/guests.css"),
    include_str!("../../../style/cms/messages.css"),
    include_str!("../../../style/cms/privacy.css"),
    include_str!("../../../style/cms/trash.css"),
    include_str!("../../../style/cms/tokens.css"),
    include_str!("../../../style/cms/support.css"),
    include_str!("../../../style/cms/connections.css"),
);

/// Where the server has to serve [`stylesheet`]; the name changes with the content, so it may be cached for ever.
pub fn stylesheet_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let digest = HEXLOWER.encode(&Sha256::digest(stylesheet().as_bytes()));
        format!("/assets/cms-{}.css", digest.get(..8).unwrap_or_default())
    });
    &PATH
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asset {
    /// Address, e.g. `/pkg/frontend-….js`.
    pub href: String,
    /// Subresource integrity, e.g. `sha384-…`.
    pub integrity: Option<String>,
}

/// What the shell links to, as read from Trunk's `assets.html`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assets {
    pub js: Asset,
    pub wasm: Asset,
    /// Style sheets beyond [`stylesheet_path`]; usually none.
    pub stylesheets: Vec<Asset>,
}

/// Browsers that know this fetch a page when its link is pointed at or touched, before it is pressed. Opening a page
/// changes nothing, so nothing happens that the reader did not ask for. Files are no pages: an archive may be gigabytes.
const PREFETCH: &str = r#"{"prefetch":[{"where":{"and":[{"href_matches":"/cms/*"},{"not":{"href_matches":"/cms/exports/*"}},{"not":{"href_matches":"/cms/media/*"}}]},"eagerness":"moderate"}]}"#;

/// The whole document of a CMS page.
pub fn shell(assets: Assets) -> impl IntoView {
    provide_meta_context();
    let language = use_context::<RequestContext>().map(|context| context.language).unwrap_or_default();
    let loader = loader(&assets);
    let Assets { js, wasm, stylesheets } = assets;
    // Without a bundle the pages work all the same; an empty address would load the page once more.
    let bundle = (!js.href.is_empty()).then(|| {
        view! {
            <link rel="modulepreload" href=js.href integrity=js.integrity/>
            // Without integrity: browsers do not check it here and say so in the console.
            <link
                rel="preload"
                href=wasm.href
                r#as="fetch"
                r#type="application/wasm"
                crossorigin="anonymous"
            />
            <script r#type="module" nonce=use_nonce()>
                {loader}
            </script>
        }
    });
    view! {
        <!DOCTYPE html>
        <html lang=language.tag()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#f7f8fa" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#0f1014" media="(prefers-color-scheme: dark)"/>
                <meta name="robots" content="noindex"/>
                <link rel="preload" href="/fonts/inter-f80bb070.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" href=stylesheet_path()/>
                {stylesheets
                    .into_iter()
                    .map(|sheet| view! { <link rel="stylesheet" href=sheet.href integrity=sheet.integrity/> })
                    .collect_view()}
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
                <link rel="icon" href="/favicon.ico" sizes="32x32"/>
                <link rel="apple-touch-icon" href="/apple-touch-icon.png"/>
                {bundle}
                <script r#type="speculationrules" nonce=use_nonce()>
                    {PREFETCH}
                </script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
    // The server must not compile the type of every page once more.
    .into_any()
}

/// Starts the bundle. A module is deferred, so the page is complete when this runs. Without script, or if the bundle
/// does not arrive, the page stays as the server sent it: every form works.
fn loader(assets: &Assets) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string().replace('<', "\\u003c");
    format!(
        "import init, {{ hydrate }} from {};\nawait init({{ module_or_path: {} }});\nhydrate();",
        quoted(&assets.js.href),
        quoted(&assets.wasm.href),
    )
}
