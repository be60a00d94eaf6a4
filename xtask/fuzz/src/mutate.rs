//! Damage by a seed: bits, bytes, numbers that lie at borders, pieces of other files, pieces left out and doubled.

/// Repeatable randomness (splitmix64), and what is done with it.
pub struct Mutator(u64);

const BORDERS: [u64; 12] =
    [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, u64::MAX];

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// Below the limit, 0 where there is nothing.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Now and then, a place in the corpus whose input gives way.
    pub fn place(&mut self, inputs: usize) -> Option<usize> {
        const GROWS_TO: usize = 64;
        match self.below(200) {
            0 if inputs < GROWS_TO => Some(inputs), // the end: nothing gives way
            _ => None,
        }
    }

    /// One of the inputs, damaged once or several times.
    pub fn damaged(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus.get(self.below(corpus.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(6) {
            let other = corpus.get(self.below(corpus.len())).map(Vec::as_slice).unwrap_or_default();
            self.damage(&mut input, other);
        }
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        // Half of the damage hits the beginning, where headers are.
        let reach = if self.below(2) == 0 { input.len().min(256) } else { input.len() };
        let at = self.below(reach);
        let length = 1 + self.below(64).min(input.len().saturating_sub(at + 1));
        match self.below(9) {
            0 => self.at(input, at, |byte, random| byte ^ 1 << (random % 8)),
            1 => self.at(input, at, |_, random| random as u8),
            2 => {
                // A number of 1, 2, 4 or 8 bytes, in either order.
                let width = 1_usize << self.below(4);
                let near = self.below(3) as u64;
                let border = BORDERS.get(self.below(BORDERS.len())).copied().unwrap_or_default();
                let bytes = border.wrapping_add(near).wrapping_sub(1).to_le_bytes();
                let mut bytes = bytes.get(..width).unwrap_or_default().to_vec();
                if self.below(2) == 0 {
                    bytes.reverse();
                }
                input.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = byte);
            }
            3 => drop(input.drain(at.min(input.len())..(at + length).min(input.len()))),
            4 => {
                let piece: Vec<u8> = input.iter().skip(at).take(length).copied().collect();
                let times = 1 + self.below(4);
                let to = self.below(input.len());
                input.splice(to..to, piece.repeat(times));
            }
            5 => {
                let from = self.below(other.len());
                let piece: Vec<u8> = other.iter().skip(from).take(length * 4).copied().collect();
                input.splice(at.min(input.len())..at.min(input.len()), piece);
            }
            6 => {
                let from = self.below(other.len());
                let piece = other.iter().skip(from).take(length);
                input.iter_mut().skip(at).zip(piece).for_each(|(place, byte)| *place = *byte);
            }
            7 => input.truncate(at),
            _ => {
                // Adds a little to a byte: lengths that are off by some.
                let step = 1 + self.below(16) as u8;
                self.at(
                    input,
                    at,
                    |byte, random| if random % 2 == 0 { byte.wrapping_add(step) } else { byte.wrapping_sub(step) },
                );
            }
        }
    }

    fn at(&mut self, input: &mut [u8], at: usize, change: impl Fn(u8, u64) -> u8) {
        let random = self.next();
        if let Some(byte) = input.get_mut(at) {
            *byte = change(*byte, random);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_does_the_same_damage() {
        let corpus = [(0..200).collect::<Vec<u8>>(), vec![7; 50]];
        let all = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..500).map(|_| mutator.damaged(&corpus)).collect::<Vec<_>>()
        };
        assert_eq!(all(4), all(4));
        assert_ne!(all(4), all(5));
        let unharmed = all(4).iter().filter(|input| corpus.contains(input)).count();
        assert!(unharmed < 50, "{unharmed} of 500 are as they were");
    }

    #[test]
    fn nothing_can_be_damaged_as_well() {
        let mut mutator = Mutator::new(1);
        for _ in 0..1000 {
            mutator.damaged(&[]);
            mutator.damaged(&[Vec::new(), vec![1]]);
        }
    }
}
