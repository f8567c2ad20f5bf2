//! [`Health`]: the verdict on a host's backups, with its reasons.
//!
//! Source of the rule: ui.md §3.3. Schedules are no facts of it, so nothing is overdue and no host is stale by it.

mod cause;
mod reason;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Timestamp;
use crate::host::{HostStatus, Silence};
use crate::job::{ResultCode, Status};
use crate::name::SourceGroupName;
use crate::repository::RepoStatus;

pub use cause::{Cause, InvalidCause};
pub use reason::HealthReason;

/// The verdict in one word, in the order in which the rule of [`judge`] looks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// Enrolled, but its agent never connected.
    Pending,
    /// Backups fail or cannot be made.
    Failing,
    /// Its agent is silent, and the host should be on.
    Offline,
    /// Something should be looked at, but backups are made.
    Warning,
    /// No backup has ended yet.
    Waiting,
    /// Its agent is silent, and the host may be off.
    Asleep,
    /// The last backups have succeeded.
    Ok,
}

/// A word that is no health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a health: pending, failing, offline, warning, waiting, asleep or ok is needed")]
pub struct InvalidHealth;

/// What is known about a host when it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// Whether its agent is there.
    pub status: HostStatus,
    /// Since when.
    pub status_since: Timestamp,
    /// The silence that made it offline.
    pub silence: Option<Silence>,
    /// False for a machine that sleeps.
    pub is_always_on: bool,
    /// Whether its agent found a restic; `None` before its first session.
    pub has_restic: Option<bool>,
    /// How its repository is.
    pub repository: RepoStatus,
    /// How the last ended backup of each source group ended, and the last one of paths given by hand; those that somebody
    /// cancelled are left out.
    pub last_backups: Vec<LastBackup>,
    /// How far its clock is from the server's, either way; `None` before its first session.
    pub clock_skew: Option<Duration>,
}

/// How a backup ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastBackup {
    /// Of which group; `None` for paths given by hand.
    pub group: Option<SourceGroupName>,
    /// How.
    pub code: ResultCode,
    /// When.
    pub at: Timestamp,
}

/// The verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The word.
    pub health: Health,
    /// Why it is this word: all reasons of its rank, in the order of the rule. Empty for [`Health::Ok`] only.
    pub reasons: Vec<HealthReason>,
    /// Since when the first reason is there, as far as that is known.
    pub since: Option<Timestamp>,
}

/// Finds the reasons that a host gives for one rank.
type Rank = fn(&HostFacts) -> Vec<HealthReason>;

/// Judges a host. The first rank that has a reason is the verdict.
///
/// A backup that somebody cancelled says nothing about the host.
pub fn judge(facts: &HostFacts) -> Verdict {
    let ranks: [(Health, Rank); 6] = [
        (Health::Pending, pending),
        (Health::Failing, failing),
        (Health::Offline, |facts| silent(facts, true)),
        (Health::Warning, warning),
        (Health::Waiting, waiting),
        (Health::Asleep, |facts| silent(facts, false)),
    ];
    let (health, reasons) = ranks
        .into_iter()
        .map(|(health, find)| (health, find(facts)))
        .find(|(_, reasons)| !reasons.is_empty())
        .unwrap_or((Health::Ok, Vec::new()));
    let since = reasons.first().and_then(|reason| reason.since(facts.status_since));
    Verdict { health, reasons, since }
}

fn pending(facts: &HostFacts) -> Vec<HealthReason> {
    let is_pending = facts.status == HostStatus::Pending;
    is_pending.then_some(HealthReason::NeverConnected).into_iter().collect()
}

fn failing(facts: &HostFacts) -> Vec<HealthReason> {
    let status = match facts.status {
        HostStatus::Quarantined => Some(HealthReason::IdentityConflict),
        HostStatus::Revoked => Some(HealthReason::Revoked),
        HostStatus::Pending | HostStatus::Online | HostStatus::Offline => None,
    };
    let restic = (facts.has_restic == Some(false)).then_some(HealthReason::NoRestic);
    let repository = facts
        .repository
        .detail()
        .map(|detail| HealthReason::RepositoryUnusable(detail.code()));
    let backups = facts
        .last_backups
        .iter()
        .filter(|backup| backup.code.status() == Status::Failed)
        .map(|backup| HealthReason::BackupFailed(backup.clone()));
    status
        .into_iter()
        .chain(restic)
        .chain(repository)
        .chain(backups)
        .collect()
}

