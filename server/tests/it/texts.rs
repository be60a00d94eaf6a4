//! Texts as approved: every error in every language.

use shutterpost_model::error::Code;
use shutterpost_model::language::Language;

#[test]
fn every_code_has_its_text_in_every_language() {
    let mut lines = Vec::new();
    for code in Code::ALL {
        for language in Language::ALL {
            let text = shutterpost_app::texts::error(*code, language).to_string();
            assert!(text.len() > 8, "{code} {}", language.tag());
            lines.push(format!("{code} {}: {text}", language.tag()));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
