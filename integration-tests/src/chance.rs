//! Choices that a failed test can make again: numbers from a seed that is printed.

use std::time::Duration;

/// A sequence of numbers that its seed decides (SplitMix64; Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of `RM_TEST_SEED`, or of a new seed, which is printed.
    #[expect(clippy::print_stderr, reason = "whoever looks at a failure needs the seed")]
    pub fn new() -> Self {
        let given = std::env::var("RM_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(fresh);
        eprintln!("RM_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number below `bound`, which is above zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Lets a time pass, up to a limit: a fault has to strike at any moment.
    pub fn pass(&mut self, limit: Duration) {
        let limit = u64::try_from(limit.as_millis()).expect("a limit of a test fits");
        // sleep: the moment of a fault is a time, not a condition
        std::thread::sleep(Duration::from_millis(self.below(limit.max(1))));
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}

fn fresh() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_sequence_again() {
        let take = |seed| {
            let mut chance = Chance(seed);
            [chance.below(1000), chance.below(1000), chance.below(1000)]
        };

        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
    }
}
