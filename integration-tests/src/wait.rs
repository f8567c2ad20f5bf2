//! Waiting for conditions.

use std::thread;
use std::time::{Duration, Instant};

/// How long things may take that need no more than a few messages, on a busy machine.
pub const SHORTLY: Duration = Duration::from_secs(30);
/// How long a job may take, from the request to its end.
pub const JOB: Duration = Duration::from_secs(90);

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// Tries again and again until there is an answer, and gives it.
///
/// Panics when there is none within `limit`, saying that `what` was waited for.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, attempt: impl FnMut() -> Option<T>) -> T {
    until_or(limit, attempt).unwrap_or_else(|| panic!("waited {limit:?} in vain for {what}"))
}

/// Tries again and again until there is an answer; `None` when there is none within `limit`.
pub fn until_or<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Deadline::after(limit);
    loop {
        let answer = attempt();
        if answer.is_some() || deadline.is_over() {
            return answer;
        }
        // sleep: the pause between two looks at the condition
        thread::sleep(PERIOD);
    }
}

/// Like [`until`], and says how long it took, to within the pause between two looks.
#[track_caller]
pub fn until_timed(what: &str, limit: Duration, attempt: impl FnMut() -> Option<()>) -> Duration {
    let begun = now();
    until(what, limit, attempt);
    begun.elapsed()
}

/// A moment after which waiting ends.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much later than this moment.
    pub fn after(limit: Duration) -> Self {
        Self(now() + limit)
    }

    /// Whether it has passed.
    pub fn is_over(self) -> bool {
        now() >= self.0
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the processes under test live in real time; there is no runtime to pause"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_is_given() {
        let mut looks = 0;

        let answer = until("the third look", SHORTLY, || {
            looks += 1;
            (looks == 3).then_some(looks)
        });

        assert_eq!(answer, 3);
    }

    #[test]
    #[should_panic(expected = "in vain for a miracle")]
    fn waiting_in_vain_says_for_what() {
        until("a miracle", Duration::ZERO, || None::<()>);
    }
}
