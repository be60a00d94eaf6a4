//! Style sheets without what nobody reads. Also read by `cargo xtask test`, which weighs what is served.

/// Drops comments and all space that CSS does not need. For our own sheets only: it knows no strings that hold `/*`,
/// braces or runs of space.
pub fn minify(css: &str) -> String {
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
    fn a_sheet_loses_what_it_does_not_need() {
        let css =
            "/* a */\n.a,\n.b > .c {\n  width: calc(1px - 2px);\n  color: red;\n}\n/* b */ .d :focus { top: 0; }\n";
        assert_eq!(minify(css), ".a,.b>.c{width:calc(1px - 2px);color:red}.d :focus{top:0}");
    }
}
