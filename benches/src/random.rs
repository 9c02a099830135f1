//! Test data, the same on every machine and in every run: splitmix64, words of letters, Zipf's ranks.

/// The generator splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct SplitMix(u64);

impl SplitMix {
    /// Creates a generator with this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns the next number below `bound`, by its remainder.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns the next number of the unit interval, with 53 bits.
    pub const fn unit(&mut self) -> f64 {
        crate::workload::as_figure(self.next() >> 11) / crate::workload::as_figure(1 << 53)
    }

    /// Returns `count` different words of 3 to 10 lower-case letters, in the order of their generation.
    pub fn words(&mut self, count: usize) -> Vec<String> {
        let mut words = Vec::with_capacity(count);
        let mut known = std::collections::HashSet::with_capacity(count);
        while words.len() < count {
            let length = 3 + self.below(8);
            let letter =
                |random: &mut Self| char::from(b"abcdefghijklmnopqrstuvwxyz"[index(random.below(26))]);
            let word: String = (0..length).map(|_| letter(self)).collect();
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
        words
    }
}

/// A distribution of ranks in which the n-th has a probability proportional to 1/n.
#[derive(Debug)]
pub struct Zipf {
    /// For each rank, the cumulative share of all ranks up to it.
    shares: Vec<f64>,
    /// For each 2^-16 of the unit interval, the first possible rank.
    guide: Vec<usize>,
}

impl Zipf {
    /// Creates the distribution of `ranks` ranks.
    pub fn new(ranks: usize) -> Self {
        let harmonic = |sum: &mut f64, rank: usize| {
            *sum += 1.0 / crate::workload::as_figure(rank as u64);
            Some(*sum)
        };
        let mut shares: Vec<f64> = (1..=ranks).scan(0.0, harmonic).collect();
        let whole = shares[ranks - 1];
        for share in &mut shares {
            *share /= whole;
        }
        let from = |step: u64| {
            let below = crate::workload::as_figure(step) / crate::workload::as_figure(1 << 16);
            shares.partition_point(|share| *share < below)
        };
        let guide = (0..1 << 16).map(from).collect();
        Self { shares, guide }
    }

    /// Returns the next rank, from 0: the first whose share reaches the next number of the unit interval.
    pub fn rank(&self, random: &mut SplitMix) -> usize {
        let wanted = random.unit();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^16")]
        let from = self.guide[(wanted * 65_536.0) as usize];
        let found = self.shares[from..].iter().position(|share| *share >= wanted);
        found.map_or(self.shares.len() - 1, |further| from + further)
    }
}

/// Converts a number to `usize`.
pub(crate) fn index(number: u64) -> usize {
    usize::try_from(number).expect("numbers of a benchmark fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut random = SplitMix::seeded(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn ranks_are_those_of_a_plain_search() {
        let zipf = Zipf::new(1000);
        let (mut random, mut again) = (SplitMix::seeded(3), SplitMix::seeded(3));
        for _ in 0..10_000 {
            let wanted = again.unit();
            assert_eq!(zipf.rank(&mut random), zipf.shares.partition_point(|share| *share < wanted));
        }
    }
}
