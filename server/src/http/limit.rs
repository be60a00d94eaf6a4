//! How often one address may call what is worth guessing at.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota};

use super::registry::Rate;

/// Attempts at once, then one every two seconds.
const AUTH_BURST: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
const AUTH_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("not zero");
/// Questions at once, then one a second: each page for signing in asks one.
const ASK_BURST: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
const ASK_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
/// For what is no guess.
const PROVIDER_BURST: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
const PROVIDER_MINUTE: NonZeroU32 = NonZeroU32::new(200).expect("not zero");
/// A photo is two or three of them, and ten booths may have one address.
const UPLOAD_BURST: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");
const UPLOAD_MINUTE: NonZeroU32 = NonZeroU32::new(3_000).expect("not zero");
/// Beyond this many addresses the table is pruned.
const ADDRESSES: usize = 50_000;

/// The buckets, by address.
pub(super) struct Limiter {
    auth: DefaultKeyedRateLimiter<IpAddr>,
    ask: DefaultKeyedRateLimiter<IpAddr>,
    provider: DefaultKeyedRateLimiter<IpAddr>,
    upload: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for Limiter {
    fn default() -> Self {
        let keyed = |minute, burst| DefaultKeyedRateLimiter::keyed(Quota::per_minute(minute).allow_burst(burst));
        Self {
            auth: keyed(AUTH_MINUTE, AUTH_BURST),
            ask: keyed(ASK_MINUTE, ASK_BURST),
            provider: keyed(PROVIDER_MINUTE, PROVIDER_BURST),
            upload: keyed(UPLOAD_MINUTE, UPLOAD_BURST),
        }
    }
}

impl Limiter {
    /// Takes one call from the address's bucket; `false` if it is empty. Requests without an address (tests in the
    /// same process) are not limited.
    pub(super) fn allows(&self, rate: Rate, address: Option<IpAddr>) -> bool {
        let (buckets, address) = match (rate, address) {
            (Rate::Free, _) | (_, None) => return true,
            (Rate::Auth, Some(address)) => (&self.auth, address),
            (Rate::Ask, Some(address)) => (&self.ask, address),
            (Rate::Provider, Some(address)) => (&self.provider, address),
            (Rate::Upload, Some(address)) => (&self.upload, address),
        };
        if buckets.len() > ADDRESSES {
            buckets.retain_recent();
        }
        buckets.check_key(&prefix(address)).is_ok()
    }
}

/// A household or office: one IPv4 address, or the /64 of an IPv6 address.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_no_more() {
        let limiter = Limiter::default();
        let address = "2001:db8::1".parse().ok();
        let neighbour = "2001:db8::2".parse().ok();
        let other = "2001:db8:0:1::1".parse().ok();
        assert!((0..AUTH_BURST.get()).all(|_| limiter.allows(Rate::Auth, address)));
        assert!(!limiter.allows(Rate::Auth, neighbour));
        assert!(limiter.allows(Rate::Auth, other));
        assert!((0..PROVIDER_BURST.get()).all(|_| limiter.allows(Rate::Provider, address)));
        assert!(!limiter.allows(Rate::Provider, neighbour));
        assert!(limiter.allows(Rate::Free, address));
    }
}
