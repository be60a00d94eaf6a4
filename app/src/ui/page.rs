//! The title of the document and the head of a page.

use leptos::prelude::*;

use super::Text;

/// The product's name at the end of every title.
const PRODUCT: &str = "Shutterpost";

/// Names the place: "Summer party · Shutterpost" in the tab.
#[component]
pub fn PageTitle(#[prop(into)] text: Text) -> impl IntoView {
    let title = format!("{text} · {PRODUCT}");
    // leptos_meta 0.8 writes the title into the page as it is, so what users typed must be escaped here. It is called
    // for that effect alone; in the browser a line of our own is smaller than the crate.
    #[cfg(feature = "ssr")]
    drop(leptos_meta::Title(leptos_meta::TitleProps::builder().text(super::escape(&title)).build()));
    #[cfg(not(feature = "ssr"))]
    Effect::new(move |_| document().set_title(&title));
}

/// The heading of a page, with its one primary action (and others) at the end of the line.
#[component]
pub fn PageHead(
    #[prop(into)] title: Text,
    #[prop(default = None)] subtitle: Option<Text>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="page-head">
            <div class="page-head-text">
                <h1 class="page-title">{title}</h1>
                {subtitle.map(|subtitle| view! { <p class="page-subtitle">{subtitle}</p> })}
            </div>
            {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
        </header>
    }
}
