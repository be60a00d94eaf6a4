//! Second factors: codes of an authenticator app (TOTP, RFC 6238) and recovery codes. What they are; who has which is in
//! `queries::factors`, what they are shown for in `service`.

use shutterpost_model::identity::security::{RECOVERY_CODES, TotpSetup};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::Millis;
use shutterpost_vault::keys::Keys;
use totp_rs::{Builder, Secret as TotpSecret, Totp};

use crate::context::World;
use crate::error::Failure;

/// The name under which apps list the account.
const ISSUER: &str = "Shutterpost";
/// RFC 4226 recommends 160 bits.
const SECRET_BYTES: usize = 20;

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(format!("a secret of an authenticator app does not read: {error}"))
}

/// A new secret, as base32.
pub(crate) fn new_secret(world: &World) -> Secret {
    Secret::new(TotpSecret::new_stack(world.bytes::<SECRET_BYTES>()).to_base32())
}

/// SHA-1, six digits, 30 seconds, one step of tolerance: many apps silently ignore anything else.
fn totp(secret: &Secret, account: &str) -> Result<Totp, Failure> {
    let secret = TotpSecret::try_from_base32(secret.expose()).map_err(broken)?;
    let builder = Builder::new().with_secret(secret).with_account_name(account).with_issuer(Some(ISSUER));
    builder.build().map_err(broken)
}

/// What the person's app needs.
pub(crate) fn setup(secret: Secret, email: &Pii<String>) -> Result<TotpSetup, Failure> {
    // A colon parts issuer and account in the address; the local part of a mail address may hold one when quoted.
    let account = email.expose().replace(':', " ");
    let uri = totp(&secret, &account)?.to_url().map_err(broken)?;
    Ok(TotpSetup { secret, uri: Secret::new(uri) })
}

/// What somebody typed as a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Six digits.
    Code(String),
    Recovery(RecoveryCode),
}

impl Shown {
    /// Spaces and hyphens are as people like them; full-width and other digits are no digits.
    pub(crate) fn read(typed: &Secret) -> Option<Self> {
        let text: String = typed.expose().chars().filter(|c| !matches!(c, ' ' | '-')).take(64).collect();
        if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Self::Code(text));
        }
        RecoveryCode::read(&text).map(Self::Recovery)
    }
}

/// The time step of a right code; each step's code is good once, which its caller sees to.
pub(crate) fn step_of(secret: &Secret, code: &str, now: Millis) -> Result<Option<i64>, Failure> {
    let seconds = u64::try_from(now.0 / 1000).map_err(broken)?;
    let step = totp(secret, "")?.check(code, seconds);
    step.map(i64::try_from).transpose().map_err(broken)
}

/// The code that an app shows at that time.
#[cfg(test)]
pub(crate) fn code_at(secret: &Secret, now: Millis) -> String {
    let seconds = u64::try_from(now.0 / 1000).expect("after 1970");
    totp(secret, "").expect("a secret").generate(seconds).to_string()
}

/// A recovery code: 4 characters to find it by and 16 (80 bits) to prove it, without i, l, o and u.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RecoveryCode {
    selector: String,
    rest: String,
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode")
    }
}

const SELECTOR: usize = 4;
const REST: usize = 16;
/// Crockford's: what can be mistaken for one another is not in it.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl RecoveryCode {
    fn read(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase().replace(['i', 'l'], "1").replace('o', "0");
        let right = text.len() == SELECTOR + REST && text.bytes().all(|b| ALPHABET.contains(&b));
        let (selector, rest) = right.then(|| text.split_at(SELECTOR))?;
        Some(Self { selector: selector.to_owned(), rest: rest.to_owned() })
    }

    pub(crate) fn selector(&self) -> &str {
        &self.selector
    }

    /// What the database keeps. A keyed hash of 80 random bits: there is nothing that stretching would make harder.
    pub(crate) fn hash(&self, keys: &Keys, user: &str) -> [u8; 32] {
        keys.lookup_in("recovery", user, format!("{}{}", self.selector, self.rest).as_bytes())
    }

    /// For the page that shows it once.
    fn reveal(&self) -> Secret {
        let text = format!("{}{}", self.selector, self.rest);
        let groups: Vec<&str> = text.as_bytes().chunks(4).filter_map(|part| std::str::from_utf8(part).ok()).collect();
        Secret::new(groups.join("-"))
    }
}

/// A set of recovery codes with selectors of their own, and how they are shown.
pub(crate) fn recovery_codes(world: &World) -> (Vec<RecoveryCode>, Vec<Secret>) {
    let mut codes: Vec<RecoveryCode> = Vec::with_capacity(RECOVERY_CODES);
    while codes.len() < RECOVERY_CODES {
        let random: [u8; SELECTOR + REST] = world.bytes();
        // 32 divides 256, so each character is as likely as the others.
        let characters = random.iter().map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0'));
        let text: String = characters.map(char::from).collect();
        let (selector, rest) = text.split_at(SELECTOR);
        if codes.iter().all(|code| code.selector != selector) {
            codes.push(RecoveryCode { selector: selector.to_owned(), rest: rest.to_owned() });
        }
    }
    let shown = codes.iter().map(RecoveryCode::reveal).collect();
    (codes, shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        // The secret of RFC 6238, appendix B.
        Secret::new(TotpSecret::new_stack(*b"12345678901234567890").to_base32())
    }

    fn at(seconds: i64) -> Millis {
        Millis(seconds * 1000)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // Appendix B gives eight digits; six are its last six.
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            let step = step_of(&secret(), code, at(seconds)).expect("reads");
            assert_eq!(step, Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn one_step_to_either_side_is_taken_and_no_more() {
        // The code of the thirty seconds from 1 999 999 980 on.
        for (seconds, taken) in [
            (1_999_999_949, false),
            (1_999_999_950, true),
            (1_999_999_980, true),
            (2_000_000_039, true),
            (2_000_000_040, false),
        ] {
            let found = step_of(&secret(), "279037", at(seconds)).expect("reads");
            assert_eq!(found, taken.then_some(1_999_999_980 / 30), "{seconds}");
        }
    }

    #[test]
    fn only_six_digits_are_a_code() {
        let read = |text: &str| Shown::read(&Secret::new(text.into()));
        assert_eq!(read("123 456"), Some(Shown::Code("123456".into())));
        assert_eq!(read(" 123-456 "), Some(Shown::Code("123456".into())));
        for text in ["", "12345", "1234567", "１２３４５６", "12345a", "+12345", "12345\u{0}", "123456\u{200b}"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn recovery_codes_read_as_people_write_them() {
        let world = crate::testing::world();
        let (codes, shown) = recovery_codes(&world);
        assert_eq!(codes.len(), RECOVERY_CODES);
        for (code, shown) in codes.iter().zip(&shown) {
            assert_eq!(shown.expose().len(), 24);
            for typed in [shown.expose().to_owned(), shown.expose().to_uppercase().replace('-', " ")] {
                assert_eq!(Shown::read(&Secret::new(typed)), Some(Shown::Recovery(code.clone())));
            }
        }
        let selectors: std::collections::BTreeSet<&str> = codes.iter().map(RecoveryCode::selector).collect();
        assert_eq!(selectors.len(), RECOVERY_CODES);
    }

    #[test]
    fn the_address_for_the_app_names_account_and_issuer() {
        let setup = setup(secret(), &Pii::new("anna@nordlicht.example".into())).expect("an address");
        let uri = setup.uri.expose();
        assert!(uri.starts_with("otpauth://totp/Shutterpost:anna%40nordlicht.example?"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") && uri.contains("issuer=Shutterpost"), "{uri}");
    }
}
