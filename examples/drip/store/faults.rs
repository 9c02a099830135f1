//! Faults that a storage can be made to have, for tests of drip's error handling.

use std::str::FromStr;
use std::time::Duration;

/// The faults of a storage: `wait=20,fail=30,seed=1,refuse=5`, in any order; each defaults to 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Minimum duration of each call, in milliseconds.
    pub wait: u64,
    /// Percentage of calls that fail: half of them before they take effect, half of them after.
    pub fail: u64,
    /// Seed that determines which calls fail.
    pub seed: u64,
    /// Number of initial calls that are refused, as by a service that is down.
    pub refuse: u64,
}

/// The outcome of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The call takes effect and succeeds.
    Works,
    /// The call fails without taking effect.
    FailsBefore,
    /// The call takes effect, but reports a failure.
    FailsBehind,
    /// The connection is refused.
    Refused,
}

impl Faults {
    /// The minimum duration of each call.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.wait)
    }

    /// The outcome of call number `call` (`SplitMix64`; Steele, Lea, Flood, 2014).
    pub(super) fn fate(&self, call: u64) -> Fate {
        if call < self.refuse {
            return Fate::Refused;
        }
        let mut z = self.seed.wrapping_add(call.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        match (z % 100 < self.fail, z & (1 << 40) == 0) {
            (false, _) => Fate::Works,
            (true, true) => Fate::FailsBefore,
            (true, false) => Fate::FailsBehind,
        }
    }
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for part in text.split(',') {
            let refused = || {
                format!("`{part}` is not one of wait=MILLISECONDS, fail=PERCENT, seed=NUMBER, refuse=CALLS")
            };
            let (name, value) = part.split_once('=').ok_or_else(refused)?;
            let value: u64 = value.parse().map_err(|_| refused())?;
            match name {
                "wait" => faults.wait = value,
                "fail" if value <= 100 => faults.fail = value,
                "seed" => faults.seed = value,
                "refuse" => faults.refuse = value,
                _ => return Err(refused()),
            }
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_calls_as_many_fail_as_were_asked_for_half_of_them_behind_their_work() {
        let faults: Faults = "fail=30,seed=4711".parse().unwrap();
        let fates: Vec<_> = (0..10_000).map(|call| faults.fate(call)).collect();
        let count = |fate| fates.iter().filter(|&&it| it == fate).count();
        assert!((1_350..1_650).contains(&count(Fate::FailsBefore)), "{}", count(Fate::FailsBefore));
        assert!((1_350..1_650).contains(&count(Fate::FailsBehind)), "{}", count(Fate::FailsBehind));
        let again: Vec<_> = (0..10_000).map(|call| faults.fate(call)).collect();
        assert_eq!(fates, again);
    }

    #[test]
    fn an_unknown_fault_is_refused_with_the_allowed_ones() {
        for text in ["", "slow", "wait=", "fail=101", "wait=-1", "speed=3"] {
            let error = text.parse::<Faults>().unwrap_err();
            assert!(error.contains("fail=PERCENT"), "{text}: {error}");
        }
        assert_eq!("seed=3,wait=20".parse(), Ok(Faults { wait: 20, seed: 3, ..Faults::default() }));
    }
}
