//! When certificates are in force, and when their successors are due.

use std::time::Duration;

use domain::Timestamp;

/// Everything is issued as if a little earlier, for clocks that are behind; what lives shortly, by less.
const BACKDATE: Duration = Duration::from_mins(10);
/// The part of its life by which a certificate is backdated at the most.
const BACKDATE_PART: u32 = 10;
const DAY: Duration = Duration::from_hours(24);

/// How long a certificate is in force, both ends included, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From here on.
    pub not_before: Timestamp,
    /// Until here.
    pub not_after: Timestamp,
}

impl Validity {
    pub(super) const ROOT: Duration = DAY.saturating_mul(3_652);
    pub(super) const INTERMEDIATE: Duration = DAY.saturating_mul(365);
    pub(super) const SERVER_LEAF: Duration = DAY.saturating_mul(30);
    /// How long before its end an intermediate is replaced: longer than any leaf lives, and long enough for a person to
    /// notice that it did not work.
    const OVERLAP: Duration = DAY.saturating_mul(90);

    /// In force from ten minutes ago, or a tenth of its life if that is less, for `life` from now.
    pub(super) fn issued(now: Timestamp, life: Duration) -> Self {
        // Certificates count in seconds; a fraction would be lost there and make what we remember differ.
        let now = Timestamp::from_seconds(now.as_seconds(), 0).unwrap_or(now);
        Self {
            not_before: now.saturating_sub(BACKDATE.min(life / BACKDATE_PART)),
            not_after: now.saturating_add(life),
        }
    }

    /// Ends no later than `other`: a certificate that outlives its issuer would fail from one day to the next.
    pub(super) fn within(self, other: Self) -> Self {
        Self {
            not_after: self.not_after.min(other.not_after),
            ..self
        }
    }

    /// Whether it is in force.
    pub fn contains(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// When the successor of an intermediate is due: 90 days before its end.
    pub fn intermediate_renewal(&self) -> Timestamp {
        self.not_after.saturating_sub(Self::OVERLAP)
    }

    /// When the successor of the server's own leaf is due: with a third of its life left.
    pub fn server_leaf_renewal(&self) -> Timestamp {
        self.not_after.saturating_sub(self.not_after.since(self.not_before) / 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Duration = Duration::from_hours(24 * 7);

    #[test]
    fn certificates_are_issued_ten_minutes_back_in_whole_seconds() {
        let validity = Validity::issued(at("2026-05-01T02:00:00.75Z"), WEEK);

        assert_eq!(validity.not_before, at("2026-05-01T01:50:00Z"));
        assert_eq!(validity.not_after, at("2026-05-08T02:00:00Z"));
    }

    #[test]
    fn a_short_life_is_backdated_by_a_tenth() {
        let validity = Validity::issued(at("2026-05-01T02:00:00Z"), Duration::from_secs(20));

        assert_eq!(validity.not_before, at("2026-05-01T01:59:58Z"));
        assert_eq!(validity.not_after, at("2026-05-01T02:00:20Z"));
    }

    #[test]
    fn both_ends_are_in_force() {
        let validity = Validity::issued(at("2026-05-01T02:00:00Z"), WEEK);

        for (now, inside) in [
            ("2026-05-01T01:49:59Z", false),
            ("2026-05-01T01:50:00Z", true),
            ("2026-05-08T02:00:00Z", true),
            ("2026-05-08T02:00:01Z", false),
        ] {
            assert_eq!(validity.contains(at(now)), inside, "{now}");
        }
    }

    #[test]
    fn an_intermediate_is_renewed_ninety_days_before_its_end() {
        let validity = Validity::issued(at("2026-05-01T00:00:00Z"), Validity::INTERMEDIATE);

        assert_eq!(validity.not_after, at("2027-05-01T00:00:00Z"));
        assert_eq!(validity.intermediate_renewal(), at("2027-01-31T00:00:00Z"));
    }

    #[test]
    fn a_server_leaf_is_renewed_with_a_third_of_its_life_left() {
        let validity = Validity {
            not_before: at("2026-05-01T00:00:00Z"),
            not_after: at("2026-05-31T00:00:00Z"),
        };

        assert_eq!(validity.server_leaf_renewal(), at("2026-05-21T00:00:00Z"));
    }

    #[test]
    fn a_root_lives_ten_years() {
        let validity = Validity::issued(at("2026-05-01T00:00:00Z"), Validity::ROOT);

        assert_eq!(validity.not_after, at("2036-04-30T00:00:00Z"));
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
}
