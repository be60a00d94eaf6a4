//! What the browser adds to the HTML of the design system: copying, showing a password, dialogs where the browser does
//! not open them by itself, times in the reader's zone, the next rows of a list in place, keys. By attributes that the
//! components write, with one listener each at the document, so that it works for whatever stands on a page.
//!
//! | attribute | on | does |
//! | --- | --- | --- |
//! | `data-with-script`, `data-without-script` | anything | shown only with script, only without |
//! | `data-copy`, `data-copied` | button | copies the first, says the second |
//! | `data-shows-password`, `data-other-label` | button | shows the password field with this id |
//! | `data-closes` | button | removes the nearest element around it that fits the selector |
//! | `data-more` | link | adds the rows of the page it leads to |
//! | `data-sheet` | link | shows this sheet of the form and hides the others |
//! | `data-submits` | select | sends its form when chosen |
//! | `data-key` | link | is followed when the key is pressed |
//! | `data-at`, `data-relative` | time | is written in the reader's zone |
//! | `data-polls`, `data-polled` | anything with an id, the section around it | the first is taken anew from this address; the second, when the first says so no longer |
//! | `data-toast` | anything | goes after a while |

mod act;
mod dom;
mod form;
mod keys;
mod more;
mod polls;
mod time;
mod toast;

use leptos::prelude::document;

pub use dom::{all, nearest, set, set_hidden};
pub use form::typed_into;
pub use keys::{is_elsewhere, is_unmodified};
pub use time::localise;

/// Brings the page to life. Call once, after islands have taken over their HTML.
pub fn start() {
    for element in all("[data-with-script]") {
        set_hidden(&element, false);
    }
    for element in all("[data-without-script]") {
        set_hidden(&element, true);
    }
    act::listen();
    form::listen();
    keys::listen();
    time::listen();
    toast::start();
    polls::start();
    localise();
    // For style sheets and tests: from here on the page answers.
    if let Some(root) = document().document_element() {
        set(&root, "data-alive", Some(""));
    }
}
