//! Passwords: Argon2id over the NFC form, stored as PHC strings. Every function here takes tens of milliseconds of CPU
//! and tens of megabytes: call it off the async threads and behind a semaphore.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Longer passwords are refused before any work is done with them.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a password cannot be hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// Weaker than [`Params::FLOOR`], or more than the machine should bear.
    #[error("these Argon2 parameters are out of bounds: memory 19456-1048576 KiB, passes 2-16, lanes 1-8")]
    OutOfBounds,
    /// The stored hash is not an Argon2id PHC string within bounds.
    #[error("the stored password hash is not one of ours")]
    Malformed,
}

/// The cost of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Default for Params {
    fn default() -> Params {
        Params::DEFAULT
    }
}

impl Params {
    /// 64 MiB, 2 passes, 1 lane.
    pub const DEFAULT: Params = Params { memory_kib: 65_536, passes: 2, lanes: 1 };
    /// The least that may be configured (OWASP's recommendation): 19 MiB, 2 passes, 1 lane.
    pub const FLOOR: Params = Params { memory_kib: 19_456, passes: 2, lanes: 1 };
    const CEILING: Params = Params { memory_kib: 1_048_576, passes: 16, lanes: 8 };

    /// Memory in KiB, number of passes, number of lanes.
    ///
    /// # Errors
    /// [`PasswordError::OutOfBounds`].
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Params, PasswordError> {
        let params = Params { memory_kib, passes, lanes };
        let bounded = params.at_least(Params::FLOOR) && Params::CEILING.at_least(params);
        if bounded { Ok(params) } else { Err(PasswordError::OutOfBounds) }
    }

    /// Memory in KiB, passes, lanes.
    pub(crate) fn parts(self) -> (u32, u32, u32) {
        (self.memory_kib, self.passes, self.lanes)
    }

    fn at_least(self, other: Params) -> bool {
        self.memory_kib >= other.memory_kib && self.passes >= other.passes && self.lanes >= other.lanes
    }

    fn argon2(self) -> Result<argon2::Params, PasswordError> {
        argon2::Params::new(self.memory_kib, self.passes, self.lanes, None).map_err(|_| PasswordError::OutOfBounds)
    }
}

/// What became of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The password is right.
    pub ok: bool,
    /// The password is right and was hashed at another cost than today's: hash it again and store that.
    pub rehash: bool,
}

const WRONG: Verified = Verified { ok: false, rehash: false };

/// Hashes a password. `salt` is 16 fresh random bytes. Returns a PHC string of about 100 ASCII characters.
///
/// # Errors
/// [`PasswordError::TooLong`].
pub fn hash(password: &str, params: Params, salt: [u8; 16]) -> Result<String, PasswordError> {
    let password = normalise(password)?;
    let hash: PasswordHash = argon2id()
        .hash_password_with_params(password.as_bytes(), &salt, params.argon2()?)
        .map_err(|_| PasswordError::OutOfBounds)?;
    Ok(hash.to_string())
}

/// Compares a password with a stored PHC string. `params` are today's, to say whether the hash should be renewed.
/// A password that is too long is wrong.
///
/// # Errors
/// [`PasswordError::Malformed`] if the stored string is not ours: damage or tampering, to be logged, not a wrong
/// password.
pub fn verify(password: &str, phc: &str, params: Params) -> Result<Verified, PasswordError> {
    let stored = PasswordHash::new(phc).map_err(|_| PasswordError::Malformed)?;
    let cost = argon2::Params::try_from(&stored).map_err(|_| PasswordError::Malformed)?;
    let cost = Params { memory_kib: cost.m_cost(), passes: cost.t_cost(), lanes: cost.p_cost() };
    // An absurd cost in a damaged or planted row would take the memory of the whole machine.
    let ours = stored.algorithm.as_str() == "argon2id" && stored.salt.is_some() && stored.hash.is_some();
    if !ours || !Params::CEILING.at_least(cost) {
        return Err(PasswordError::Malformed);
    }
    let Ok(password) = normalise(password) else { return Ok(WRONG) };
    let ok = argon2id().verify_password(password.as_bytes(), &stored).is_ok();
    Ok(Verified { ok, rehash: ok && cost != params })
}

