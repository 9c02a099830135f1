//! Random numbers, and the bytes, texts and damage generated from them.

/// A random number generator that a seed reproduces (splitmix64, Steele, Lea and Flood 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, which is at least 1.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Returns `true` once in `times` calls on average.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Concatenates a random selection of `pieces`.
    pub(super) fn text(&mut self, pieces: &[&[u8]], most: usize) -> Vec<u8> {
        let count = self.below(most);
        (0..count).flat_map(|_| self.one_of(pieces)).copied().collect()
    }

    /// Changes, removes or repeats bytes, truncates the end, or appends zeros or other bytes.
    pub(super) fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let length = bytes.len();
            let from = self.below(length + 1);
            let most = self.one_of(&[4, 64, 4096]);
            let to = (from + self.below(most)).min(length);
            match self.below(7) {
                0 if from < length => bytes[from] ^= 1 << self.below(8),
                1 if from < length => bytes[from] = self.byte(),
                2 => drop(bytes.drain(from..to)),
                3 => {
                    let again = bytes[from..to].to_vec();
                    drop(bytes.splice(from..from, again));
                }
                4 => bytes.truncate(from),
                5 => bytes.resize(length + self.below(600), 0),
                _ => bytes.extend((0..self.below(9)).map(|_| self.byte())),
            }
        }
    }
}
