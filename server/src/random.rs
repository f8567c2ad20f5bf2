//! Bytes from the operating system's random source.

/// Draws `N` bytes fit for keys, nonces and tokens.
///
/// Panics when the operating system has no random source: nothing this server does would be safe without one.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes
}

/// Draws a fraction from 0 (inclusive) to 1 (exclusive).
pub fn random_fraction() -> f64 {
    f64::from(u32::from_le_bytes(random_bytes())) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(random_bytes::<32>(), random_bytes::<32>());
    }
}