fn silent(facts: &HostFacts, is_always_on: bool) -> Vec<HealthReason> {
    let counts = facts.status == HostStatus::Offline && facts.is_always_on == is_always_on;
    counts
        .then_some(HealthReason::Silent(facts.silence))
        .into_iter()
        .collect()
}

fn warning(facts: &HostFacts) -> Vec<HealthReason> {
    const TOLERATED_SKEW: Duration = Duration::from_mins(2);

    let backups = facts
        .last_backups
        .iter()
        .filter(|backup| backup.code == ResultCode::Issues)
        .map(|backup| HealthReason::BackupWithIssues(backup.clone()));
    let skew = facts
        .clock_skew
        .filter(|skew| *skew > TOLERATED_SKEW)
        .map(HealthReason::ClockSkew);
    backups.chain(skew).collect()
}

fn waiting(facts: &HostFacts) -> Vec<HealthReason> {
    let has_backup = facts
        .last_backups
        .iter()
        .any(|backup| backup.code.status() == Status::Succeeded);
    let reason = if facts.repository == RepoStatus::Unset {
        Some(HealthReason::NoRepository)
    } else {
        (!has_backup).then_some(HealthReason::NoBackupYet)
    };
    reason.into_iter().collect()
}

impl Verdict {
    /// The first reason in one word; `None` for a host that is well.
    pub fn cause(&self) -> Option<Cause> {
        self.reasons.first().map(HealthReason::cause)
    }

    /// The first reason as a sentence; `None` for a host that is well.
    pub fn reason(&self) -> Option<String> {
        self.reasons.first().map(ToString::to_string)
    }
}