/// Does the work of [`verify`] for an account that does not exist, so that the time of the answer does not tell.
/// Always wrong.
pub fn verify_unknown(password: &str, params: Params) -> Verified {
    // The result is of no interest and a password that is too long costs nothing in `verify` either.
    drop(hash(password, params, [0; 16]));
    WRONG
}

/// The key that Argon2id makes of a normalised passphrase. For keys, not for passwords to be compared.
pub(crate) fn stretch(text: &str, cost: Params, salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>, PasswordError> {
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.argon2()?);
    argon2.hash_password_into(text.as_bytes(), salt, key.as_mut()).map_err(|_| PasswordError::OutOfBounds)?;
    Ok(key)
}

/// Bounded first: combining characters make normalising a long text expensive.
pub(crate) fn normalise(password: &str) -> Result<Zeroizing<String>, PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::TooLong);
    }
    // NFC grows UTF-8 at most threefold; reserved at once, so that no copy is left behind in freed memory.
    let mut normalised = Zeroizing::new(String::with_capacity(password.len() * 3));
    normalised.extend(password.nfc());
    Ok(normalised)
}

fn argon2id() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, argon2::Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_password_is_right_and_no_other() {
        let phc = hash("correct horse", Params::FLOOR, [7; 16]).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(verify("correct horse", &phc, Params::FLOOR), Ok(Verified { ok: true, rehash: false }));
        assert_eq!(verify("correct horse", &phc, Params::DEFAULT), Ok(Verified { ok: true, rehash: true }));
        assert_eq!(verify("Correct horse", &phc, Params::DEFAULT), Ok(WRONG));
        assert_eq!(verify("", &phc, Params::FLOOR), Ok(WRONG));
        assert_eq!(verify_unknown("correct horse", Params::FLOOR), WRONG);
    }

    // argon2-cffi: low_level.hash_secret(b"correct horse", bytes([7]*16), 2, 19456, 1, 32, Type.ID)
    #[test]
    fn hashes_match_an_independent_computation() {
        assert_eq!(
            hash("correct horse", Params::FLOOR, [7; 16]).unwrap(),
            "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$cTLmpgKLeruU6za+t2cUZ3fNfHVCYhGoJ8inpcUNcwc"
        );
    }

    #[test]
    fn both_spellings_of_an_umlaut_are_one_password() {
        let phc = hash("Stra\u{df}e f\u{fc}r", Params::FLOOR, [7; 16]).unwrap();
        assert!(verify("Stra\u{df}e fu\u{308}r", &phc, Params::FLOOR).unwrap().ok);
    }

    #[test]
    fn a_long_password_costs_nothing() {
        let phc = hash("x", Params::FLOOR, [7; 16]).unwrap();
        let long = "a\u{308}".repeat(1_000_000);
        assert_eq!(hash(&long, Params::FLOOR, [7; 16]), Err(PasswordError::TooLong));
        assert_eq!(verify(&long, &phc, Params::FLOOR), Ok(WRONG));
        assert_eq!(verify_unknown(&long, Params::FLOOR), WRONG);
        assert!(hash(&"x".repeat(MAX_PASSWORD_BYTES), Params::FLOOR, [7; 16]).is_ok());
    }

    #[test]
    fn parameters_are_bounded() {
        assert_eq!(Params::new(65_536, 2, 1), Ok(Params::DEFAULT));
        for (memory, passes, lanes) in
            [(19_455, 2, 1), (65_536, 1, 1), (65_536, 2, 0), (2_000_000, 2, 1), (65_536, 17, 1)]
        {
            assert_eq!(Params::new(memory, passes, lanes), Err(PasswordError::OutOfBounds));
        }
    }

    #[test]
    fn a_foreign_or_absurd_hash_is_not_a_wrong_password() {
        let good = hash("x", Params::FLOOR, [7; 16]).unwrap();
        let cases = [
            String::new(),
            "x".into(),
            good.replace("argon2id", "argon2i"),
            good.replace("m=19456", "m=4000000000"),
            good.replace("t=2", "t=1000000"),
            good.rsplit_once('$').unwrap().0.to_owned(),
        ];
        for phc in cases {
            assert_eq!(verify("x", &phc, Params::FLOOR), Err(PasswordError::Malformed), "{phc}");
        }
    }
}
