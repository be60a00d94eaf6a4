//! What an error says to the reader.

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::language::Language;

use crate::texts;

/// Whether the log knows more about the error than the reader does, so that its id helps.
const fn is_ours(code: Code) -> bool {
    code.status() >= 500 || matches!(code, Code::BadRequest | Code::CrossSite | Code::Forbidden)
}

/// What the banner above a form says of an error.
pub fn banner(error: &AppError, language: Language) -> (&'static str, Option<String>) {
    (texts::error(error.code, language), error.request_id.clone().filter(|_| is_ours(error.code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_named_where_our_log_helps() {
        let mut error = AppError::new(Code::Internal);
        error.request_id = Some("req_1".into());
        assert_eq!(banner(&error, Language::English).1.as_deref(), Some("req_1"));
        error.code = Code::SignInFailed;
        assert_eq!(banner(&error, Language::English).1, None);
    }
}
