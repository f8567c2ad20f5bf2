//! Randomness of the operating system.

/// Returns random bytes, fit for keys and nonces.
///
/// # Panics
/// When the operating system has none to give. It says so only before it has started up.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes
}

/// Returns a fraction from 0 (inclusive) to 1 (exclusive).
pub fn random_fraction() -> f64 {
    f64::from(u32::from_be_bytes(random_bytes())) / (f64::from(u32::MAX) + 1.0)
}
