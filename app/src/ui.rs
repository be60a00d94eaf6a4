//! The design system: components on native elements, so that labels, focus, keyboard and forms work without script.
//! It knows no feature. Styles are in `style/ui`, all values in `style/tokens.css`; no component writes a `style`
//! attribute, because the content security policy refuses it. What script adds to them is in [`alive`].
//!
//! | component | for | props (`?` = optional) |
//! | --- | --- | --- |
//! | [`Button`] | acting in the browser | `on_press: Callback<()>`, `tone?`, `icon?`, `disabled?`, `label?` (icon only), children |
//! | [`Submit`] | sending a form | `intent?`, `tone?`, `icon?`, `form?`, `label?`, children |
//! | [`ButtonLink`] | going somewhere | `href`, `tone?`, `icon?`, `external?`, `label?`, `key?`, children |
//! | [`DialogButton`] | opening a dialog | `dialog` (its id), `tone?`, `icon?`, `label?`, children |
//! | [`Dialog`] | asking before acting | `id`, `title`, children; end with [`DialogActions`] |
//! | [`Field`] | one line of input | `name`, `label`, `kind?` (`type`), `value?`, `hint?`, `error?`, `required?`, `autocomplete?`, `min?`, `max?`, `accept?`, `form?`, `placeholder?`, `autofocus?`, `readonly?`, `multiple?` |
//! | [`PasswordField`] | a password, with a show button | `name`, `label`, `hint?`, `error?`, `autocomplete` |
//! | [`TextArea`] | several lines; escapes on the server | `name`, `label`, `value?`, `rows?`, `hint?`, `error?`, `required?`, `readonly?`, `code?` |
//! | [`Select`] | one of a few | `name`, `label`, `options: Vec<Choice>`, `value?`, `hint?`, `error?` |
//! | [`Checkbox`] | yes or no | `name`, `label`, `checked?`, `value?`, `hint?`, `error?` |
//! | [`Menu`] | rare actions of a row | `id`, `label`, `icon?`, children: `<a>`, `<button>` or forms |
//! | [`Tabs`] | siblings of a page | `label`, `tabs: Vec<Tab>` |
//! | [`Chips`] | filters | `label`, `tabs: Vec<Tab>` |
//! | [`Table`] | rows | `label`, `columns: Vec<Column>`, children: `<tr>`s |
//! | [`LoadMore`] | next page of a list | `href`, `busy?`, `on_press?` |
//! | [`EmptyState`] | a list without entries | `art`, `title`, `text`, children? (the next step) |
//! | [`Badge`] | a state | `meaning?`, children |
//! | [`Banner`], [`ErrorBanner`] | what concerns the whole page | `meaning?`, children; `text`, `request_id?` |
//! | [`Toast`] | a short confirmation | `text`, `action?` |
//! | [`CopyButton`] | copying a value | `text`, `label?`, `icon_only?` |
//! | [`Time`] | an instant | `at`, `relative?` |
//! | [`Icon`] | line art | `name` |
//! | [`Spinner`], [`Skeleton`] | waiting, for pictures | – |
//! | [`PageTitle`] | the document's title | `text` |
//! | [`PageHead`] | heading and primary action | `title`, `subtitle?`, children? |

pub mod alive;
mod badge;
mod banner;
mod button;
mod copy;
mod dialog;
mod empty;
mod escape;
mod field;
mod icon;
mod menu;
mod page;
mod select;
mod table;
mod tabs;
mod text_area;
mod time;
mod toast;
mod wait;

#[cfg(test)]
mod tests;

pub use badge::{Badge, Meaning};
pub use banner::{Banner, ErrorBanner};
pub use button::{Button, ButtonLink, Submit, Tone};
pub use copy::CopyButton;
pub use dialog::{AskDialog, Dialog, DialogActions, DialogButton};
pub use empty::{Art, EmptyState};
pub use escape::escape;
pub use field::{Field, PasswordField};
pub use icon::{Icon, IconName};
pub use menu::Menu;
pub use page::{PageHead, PageTitle};
pub use select::{Checkbox, Choice, Select};
pub use table::{Column, LoadMore, Table};
pub use tabs::{Chips, Tab, Tabs};
pub use text_area::TextArea;
pub use time::Time;
pub use toast::Toast;
pub use wait::{Skeleton, Spinner};

/// A text from the catalogue or made from one.
pub type Text = leptos::oco::Oco<'static, str>;
