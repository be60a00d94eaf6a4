//! Keys that were used a moment ago. Two halves: the young one takes what is new, and becomes the old one when it is
//! full or [`TURN`] has passed; what was in the old one goes. So nothing stays longer than twice a turn.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use shutterpost_model::time::Millis;

/// Half of the five minutes for which a key may stay in memory.
const TURN: i64 = 150_000;
/// Entries of one half.
const HALF: usize = 5_000;

/// Values by key, for at most five minutes and at most ten thousand of them.
#[derive(Debug)]
pub(super) struct Cache<K, V>(Mutex<Halves<K, V>>);

#[derive(Debug)]
struct Halves<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    turned: Millis,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Halves { young: HashMap::new(), old: HashMap::new(), turned: Millis(0) }))
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn get(&self, key: &K, now: Millis) -> Option<V> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.turn(now);
        halves.young.get(key).or_else(|| halves.old.get(key)).cloned()
    }

    pub(super) fn put(&self, key: K, value: V, now: Millis) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.turn(now);
        if halves.young.len() >= HALF {
            halves.old = std::mem::take(&mut halves.young);
            halves.turned = now;
        }
        halves.young.insert(key, value);
    }

    /// Forgets what the condition holds for.
    pub(super) fn forget(&self, condition: impl Fn(&K) -> bool) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.young.retain(|key, _| !condition(key));
        halves.old.retain(|key, _| !condition(key));
    }
}

impl<K, V> Halves<K, V> {
    fn turn(&mut self, now: Millis) {
        // A clock set back must not keep keys for ever.
        let age = now.0.saturating_sub(self.turned.0);
        if (0..TURN).contains(&age) {
            return;
        }
        self.old = if (TURN..2 * TURN).contains(&age) { std::mem::take(&mut self.young) } else { HashMap::new() };
        self.young.clear();
        self.turned = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_longer_than_five_minutes() {
        let cache = Cache::default();
        let start = Millis(1_800_000_000_000);
        cache.put("a", 1, start);
        assert_eq!(cache.get(&"a", start.plus(2 * TURN - 1)), Some(1));
        assert_eq!(cache.get(&"a", start.plus(4 * TURN)), None);
        cache.put("b", 2, start.plus(4 * TURN));
        assert_eq!(cache.get(&"b", start.plus(9 * TURN)), None, "idle for long");
        cache.put("c", 3, start.plus(9 * TURN));
        assert_eq!(cache.get(&"c", start), None, "the clock went back");
    }

    #[test]
    fn at_most_ten_thousand_stay_and_the_newest_do() {
        let cache = Cache::default();
        let now = Millis(1_800_000_000_000);
        for n in 0..25_000 {
            cache.put(n, n, now);
        }
        let kept = (0..25_000).filter(|n| cache.get(n, now).is_some()).count();
        assert!((HALF..=2 * HALF).contains(&kept), "{kept}");
        assert_eq!(cache.get(&24_999, now), Some(24_999));
    }

    #[test]
    fn what_is_forgotten_is_in_neither_half() {
        let cache = Cache::default();
        let start = Millis(1_800_000_000_000);
        cache.put("a", 1, start);
        cache.put("b", 2, start.plus(TURN));
        cache.forget(|_| true);
        assert_eq!((cache.get(&"a", start.plus(TURN)), cache.get(&"b", start.plus(TURN))), (None, None));
    }
}
