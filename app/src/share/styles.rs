//! The styles inside the page: one sheet for all pages, and a handful of values for each event. Each is a `<style>` of
//! its own whose hash the CSP names, so that no inline style is allowed otherwise.

use std::sync::LazyLock;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::palette::{Button, Palette};

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

/// Drops comments and all space that CSS does not need. For our own sheet only: it knows no strings that hold `/*`,
/// braces or runs of space.
fn minify(css: &str) -> String {
    let mut bare = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);

    let mut small = String::with_capacity(bare.len());
    for word in bare.split_whitespace() {
        // `a :focus` and `calc(1px - 2px)` need their space; around these signs it means nothing.
        let joins = small.ends_with(['{', '}', ';', ',', ':', '>']) || word.starts_with(['{', '}', ';', ',', '>']);
        if !small.is_empty() && !joins {
            small.push(' ');
        }
        small.push_str(word);
    }
    small.replace(";}", "}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_loses_what_it_does_not_need() {
        let css =
            "/* a */\n.a,\n.b > .c {\n  width: calc(1px - 2px);\n  color: red;\n}\n/* b */ .d :focus { top: 0; }\n";
        assert_eq!(minify(css), ".a,.b>.c{width:calc(1px - 2px);color:red}.d :focus{top:0}");
    }

    #[test]
    fn the_sheet_cannot_end_its_element() {
        assert!(!sheet().contains('<'));
        assert!(!sheet().contains("/*"));
    }
}