impl Health {
    /// All words, in the order of the rule.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Failing,
        Self::Offline,
        Self::Warning,
        Self::Waiting,
        Self::Asleep,
        Self::Ok,
    ];

    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failing => "failing",
            Self::Offline => "offline",
            Self::Warning => "warning",
            Self::Waiting => "waiting",
            Self::Asleep => "asleep",
            Self::Ok => "ok",
        }
    }

    /// Who should be looked at first: 0 is the worst.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Failing => 0,
            Self::Offline => 1,
            Self::Warning => 2,
            Self::Pending => 3,
            Self::Waiting => 4,
            Self::Asleep => 5,
            Self::Ok => 6,
        }
    }

    /// Whether somebody has to do something about it.
    pub const fn needs_attention(self) -> bool {
        match self {
            Self::Failing | Self::Offline | Self::Warning | Self::Pending => true,
            Self::Waiting | Self::Asleep | Self::Ok => false,
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Health {
    type Err = InvalidHealth;

    fn from_str(text: &str) -> Result<Self, InvalidHealth> {
        Self::ALL
            .into_iter()
            .find(|health| health.as_str() == text)
            .ok_or(InvalidHealth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut HostFacts);

    #[test]
    fn the_first_rank_with_a_reason_is_the_verdict() {
        let cases: [(&str, Change); 17] = [
            ("ok", |_| ()),
            ("pending", |facts| facts.status = HostStatus::Pending),
            ("pending", |facts| {
                facts.status = HostStatus::Pending;
                facts.repository = repository("error", "unreachable");
            }),
            ("failing", |facts| facts.status = HostStatus::Quarantined),
            ("failing", |facts| facts.status = HostStatus::Revoked),
            ("failing", |facts| facts.has_restic = Some(false)),
            ("failing", |facts| {
                facts.repository = repository("init_failed", "access_denied");
            }),
            ("failing", |facts| facts.last_backups.push(backup("db", "exit_1"))),
            ("failing", |facts| facts.last_backups.push(backup("db", "lost"))),
            ("failing", |facts| {
                facts.status = HostStatus::Offline;
                facts.last_backups.push(backup("db", "unreachable"));
            }),
            ("offline", |facts| {
                facts.status = HostStatus::Offline;
                facts.last_backups = vec![backup("db", "issues")];
            }),
            ("warning", |facts| facts.last_backups.push(backup("db", "issues"))),
            ("warning", |facts| facts.clock_skew = Some(Duration::from_secs(121))),
            ("ok", |facts| facts.last_backups.push(backup("db", "cancelled"))),
            ("waiting", |facts| facts.last_backups = vec![backup("db", "cancelled")]),
            ("waiting", |facts| {
                facts.last_backups.clear();
                facts.repository = RepoStatus::Unset;
                facts.is_always_on = false;
                facts.status = HostStatus::Offline;
            }),
            ("asleep", |facts| {
                facts.is_always_on = false;
                facts.status = HostStatus::Offline;
            }),
        ];
        for (number, (health, change)) in cases.into_iter().enumerate() {
            let mut facts = well();
            change(&mut facts);

            let verdict = judge(&facts);

            assert_eq!(verdict.health.as_str(), health, "case {number}: {facts:?}");
            assert_eq!(verdict.reasons.is_empty(), health == "ok", "case {number}");
        }
    }

    #[test]
    fn all_reasons_of_the_rank_are_given_as_sentences() {
        let mut facts = well();
        facts.repository = repository("error", "wrong_password");
        facts.last_backups = vec![backup("db", "wrong_password"), backup("etc", "issues")];

        let verdict = judge(&facts);

        assert_eq!(
            verdict.reasons,
            [
                HealthReason::RepositoryUnusable("wrong_password".parse().unwrap()),
                HealthReason::BackupFailed(backup("db", "wrong_password")),
            ]
        );
        assert_eq!(
            verdict.reasons[1].to_string(),
            "The last backup of db ended as wrong_password. The repository does not open with the stored password, so \
             nothing was saved. Set the right password and probe again."
        );
        assert_eq!(verdict.reason(), Some(verdict.reasons[0].to_string()));
    }

    #[test]
    fn a_verdict_is_as_old_as_its_first_reason() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).unwrap();
        let mut facts = well();
        facts.status_since = at(9);
        assert_eq!((judge(&facts).cause(), judge(&facts).since), (None, None));

        let failed = LastBackup {
            at: at(5),
            ..backup("db", "lost")
        };
        facts.last_backups = vec![
            LastBackup {
                at: at(7),
                ..backup("etc", "issues")
            },
            failed,
        ];
        let verdict = judge(&facts);
        assert_eq!(verdict.cause(), Some(Cause::BackupFailed(ResultCode::Lost)));
        assert_eq!(verdict.since, Some(at(5)));

        facts.status = HostStatus::Revoked;
        let verdict = judge(&facts);
        assert_eq!((verdict.cause(), verdict.since), (Some(Cause::Revoked), Some(at(9))));
    }

    #[test]
    fn whoever_needs_somebody_comes_before_whoever_does_not() {
        let mut by_urgency = Health::ALL;
        by_urgency.sort_by_key(|health| health.urgency());

        assert!(by_urgency.is_sorted_by_key(|health| !health.needs_attention()));
        assert_eq!((by_urgency[0], by_urgency[6]), (Health::Failing, Health::Ok));
        assert_eq!(by_urgency.map(Health::urgency), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn words_and_verdicts_agree() {
        for health in Health::ALL {
            assert_eq!(health.as_str().parse(), Ok(health));
        }
        assert_eq!("dead".parse::<Health>(), Err(InvalidHealth));
    }

    fn well() -> HostFacts {
        HostFacts {
            status: HostStatus::Online,
            status_since: Timestamp::UNIX_EPOCH,
            silence: None,
            is_always_on: true,
            has_restic: Some(true),
            repository: RepoStatus::Ready,
            last_backups: vec![backup("default", "ok")],
            clock_skew: Some(Duration::from_secs(1)),
        }
    }

    fn backup(group: &str, code: &str) -> LastBackup {
        LastBackup {
            group: Some(group.parse().unwrap()),
            code: code.parse().unwrap(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn repository(word: &str, detail: &str) -> RepoStatus {
        RepoStatus::from_stored(word, detail).unwrap()
    }
}
