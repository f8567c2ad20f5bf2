//! What to do with a part of the desired state that the server sends.

use domain::session::{Applied, DesiredKind, Stamp};

/// The verdict on a part that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is to be stored.
    Store,
    /// It is held already.
    Held,
    /// It is older than what is held, so it is refused.
    Older {
        /// The version that is held.
        held: u64,
    },
}

/// A version never goes back: an old copy of the server, or a message of an old session, must not undo a change.
pub(super) fn judge(applied: &Applied, kind: DesiredKind, offered: &Stamp) -> Verdict {
    let held = applied.stamp(kind);
    if offered.version < held.version {
        Verdict::Older { held: held.version }
    } else if *offered == held {
        Verdict::Held
    } else {
        Verdict::Store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_version_is_refused() {
        let mut applied = Applied::default();
        applied.set(DesiredKind::Settings, stamp(7, "aa"));

        for (offered, expected) in [
            (stamp(6, "aa"), Verdict::Older { held: 7 }),
            (stamp(7, "aa"), Verdict::Held),
            (stamp(7, "bb"), Verdict::Store),
            (stamp(8, "aa"), Verdict::Store),
        ] {
            assert_eq!(
                judge(&applied, DesiredKind::Settings, &offered),
                expected,
                "{offered:?}"
            );
        }
        assert_eq!(judge(&applied, DesiredKind::Credentials, &stamp(1, "")), Verdict::Store);
    }

    fn stamp(version: u64, hash: &str) -> Stamp {
        Stamp {
            version,
            hash: hash.into(),
        }
    }
}
