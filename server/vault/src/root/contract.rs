//! What every backend of root keys must do. For tests of backends, wherever they live.

use crate::data_key::{DataKey, KeyId};
use crate::keys::Random;
use crate::root::{RootError, Roots, unwrap_key, wrap_key};
use crate::wrap::{KeyAbout, Purpose};

/// Tries a backend that has no generation `first` to `first + 2` yet, and never had.
///
/// # Panics
/// If it does not do what [`Roots`] says.
pub fn check(roots: &dyn Roots, first: u32, random: &mut Random<'_>) {
    let (second, third) = (first + 1, first + 2);
    let unknown = |result: RootError, generation: u32| matches!(result, RootError::Unknown { generation: g } | RootError::Destroyed { generation: g } if g == generation);
    let mut key = [0; 32];
    random(&mut key);

    assert!(unknown(roots.wrap(first, b"context", &key, random).expect_err("not there yet"), first));
    roots.destroy(first).expect("destroying what never was is no error");
    for generation in [first, second] {
        roots.create(generation, random).expect("a new generation is created");
        let again = roots.create(generation, random).expect_err("a second one of that number is refused");
        assert!(matches!(again, RootError::Exists { generation: g } if g == generation), "{again}");
    }
    let mut living = roots.generations().expect("generations are listed");
    assert!(living.is_sorted(), "{living:?}");
    living.retain(|generation| (first..=third).contains(generation));
    assert_eq!(living, [first, second]);

    let wrapped = roots.wrap(first, b"context", &key, random).expect("wraps");
    assert!(!wrapped.windows(8).any(|part| key.windows(8).any(|other| other == part)), "the key shows");
    let unwrapped = roots.unwrap(first, b"context", &wrapped).expect("unwraps");
    assert_eq!(*unwrapped, key);
    assert_ne!(wrapped, roots.wrap(first, b"context", &key, random).expect("wraps"), "wrapping is not deterministic");

    for (generation, context) in [(first, &b"contexu"[..]), (first, b""), (first, b"context\0"), (second, b"context")] {
        let refused = roots.unwrap(generation, context, &wrapped).expect_err("another root or context is refused");
        assert!(matches!(refused, RootError::Refused), "{refused}");
    }
    for bit in 0..wrapped.len() * 8 {
        let mut changed = wrapped.clone();
        if let Some(byte) = changed.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        let refused = roots.unwrap(first, b"context", &changed).expect_err("a changed key is refused");
        assert!(matches!(refused, RootError::Refused), "bit {bit}: {refused}");
    }
    for short in [&[][..], &wrapped[..1], &wrapped[..wrapped.len() - 1]] {
        assert!(matches!(roots.unwrap(first, b"context", short), Err(RootError::Refused)), "{} bytes", short.len());
    }

    let data = DataKey::random(KeyId::random(random), 3, random);
    let about = KeyAbout { organisation: "org_1", purpose: Purpose::Organisation };
    let wrapped_data = wrap_key(roots, second, &data, &about, random).expect("wraps");
    let open = |id, version, about: &KeyAbout<'_>| unwrap_key(roots, second, id, version, about, &wrapped_data);
    assert_eq!(open(data.id(), 3, &about).expect("unwraps"), data);
    assert!(open(data.id(), 4, &about).is_err());
    assert!(open(KeyId::random(random), 3, &about).is_err());
    assert!(open(data.id(), 3, &KeyAbout { organisation: "org_2", ..about }).is_err());
    assert!(open(data.id(), 3, &KeyAbout { purpose: Purpose::Subject, ..about }).is_err());

    for _ in 0..2 {
        roots.destroy(first).expect("destroys, and again");
        assert!(unknown(roots.unwrap(first, b"context", &wrapped).expect_err("gone"), first));
        assert!(unknown(roots.wrap(first, b"context", &key, random).expect_err("gone"), first));
        assert!(!roots.generations().expect("generations are listed").contains(&first));
    }
    assert_eq!(open(data.id(), 3, &about).expect("the other generation lives on"), data);
    roots.destroy(second).expect("destroys");
}
