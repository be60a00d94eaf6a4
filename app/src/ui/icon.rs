//! The icons: line art on a 24 px grid in the colour of the text around them.

use leptos::prelude::*;

macro_rules! icons {
    ($($name:ident = $paths:literal;)+) => {
        /// What an icon shows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum IconName { $($name,)+ }

        impl IconName {
            /// All icons, for the test that draws them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            const fn paths(self) -> &'static str {
                match self { $(Self::$name => $paths,)+ }
            }
        }
    };
}

icons! {
    Overview = r#"<path d="M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z"/>"#;
    Calendar = r#"<rect x="4" y="5" width="16" height="15" rx="2"/><path d="M4 10h16M8 3v4M16 3v4"/>"#;
    Camera = r#"<path d="M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z"/><circle cx="12" cy="13" r="3.5"/>"#;
    Picture = r#"<rect x="3" y="4" width="18" height="16" rx="2"/><circle cx="8.5" cy="9.5" r="1.5"/><path d="m4 18 5-5 4 4 3-3 4 4"/>"#;
    Mail = r#"<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m4 7 8 6 8-6"/>"#;
    Person = r#"<circle cx="12" cy="8" r="4"/><path d="M4 20c1-4 4-5.5 8-5.5s7 1.5 8 5.5"/>"#;
    People = r#"<circle cx="9" cy="8.5" r="3.5"/><path d="M2.5 19.5c.8-3.6 3.2-5 6.5-5s5.7 1.4 6.5 5M15.5 5.3a3.5 3.5 0 0 1 0 6.4M17.5 14.8c2.2.6 3.5 2 4 4.7"/>"#;
    Key = r#"<circle cx="8" cy="15" r="4"/><path d="m11 12 8.5-8.5M16 7l3 3M13.5 9.5l2 2"/>"#;
    Shield = r#"<path d="M12 3 5 6v5c0 4.5 2.8 8 7 10 4.2-2 7-5.5 7-10V6z"/><path d="m9 12 2 2 4-4"/>"#;
    Lock = r#"<rect x="5" y="10.5" width="14" height="9.5" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2"/>"#;
    SignIn = r#"<path d="M14 4h4a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1h-4M10 16l4-4-4-4M14 12H4"/>"#;
    History = r#"<path d="M4 12a8 8 0 1 0 2.5-5.8M4 4v4.5h4.5"/><path d="M12 8v4l3 2"/>"#;
    Settings = r#"<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="2.5"/><circle cx="8" cy="17" r="2.5"/>"#;
    Brush = r#"<path d="M20 4c-5 2-9 6-10.5 9.5l2.5 2.5C15.5 14 19 9.5 20 4zM9 14c-2.5 0-3.5 1.5-3.5 3.5S4.5 20 3.5 20.5c3.5.8 8 .2 8-4.5"/>"#;
    Device = r#"<rect x="6" y="3" width="12" height="18" rx="2"/><path d="M10.5 17.5h3"/>"#;
    Link = r#"<path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1"/>"#;
    Copy = r#"<rect x="8" y="8" width="12" height="12" rx="2"/><path d="M16 8V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3"/>"#;
    Check = r#"<path d="m5 12.5 4.5 4.5L19 7.5"/>"#;
    Close = r#"<path d="m6 6 12 12M18 6 6 18"/>"#;
    Plus = r#"<path d="M12 5v14M5 12h14"/>"#;
    Trash = r#"<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5"/>"#;
    Shred = r#"<path d="M6 11V4h9l3 3v4M3.5 11h17v4h-17zM7 15v5M12 15v5M17 15v5"/>"#;
    Restore = r#"<path d="M9 14 4 9l5-5"/><path d="M4 9h10a6 6 0 0 1 0 12h-3"/>"#;
    Upload = r#"<path d="M12 16V4M7 9l5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3"/>"#;
    Download = r#"<path d="M12 4v12M7 11l5 5 5-5M4 19.5h16"/>"#;
    Play = r#"<path d="M8 5v14l11-7z"/>"#;
    Eye = r#"<path d="M2.5 12C5 7.5 8.3 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.8 6.5-9.5 6.5S5 16.5 2.5 12z"/><circle cx="12" cy="12" r="3"/>"#;
    EyeOff = r#"<path d="M9.9 5.7A10 10 0 0 1 12 5.5c3.7 0 7 2 9.5 6.5a16 16 0 0 1-2.7 3.6M6.5 7.4A14 14 0 0 0 2.5 12c2.5 4.5 5.8 6.5 9.5 6.5 1.7 0 3.3-.4 4.8-1.3M4 4l16 16"/>"#;
    Search = r#"<circle cx="11" cy="11" r="6"/><path d="m20 20-4.5-4.5"/>"#;
    Filter = r#"<path d="M4 6h16M7 12h10M10 18h4"/>"#;
    More = r#"<circle cx="5" cy="12" r="1"/><circle cx="12" cy="12" r="1"/><circle cx="19" cy="12" r="1"/>"#;
    ChevronDown = r#"<path d="m6 9 6 6 6-6"/>"#;
    ChevronLeft = r#"<path d="m15 6-6 6 6 6"/>"#;
    ChevronRight = r#"<path d="m9 6 6 6-6 6"/>"#;
    External = r#"<path d="M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5"/>"#;
    Send = r#"<path d="M21 3 10 14M21 3l-7 18-4-7-7-4z"/>"#;
    Warning = r#"<path d="M12 4 2.5 20h19zM12 10v4M12 17h.01"/>"#;
    Info = r#"<circle cx="12" cy="12" r="9"/><path d="M12 11v5M12 8h.01"/>"#;
    SignOut = r#"<path d="M10 4H5a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h5M15 8l4 4-4 4M19 12H9"/>"#;
    Organisation = r#"<path d="M4 21V5a1 1 0 0 1 1-1h8a1 1 0 0 1 1 1v16M14 10h5a1 1 0 0 1 1 1v10M2.5 21h19M8 8h2M8 12h2M8 16h2"/>"#;
    Clock = r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>"#;
    Qr = r#"<rect x="4" y="4" width="6" height="6"/><rect x="14" y="4" width="6" height="6"/><rect x="4" y="14" width="6" height="6"/><path d="M14 14h2v2h-2zM20 14v.01M20 18v2h-2M14 20h.01"/>"#;
}

/// An icon. It says nothing to screen readers: the control around it has a text or an `aria-label`.
#[component]
pub fn Icon(name: IconName) -> impl IntoView {
    view! {
        <svg
            class="icon"
            viewBox="0 0 24 24"
            width="20"
            height="20"
            fill="none"
            stroke="currentColor"
            stroke-width="1.75"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            inner_html=name.paths()
        ></svg>
    }
}
