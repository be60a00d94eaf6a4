//! Personal data and secrets as types, so that neither reaches a log line or a response by accident.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// Personal data in the clear. It cannot be displayed or serialised; `Debug` prints `[pii]`. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(transparent)]
pub struct Pii<T: Zeroize>(T);

/// Why personal data leaves the server. Each value is a processing purpose that the organisation can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The person sees their own data.
    OwnData,
    /// A colleague's name and address in the people list of the same organisation.
    Directory,
    /// A client admin looks after a guest; the reveal is audited.
    GuestCare,
    /// A message is addressed to the person.
    Delivery,
    /// An owner takes guests and consents away in an archive; each is audited.
    Export,
}

impl<T: Zeroize> Pii<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for rules and storage inside the server.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value; whoever has it now sees to it.
    pub fn into_inner(mut self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut self.0)
    }

    /// Turns the value into its wire form for a named purpose.
    pub fn disclose(self, _purpose: Purpose) -> Disclosed<T>
    where
        T: Default,
    {
        Disclosed(self.into_inner())
    }
}

impl<T: Zeroize> Drop for Pii<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[pii]")
    }
}

/// Personal data on its way to somebody entitled to it: serialisable, still mute in logs.
/// Made only by [`Pii::disclose`], or by reading a response in the browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Disclosed<T>(T);

impl<T> Disclosed<T> {
    pub const fn get(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Disclosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[pii]")
    }
}

/// A password or token in the clear, wiped when dropped.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Hides most of an e-mail address: `a…@e….com`, as viewers without the right to reveal see it.
pub fn mask_email(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let end = domain.rsplit_once('.').map(|(_, end)| format!(".{end}")).unwrap_or_default();
    format!("{}…@{}…{end}", first(local), first(domain))
}

/// Hides a telephone number but for its last two digits.
pub fn mask_phone(phone: &str) -> String {
    let tail: String = phone.chars().skip(phone.chars().count().saturating_sub(2)).collect();
    format!("… {tail}")
}

/// Hides a name but for its initial.
pub fn mask_name(name: &str) -> String {
    name.chars().next().map(|initial| format!("{initial}…")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_and_secrets_are_mute() {
        let shown = format!(
            "{:?} {:?} {:?}",
            Pii::new("x@y.z".to_owned()),
            Pii::new("x@y.z".to_owned()).disclose(Purpose::OwnData),
            Secret::new("hush".into())
        );
        assert_eq!(shown, "[pii] [pii] Secret");
    }

    #[test]
    fn what_is_open_is_wiped_when_it_is_dropped() {
        #[derive(Default)]
        struct Watched<'a>(Option<&'a std::cell::Cell<u32>>);
        impl Zeroize for Watched<'_> {
            fn zeroize(&mut self) {
                if let Some(wiped) = self.0.take() {
                    wiped.set(wiped.get() + 1);
                }
            }
        }
        let wiped = std::cell::Cell::new(0);
        drop(Pii::new(Watched(Some(&wiped))));
        assert_eq!(wiped.get(), 1);
        let taken = Pii::new(Watched(Some(&wiped))).into_inner();
        assert_eq!((wiped.get(), taken.0.is_some()), (1, true), "what was taken out is its new owner's");
    }

    #[test]
    fn masks_keep_only_a_hint() {
        assert_eq!(mask_email("anna@example.com"), "a…@e….com");
        assert_eq!(mask_email("broken"), "b…@…");
        assert_eq!(mask_phone("+49301234"), "… 34");
        assert_eq!(mask_name("Émile Zola"), "É…");
    }
}
