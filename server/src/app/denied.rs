//! Calls that were refused for want of a role: one audit entry per caller, method and minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use domain::id::UserId;

/// How long repeats of the same refusal are folded into the first.
const WINDOW: Duration = Duration::from_mins(1);
/// Most pairs of caller and method that are remembered; beyond it the window is forgotten and entries may repeat.
const REMEMBERED: usize = 4096;

/// When each caller was last refused which method.
#[derive(Debug, Default)]
pub(super) struct DeniedCalls(Mutex<HashMap<(UserId, String), Timestamp>>);

impl DeniedCalls {
    /// Whether this refusal is to be recorded; false when the same one was within the last minute.
    pub(super) fn is_new(&self, user: UserId, method: &str, now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.retain(|_, last| now.since(*last) < WINDOW);
            if seen.len() >= REMEMBERED {
                seen.clear();
            }
        }
        let last = seen.insert((user, method.to_owned()), now);
        if let Some(last) = last.filter(|last| now.since(*last) < WINDOW) {
            // The window began with the recorded one; a repeat does not stretch it.
            seen.insert((user, method.to_owned()), last);
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn repeats_within_a_minute_are_folded() {
        let denied = DeniedCalls::default();
        let user = UserId::from_uuid(Uuid::nil());
        let at = |seconds| Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds));

        let recorded: Vec<bool> = [0, 30, 59, 60, 90, 119, 120]
            .map(|second| denied.is_new(user, "/a/B", at(second)))
            .into();

        assert_eq!(recorded, [true, false, false, true, false, false, true]);
        assert!(denied.is_new(user, "/a/C", at(120)));
    }

    #[test]
    fn memory_stays_bounded() {
        let denied = DeniedCalls::default();
        for number in 0..3 * REMEMBERED {
            denied.is_new(
                UserId::from_uuid(Uuid::from_u128(number as u128)),
                "/a/B",
                Timestamp::UNIX_EPOCH,
            );
        }

        assert!(denied.0.lock().unwrap().len() <= REMEMBERED);
    }
}
