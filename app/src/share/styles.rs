//! The styles inside the page: one sheet for all pages, and a handful of values for each event. Each is a `<style>` of
//! its own whose hash the CSP names, so that no inline style is allowed otherwise.

use std::sync::LazyLock;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::palette::{Button, Palette};
use crate::minify::minify;

/// `style/share.css` without comments and superfluous space.
pub fn sheet() -> &'static str {
    static SHEET: LazyLock<String> = LazyLock::new(|| minify(include_str!("../../../style/share.css")));
    &SHEET
}

/// The CSP source of the sheet that all pages share: `sha256-…`.
pub fn style_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| source(sheet()));
    &HASH
}

/// The CSP source of a style or script: `sha256-…`.
pub fn source(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(&sha256(text)))
}

pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The values of one event and one photo. Numbers, colours and the blurred idea of the photo ([`super::photo::idea`]) only:
/// nothing that anybody typed gets here.
pub fn values(palette: &Palette, photo: (i32, i32), idea: Option<&str>) -> String {
    let scheme = if palette.is_dark() { "dark" } else { "light" };
    let (width, height) = (photo.0.max(1), photo.1.max(1));
    // Where the photo will be, until it is there.
    let idea = idea.map(|idea| format!(".photo{{background-image:url({idea})}}")).unwrap_or_default();
    let Palette { backdrop, panel, ink, soft, line, quiet, quiet_ink, accent, danger } = palette;
    format!(
        ":root{{color-scheme:{scheme};--backdrop:{backdrop};--panel:{panel};--ink:{ink};--soft:{soft};--line:{line};\
         --quiet:{quiet};--quiet-ink:{quiet_ink};{}{}--ratio:{width}/{height};--width:{width}px}}{idea}",
        button("accent", accent),
        button("danger", danger),
    )
}

fn button(name: &str, Button { fill, edge, ink }: &Button) -> String {
    format!("--{name}:{fill};--{name}-edge:{edge};--{name}-ink:{ink};")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_cannot_end_its_element() {
        assert!(!sheet().contains('<'));
        assert!(!sheet().contains("/*"));
    }
}
