//! [`RecentRuns`]: how the last backups of a host ended, at a glance.

use std::fmt;
use std::str::FromStr;

use crate::job::ResultCode;

/// How a backup ended, in the four ways that a glance tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Run {
    /// All was saved.
    Ok,
    /// Saved, but for some items.
    Issues,
    /// Nothing was saved, or nobody knows.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// The last backups of a host that ended, the oldest first; at most [`MOST`](Self::MOST).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecentRuns(Vec<Run>);

/// A text that is no list of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a list of runs: words such as \"ok*3,failed\" are needed, of at most {} runs",
    RecentRuns::MOST
)]
pub struct InvalidRuns;

impl Run {
    const ALL: [Self; 4] = [Self::Ok, Self::Issues, Self::Failed, Self::Cancelled];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Issues => "issues",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<ResultCode> for Run {
    fn from(code: ResultCode) -> Self {
        match code {
            ResultCode::Ok => Self::Ok,
            ResultCode::Issues => Self::Issues,
            ResultCode::Cancelled => Self::Cancelled,
            ResultCode::Failed(_)
            | ResultCode::TimedOut
            | ResultCode::Interrupted
            | ResultCode::Lost
            | ResultCode::Expired
            | ResultCode::Refused => Self::Failed,
        }
    }
}

impl RecentRuns {
    /// How many are kept.
    pub const MOST: usize = 30;

    /// Takes the last of them; the oldest comes first.
    pub fn of(runs: impl IntoIterator<Item = Run>) -> Self {
        let mut runs: Vec<Run> = runs.into_iter().collect();
        runs.drain(..runs.len().saturating_sub(Self::MOST));
        Self(runs)
    }

    /// The oldest first.
    pub fn as_slice(&self) -> &[Run] {
        &self.0
    }
}

/// Equal neighbours together, such as `ok*27,issues,failed*2`; empty when there are none.
impl fmt::Display for RecentRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, alike) in self.0.chunk_by(|one, next| one == next).enumerate() {
            let comma = if position == 0 { "" } else { "," };
            match alike {
                [] => {}
                [run] => write!(f, "{comma}{}", run.as_str())?,
                [run, ..] => write!(f, "{comma}{}*{}", run.as_str(), alike.len())?,
            }
        }
        Ok(())
    }
}

impl FromStr for RecentRuns {
    type Err = InvalidRuns;

    fn from_str(text: &str) -> Result<Self, InvalidRuns> {
        let mut runs = Vec::new();
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let (word, count) = part.split_once('*').unwrap_or((part, "1"));
            let run = Run::ALL
                .into_iter()
                .find(|run| run.as_str() == word)
                .ok_or(InvalidRuns)?;
            let count: usize = count.parse().map_err(|_| InvalidRuns)?;
            if count == 0 || count > Self::MOST - runs.len() {
                return Err(InvalidRuns);
            }
            runs.extend(std::iter::repeat_n(run, count));
        }
        Ok(Self(runs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::FailureCode;

    #[test]
    fn equal_neighbours_stand_together() {
        let runs = RecentRuns::of([Run::Ok, Run::Ok, Run::Issues, Run::Failed, Run::Failed, Run::Ok]);

        assert_eq!(runs.to_string(), "ok*2,issues,failed*2,ok");
        assert_eq!(runs.to_string().parse(), Ok(runs));
        assert_eq!("".parse(), Ok(RecentRuns::default()));
        assert_eq!(RecentRuns::default().to_string(), "");
    }

    #[test]
    fn the_last_thirty_are_kept() {
        let runs = RecentRuns::of([Run::Failed].into_iter().chain([Run::Ok; 29]).chain([Run::Cancelled]));

        assert_eq!(runs.to_string(), "ok*29,cancelled");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            ",",
            "ok,",
            "well",
            "ok*0",
            "ok*31",
            "ok*30,ok",
            "ok*x",
            "ok*-1",
            "ok*99999999999999999999",
        ] {
            assert_eq!(text.parse::<RecentRuns>(), Err(InvalidRuns), "{text:?}");
        }
    }

    #[test]
    fn whatever_leaves_nothing_behind_has_failed() {
        let run = |code: ResultCode| Run::from(code);

        assert_eq!(run(ResultCode::Ok), Run::Ok);
        assert_eq!(run(ResultCode::Issues), Run::Issues);
        assert_eq!(run(ResultCode::Cancelled), Run::Cancelled);
        for code in [
            ResultCode::Failed(FailureCode::NoSpace),
            ResultCode::Lost,
            ResultCode::Expired,
        ] {
            assert_eq!(run(code), Run::Failed, "{code}");
        }
    }
}
