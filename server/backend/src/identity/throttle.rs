//! How often one may try: by account, kept in the database, and by client address, kept in memory and nowhere else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use shutterpost_model::error::Code;
use shutterpost_model::time::Millis;

/// Wrong passwords in a row that cost nothing.
const FREE_FAILURES: i32 = 5;
/// Longest delay: nobody can lock somebody else out for good.
const LONGEST_DELAY: i64 = 15 * 60_000;

/// Milliseconds during which an account takes no password after its n-th failure in a row: none for the first five,
/// then 2 s, doubling up to 15 minutes.
pub(crate) fn account_delay(failures: i32) -> i64 {
    match failures.saturating_sub(FREE_FAILURES) {
        ..=0 => 0,
        // 2¹⁰ seconds are beyond the longest delay already.
        doublings => (1000_i64 << doublings.min(10)).min(LONGEST_DELAY),
    }
}

/// Attempts at once from one address.
const BURST: i64 = 10;
/// After that, one more in so many milliseconds: 30 a minute.
const PERIOD: i64 = 2000;
/// More addresses than this at once are an attack; the table must not become one on our memory.
const MOST_ADDRESSES: usize = 100_000;

/// Token buckets by client address, an IPv6 network of 64 bits counting as one. Each is kept as the time at which it
/// will be full again (the "theoretical arrival time" of GCRA).
#[derive(Default)]
pub(crate) struct Addresses {
    full_at: Mutex<HashMap<u64, i64>>,
}

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Addresses")
    }
}

impl Addresses {
    /// Lets an attempt pass, or [`Code::TooMany`]. Without an address (not over a network) there is nothing to count.
    pub(crate) fn admit(&self, address: Option<IpAddr>, now: Millis) -> Result<(), Code> {
        let Some(address) = address else { return Ok(()) };
        let Millis(now) = now;
        // Nothing panics while the lock is held; a map half-way changed would still be a map.
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_ADDRESSES {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= MOST_ADDRESSES {
                // So many at once cannot be told apart; accounts still have their own throttle.
                full_at.clear();
            }
        }
        let at = full_at.entry(network(address)).or_insert(now);
        // Bounded on both sides, so that a clock that was set back blocks nobody for longer than a full bucket takes.
        let before = (*at).clamp(now, now.saturating_add(BURST * PERIOD));
        if before > now + (BURST - 1) * PERIOD {
            *at = before;
            return Err(Code::TooMany);
        }
        *at = before + PERIOD;
        Ok(())
    }
}

/// IPv4 addresses as they are, IPv6 by their first half: one customer holds all of it. The two never meet, because no
/// routed IPv6 network begins with 32 zero bits.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_slow_down_and_never_lock() {
        let delays: Vec<i64> = (0..=8).map(account_delay).collect();
        assert_eq!(delays, [0, 0, 0, 0, 0, 0, 2000, 4000, 8000]);
        assert_eq!(account_delay(14), 512_000);
        assert_eq!(account_delay(15), LONGEST_DELAY);
        assert_eq!(account_delay(i32::MAX), LONGEST_DELAY);
    }

    #[test]
    fn an_address_has_ten_attempts_and_then_thirty_a_minute() {
        let addresses = Addresses::default();
        let home: IpAddr = "2001:db8:1:2::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
        let other: IpAddr = "2001:db8:1:3::1".parse().unwrap();
        let admit = |address, now| addresses.admit(Some(address), Millis(now));
        for _ in 0..5 {
            assert_eq!(admit(home, 1_000_000), Ok(()));
            assert_eq!(admit(neighbour, 1_000_000), Ok(()));
        }
        assert_eq!(admit(home, 1_000_000), Err(Code::TooMany));
        assert_eq!(admit(other, 1_000_000), Ok(()));
        let admitted = (0..60).filter(|second| admit(home, 1_001_000 + second * 1000).is_ok()).count();
        assert_eq!(admitted, 30);
        assert_eq!(addresses.admit(None, Millis(0)), Ok(()));
    }

    #[test]
    fn both_spellings_of_an_ipv4_address_are_one() {
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), network("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_clock_set_back_blocks_nobody_for_long() {
        let addresses = Addresses::default();
        let address = Some("192.0.2.1".parse().unwrap());
        for _ in 0..10 {
            assert_eq!(addresses.admit(address, Millis(10_000_000)), Ok(()));
        }
        assert_eq!(addresses.admit(address, Millis(0)), Err(Code::TooMany));
        assert_eq!(addresses.admit(address, Millis(PERIOD)), Ok(()));
    }

    #[test]
    fn the_table_of_addresses_is_bounded() {
        let addresses = Addresses::default();
        for n in 0..(MOST_ADDRESSES as u32 + 10) {
            assert_eq!(addresses.admit(Some(IpAddr::V4(n.into())), Millis(0)), Ok(()));
        }
        assert!(addresses.full_at.lock().unwrap().len() <= MOST_ADDRESSES);
    }

    #[test]
    fn a_full_table_forgets_whoever_may_try_as_often_as_anybody_and_nobody_else() {
        let addresses = Addresses::default();
        let attempt = |number: u32, now| addresses.admit(Some(IpAddr::V4(number.into())), Millis(now));
        for _ in 0..BURST {
            assert_eq!(attempt(0, 0), Ok(()));
        }
        for number in 1..MOST_ADDRESSES as u32 {
            assert_eq!(attempt(number, 0), Ok(()));
        }
        // Somebody new, when all the others have their ten attempts again.
        assert_eq!(attempt(u32::MAX, PERIOD), Ok(()));
        assert_eq!(addresses.full_at.lock().unwrap().len(), 2);
        assert_eq!(attempt(0, PERIOD), Ok(()), "one more in two seconds");
        assert_eq!(attempt(0, PERIOD), Err(Code::TooMany));
    }
}
