//! What the tests of this crate share: a repeatable source of bytes, keys, and ways to damage things.

use crate::data_key::{DataKey, KeyId};

/// SplitMix64 (Steele, Lea, Flood 2014): repeatable, well spread, no secret.
pub(crate) struct Mix(u64);

impl Mix {
    pub(crate) fn new(seed: u64) -> Mix {
        Mix(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes);
        bytes
    }
}

/// The bytes of a source as the `Random` that the crate takes.
pub(crate) fn source(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut mix = Mix::new(seed);
    move |bytes: &mut [u8]| mix.fill(bytes)
}

/// Key number `n`: id n,n,n…, version 1, secret n,n+1,n+2….
pub(crate) fn key(n: u8) -> DataKey {
    DataKey::from_bytes(KeyId::from_bytes([n; 16]), 1, &std::array::from_fn(|i| n.wrapping_add(i as u8)))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Damages `bytes` in one of many ways: a bit, a byte, cut, extended, a part doubled, removed, or moved. The result
/// differs from the original.
pub(crate) fn damage(bytes: &[u8], mix: &mut Mix) -> Vec<u8> {
    loop {
        let mut damaged = bytes.to_vec();
        let at = mix.below(damaged.len());
        match mix.below(8) {
            0 if !damaged.is_empty() => damaged[at] ^= 1 << mix.below(8),
            1 if !damaged.is_empty() => damaged[at] = mix.next() as u8,
            2 => damaged.truncate(at),
            3 => {
                let more = mix.below(40);
                damaged.extend(mix.bytes(more));
            }
            4 => {
                let end = at + mix.below(damaged.len() - at);
                damaged.drain(at..end);
            }
            5 => {
                let end = at + mix.below(damaged.len() - at);
                let part = damaged[at..end].to_vec();
                damaged.splice(at..at, part);
            }
            6 => {
                let (length, from) = (mix.below(32), mix.below(damaged.len()));
                let length = length.min(damaged.len() - at.max(from));
                for i in 0..length {
                    damaged.swap(at + i, from + i);
                }
            }
            _ => {
                let end = (at + mix.below(32)).min(damaged.len());
                damaged[at..end].fill(0);
            }
        }
        if damaged != bytes {
            return damaged;
        }
    }
}
