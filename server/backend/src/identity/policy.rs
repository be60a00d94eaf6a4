//! What a new password must be, and what hashing it costs.

use shutterpost_model::error::Code;
use shutterpost_model::identity;
use shutterpost_vault::password::{Params, PasswordError};
use zxcvbn::Score;

use super::blocklist;

/// The cost of password hashes. Hashes of a lower cost are renewed when their owner signs in.
#[derive(Debug, Clone, Copy, Default)]
pub struct PasswordPolicy {
    params: Params,
}

impl PasswordPolicy {
    /// The least that may be configured, for small machines and tests.
    pub const FLOOR: Self = Self { params: Params::FLOOR };

    /// Argon2id with so many KiB of memory, passes and lanes. The default is 65536, 2 and 1.
    ///
    /// # Errors
    /// The values are below the floor (19456, 2, 1) or beyond reason; the text says the bounds.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, PasswordError> {
        Params::new(memory_kib, passes, lanes).map(|params| Self { params })
    }

    pub(super) const fn params(self) -> Params {
        self.params
    }
}

/// Judges a new password by length, block-list and how hard it is to guess for somebody who knows the `personal` words
/// (name, address, organisation). Takes milliseconds of CPU: call it off the async threads.
pub(super) fn judge(password: &str, personal: &[String]) -> Result<(), Code> {
    identity::password_length(password)?;
    let mut words = vec!["shutterpost".to_owned()];
    for text in personal {
        let text = text.to_lowercase();
        // Parts of names and addresses count by themselves; single letters would only make good passwords look bad.
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 2);
        words.extend(parts.map(str::to_owned));
        words.push(text);
    }
    let known: Vec<&str> = words.iter().map(String::as_str).collect();
    let guessable = blocklist::contains(password)
        || is_made_of(password, &known)
        || zxcvbn::zxcvbn(password, &known).score() < Score::Three;
    if guessable { Err(Code::PasswordWeak) } else { Ok(()) }
}

/// Whether little else is left when known words are taken out of a password; spaces between them hide them from zxcvbn.
fn is_made_of(password: &str, words: &[&str]) -> bool {
    /// Letters and digits that must be left.
    const LEAST: usize = 8;
    let mut longest_first = words.to_vec();
    longest_first.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let whole = password.to_lowercase();
    let rest = longest_first
        .into_iter()
        .filter(|word| !word.is_empty())
        .fold(whole.clone(), |rest, word| rest.replace(word, " "));
    rest != whole && rest.chars().filter(|c| c.is_alphanumeric()).count() < LEAST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessable_passwords_are_refused() {
        let personal = ["Annemarie Schwarzenbach".to_owned(), "annemarie@grandhotel-lausanne.example".to_owned()];
        for (password, verdict) in [
            ("short", Err(Code::PasswordShort)),
            ("qwerty123456789", Err(Code::PasswordWeak)),
            ("QWERTY123456789", Err(Code::PasswordWeak)),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", Err(Code::PasswordWeak)),
            ("passwordpassword", Err(Code::PasswordWeak)),
            ("annemarieschwarzenbach", Err(Code::PasswordWeak)),
            ("shutterpostlausanne", Err(Code::PasswordWeak)),
            ("grandhotelgrandhotel", Err(Code::PasswordWeak)),
            ("Annemarie Lausanne Annemarie 12", Err(Code::PasswordWeak)),
            ("Annemarie and the tin soldiers", Ok(())),
            // Two words of which neither is rare: just hard enough.
            ("lavender rooftop", Ok(())),
            ("tulip carousel nineteen ferry", Ok(())),
            ("Überquerung der Beresina im Nebel", Ok(())),
        ] {
            assert_eq!(judge(password, &personal), verdict, "{password}");
        }
        assert_eq!(judge(&"xK4!".repeat(100), &personal), Err(Code::PasswordLong));
    }

    #[test]
    fn two_letters_of_a_name_make_no_good_password_look_bad() {
        let personal = ["Bo Li".to_owned(), "bo@li.de.example".to_owned()];
        assert_eq!(judge("debonair bolide lido limbo", &personal), Ok(()));
    }

    #[test]
    fn eight_letters_of_ones_own_are_enough_beside_known_words() {
        assert!(is_made_of("annemarie abc1234", &["annemarie"]));
        assert!(!is_made_of("annemarie abc12345", &["annemarie"]));
        assert!(!is_made_of("abc", &["annemarie", ""]), "nothing known is in it");
    }

    #[test]
    fn case_100_the_longest_password_is_taken_and_one_more_letter_is_not() {
        let words = "tulip carousel nineteen ferry müde ";
        let letters = |count: usize| words.chars().cycle().take(count).collect::<String>();
        assert_eq!(judge(&letters(256), &[]), Ok(()));
        assert_eq!(judge(&letters(257), &[]), Err(Code::PasswordLong));
        // Letters count, up to four bytes each.
        let wide = "\u{1f4f7}\u{1f41d}\u{1f33b}\u{26f5}\u{1f3ba}".chars().cycle();
        assert_ne!(judge(&wide.clone().take(256).collect::<String>(), &[]), Err(Code::PasswordLong));
        assert_eq!(judge(&wide.take(257).collect::<String>(), &[]), Err(Code::PasswordLong));
    }

    #[test]
    fn weaker_hashing_than_the_floor_is_refused() {
        assert!(PasswordPolicy::new(19_455, 2, 1).is_err());
        assert!(PasswordPolicy::new(19_456, 2, 1).is_ok());
    }
}
