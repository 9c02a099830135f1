//! Pseudo-random numbers that depend only on a seed.

/// The increment of `SplitMix64`: 2⁶⁴ divided by the golden ratio, rounded to an odd number.
pub(crate) const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The `SplitMix64` generator (Steele, Lea and Flood, 2014), after the code of Sebastiano Vigna in the public
/// domain, <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Debug)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mixed(self.0)
    }

    /// Returns a number below `bound`, which must be at least 1; uniform enough for a choice between few
    /// items.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }
}

/// The finaliser of `SplitMix64`: every output bit depends on every input bit.
pub(crate) fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut random = SplitMix64::new(1_234_567);
        let numbers: Vec<_> = (0..5).map(|_| random.next()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(numbers, published);
    }
}
