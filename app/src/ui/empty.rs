//! A list without entries: what is missing, and what to do next.

use leptos::prelude::*;

use super::Text;

/// The drawing above the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Art {
    /// Framed pictures.
    Pictures,
    /// An envelope on its way.
    Letter,
    /// Two people.
    People,
    /// A key on a ring.
    Key,
    /// A page of entries.
    Record,
    /// A calendar page.
    Calendar,
    /// A signpost, for addresses that lead nowhere.
    Signpost,
    /// A locked door.
    Door,
    /// A cable out of its socket.
    Unplugged,
    /// An empty trash.
    Bin,
}

impl Art {
    const fn paths(self) -> &'static str {
        match self {
            Self::Pictures => {
                r#"<rect class="art-soft" x="22" y="14" width="64" height="48" rx="4" transform="rotate(-6 54 38)"/><rect class="art-paper" x="34" y="24" width="64" height="48" rx="4"/><circle cx="52" cy="41" r="5"/><path d="m38 67 18-16 13 11 11-9 14 13"/>"#
            }
            Self::Letter => {
                r#"<path class="art-soft" d="M12 36h14M6 48h18M16 60h10"/><rect class="art-paper" x="34" y="24" width="66" height="46" rx="4"/><path d="m36 27 31 25 31-25M36 67l21-20M98 67 77 47"/>"#
            }
            Self::People => {
                r#"<circle class="art-soft" cx="78" cy="32" r="11"/><path class="art-soft" d="M64 72c0-14 6-21 15-21s17 7 17 21"/><circle class="art-paper" cx="48" cy="34" r="13"/><path class="art-paper" d="M24 76c0-17 10-25 24-25s24 8 24 25z"/>"#
            }
            Self::Key => {
                r#"<circle class="art-soft" cx="34" cy="34" r="20"/><circle class="art-paper" cx="46" cy="50" r="16"/><circle cx="42" cy="54" r="4"/><path d="m57 39 35-27M78 23l9 11M70 29l6 8"/>"#
            }
            Self::Record => {
                r#"<rect class="art-soft" x="28" y="12" width="54" height="66" rx="4" transform="rotate(5 55 45)"/><rect class="art-paper" x="32" y="12" width="54" height="66" rx="4"/><path d="M42 26h6M54 26h22M42 40h6M54 40h16M42 54h6M54 54h22M42 68h6M54 68h10"/>"#
            }
            Self::Calendar => {
                r#"<rect class="art-soft" x="24" y="14" width="66" height="58" rx="4" transform="rotate(-5 57 43)"/><rect class="art-paper" x="28" y="20" width="66" height="56" rx="4"/><path d="M28 36h66M44 14v12M78 14v12M42 49h8M57 49h8M72 49h8M42 63h8M57 63h8"/>"#
            }
            Self::Signpost => {
                r#"<path class="art-soft" d="M30 80h60"/><path d="M60 12v68"/><path class="art-paper" d="M34 20h44l8 8-8 8H34z"/><path class="art-paper" d="M86 44H50l-8 8 8 8h36z"/>"#
            }
            Self::Door => {
                r#"<path class="art-soft" d="M22 78h76"/><path class="art-paper" d="M38 12h44v66H38z"/><path d="M46 20h28v22H46zM46 50h28v20H46z"/><circle cx="76" cy="46" r="2.5"/>"#
            }
            Self::Bin => {
                r#"<path class="art-soft" d="M20 80h80"/><path class="art-paper" d="m40 30 5 50h30l5-50z"/><path d="M34 30h52M50 30v-8h20v8M52 42l2 28M68 42l-2 28M60 42v28"/><path class="art-soft" d="M94 22c8 2 12 8 12 16M106 38l-5-5M106 38l4-6"/>"#
            }
            Self::Unplugged => {
                r#"<path class="art-soft" d="M4 62c18 0 14-22 32-22"/><path class="art-paper" d="M36 30h18v20H36z"/><path d="M54 35h10M54 45h10"/><path class="art-paper" d="M74 30h16v20H74z"/><path class="art-soft" d="M90 40c16 0 12 22 26 22"/><path d="m68 20 2 6M62 18l1 5M68 62l2-6M62 64l1-5"/>"#
            }
        }
    }
}

/// An empty list, or an error instead of a page. The children are the next step, usually a [`super::ButtonLink`].
#[component]
pub fn EmptyState(
    art: Art,
    #[prop(into)] title: Text,
    #[prop(into)] text: Text,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <section class="empty">
            <svg
                class="empty-art"
                viewBox="0 0 120 88"
                width="120"
                height="88"
                fill="none"
                stroke="currentColor"
                stroke-width="1.5"
                stroke-linecap="round"
                stroke-linejoin="round"
                aria-hidden="true"
                inner_html=art.paths()
            ></svg>
            <h2 class="empty-title">{title}</h2>
            <p class="empty-text">{text}</p>
            {children.map(|children| view! { <div class="empty-action">{children()}</div> })}
        </section>
    }
}
