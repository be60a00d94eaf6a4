//! Line icons of the share page, and the marks of the places people share to (Simple Icons, CC0).

use leptos::prelude::*;

/// The `d` of a 24 × 24 path.
#[derive(Debug, Clone, Copy)]
pub enum Icon {
    /// Drawn as a line 1.75 wide.
    Line(&'static str),
    /// Filled.
    Mark(&'static str),
}

pub const SAVE: Icon = Icon::Line("M12 3.5v11.5m-5-4.5 5 5 5-5M4.5 20.5h15");
pub const SHARE: Icon = Icon::Line("M12 15V3.5m-4.5 4 4.5-4.5 4.5 4.5M8 10.5H5.5v10h13v-10H16");
pub const MAIL: Icon = Icon::Line("M3.5 5.5h17v13h-17zm.5.5 8 6.5L20 6");
pub const LINK: Icon = Icon::Line(
    "M10 13.5a4 4 0 0 0 6 .4l3-3a4.2 4.2 0 0 0-6-6l-1.6 1.6M14 10.5a4 4 0 0 0-6-.4l-3 3a4.2 4.2 0 0 0 6 6l1.6-1.6",
);
pub const APPS: Icon = Icon::Line("M5.5 12h.01M12 12h.01M18.5 12h.01");
pub const NO_PHOTO: Icon = Icon::Line("M4 4.5h16v15H4zm0 11 4.5-4.5 4 4 2.5-2.5 5 5M15.5 9h.01");
pub const DONE: Icon = Icon::Line("m5 12.5 4.5 4.5L19 7.5");
pub const TROUBLE: Icon = Icon::Line("M12 7.5v6m0 3.5h.01M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19z");

pub const WHATSAPP: Icon = Icon::Mark(
    "M17.47 14.38c-.3-.15-1.76-.87-2.03-.97-.27-.1-.47-.15-.67.15-.2.3-.77.97-.94 1.16-.17.2-.35.22-.64.08-.3-.15-1.26-.46-2.39-1.48-.89-.79-1.48-1.76-1.65-2.06-.18-.3-.02-.46.12-.61.14-.13.3-.34.45-.52.15-.17.2-.3.3-.5.1-.2.05-.37-.03-.52-.07-.15-.66-1.61-.91-2.2-.24-.58-.49-.5-.67-.51-.17-.01-.37-.01-.57-.01-.2 0-.52.07-.8.37-.26.3-1.03 1.02-1.03 2.48s1.06 2.87 1.21 3.07c.15.2 2.1 3.2 5.08 4.49.7.3 1.26.49 1.69.62.71.23 1.36.2 1.87.12.57-.08 1.76-.72 2-1.41.25-.7.25-1.29.18-1.42-.08-.12-.27-.2-.57-.34m-5.42 7.4a9.87 9.87 0 0 1-5.03-1.37l-.36-.22-3.74.99 1-3.65-.24-.38a9.86 9.86 0 0 1-1.51-5.26 9.9 9.9 0 0 1 9.88-9.88 9.82 9.82 0 0 1 9.88 9.9 9.9 9.9 0 0 1-9.88 9.87m8.41-18.3A11.82 11.82 0 0 0 12.05 0 11.9 11.9 0 0 0 .16 11.9c0 2.09.54 4.13 1.58 5.94L.06 24l6.3-1.65a11.88 11.88 0 0 0 5.69 1.44A11.9 11.9 0 0 0 20.46 3.5Z",
);
pub const FACEBOOK: Icon = Icon::Mark(
    "M9.1 23.69v-7.98H6.63v-3.67H9.1v-1.58c0-4.08 1.85-5.98 5.86-5.98.4 0 .95.05 1.47.11.38.04.77.11 1.14.19v3.33a8.62 8.62 0 0 0-.65-.04h-.74c-.7 0-1.26.09-1.67.3-.28.15-.52.36-.68.63-.26.42-.37 1-.37 1.75v1.3h3.92l-.39 2.1-.29 1.56h-3.25v8.25A12 12 0 1 0 0 12.04c0 5.63 3.87 10.35 9.1 11.65Z",
);
pub const X: Icon = Icon::Mark(
    "M14.23 10.16 22.98 0H20.9l-7.6 8.82L7.26 0h-7l9.17 13.34L.26 24h2.07l8.02-9.32L16.75 24h6.99Zm-2.83 3.3-.93-1.33-7.4-10.57h3.19l5.96 8.53.93 1.33 7.76 11.09h-3.19Z",
);
pub const LINKEDIN: Icon = Icon::Mark(
    "M20.45 20.45h-3.56v-5.57c0-1.33-.02-3.04-1.85-3.04s-2.14 1.45-2.14 2.94v5.67H9.35V9h3.41v1.56h.05c.48-.9 1.64-1.85 3.37-1.85 3.6 0 4.27 2.37 4.27 5.46ZM5.34 7.43a2.06 2.06 0 1 1 0-4.13 2.06 2.06 0 0 1 0 4.13Zm1.78 13.02H3.56V9h3.56Z",
);

/// An icon beside a text that says the same; hidden from screen readers.
pub fn icon(icon: Icon) -> impl IntoView {
    let (class, path) = match icon {
        Icon::Line(path) => ("line", path),
        Icon::Mark(path) => ("mark", path),
    };
    view! { <svg class=class viewBox="0 0 24 24" aria-hidden="true"><path d=path></path></svg> }
}
