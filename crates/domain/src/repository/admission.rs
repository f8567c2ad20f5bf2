//! Which jobs a repository admits as it is.

use super::RepoStatus;
use crate::job::JobKind;

/// Why a repository does not admit a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The host has no repository.
    NoRepository,
    /// There is no password to open it with.
    NoPassword,
    /// It was not opened yet.
    NotReady,
    /// Another one lies in its place, and no admin has confirmed that one.
    Replaced,
    /// It is being made.
    BeingMade,
    /// It was made.
    IsMade,
}

impl RepoStatus {
    /// Whether a job of this kind may be ordered on a repository that is so for its host. `password_set`: the host has a
    /// password to open it with.
    ///
    /// Source: features.md JOB-04, REP-09.
    pub fn admit(self, kind: JobKind, password_set: bool) -> Result<(), NotAdmitted> {
        if self == Self::Unset {
            return Err(NotAdmitted::NoRepository);
        }
        if !password_set {
            return Err(NotAdmitted::NoPassword);
        }
        match kind {
            JobKind::Probe => Ok(()),
            JobKind::Init | JobKind::Backup | JobKind::Snapshots | JobKind::Unlock | JobKind::Stats
                if self.is_replaced() =>
            {
                Err(NotAdmitted::Replaced)
            }
            JobKind::Init if self.accepts_init() => Ok(()),
            JobKind::Init if self == Self::Initialising => Err(NotAdmitted::BeingMade),
            JobKind::Init => Err(NotAdmitted::IsMade),
            JobKind::Backup | JobKind::Snapshots | JobKind::Unlock | JobKind::Stats if self.accepts_backups() => Ok(()),
            JobKind::Backup | JobKind::Snapshots | JobKind::Unlock | JobKind::Stats if self == Self::Initialising => {
                Err(NotAdmitted::BeingMade)
            }
            JobKind::Backup | JobKind::Snapshots | JobKind::Unlock | JobKind::Stats => Err(NotAdmitted::NotReady),
        }
    }

    /// Whether the repository may be made anew, whatever was known of it: it is gone, or another one lies there that
    /// somebody is about to remove. The init itself fails where a repository is.
    ///
    /// Source: features.md REP-09.
    pub fn admit_reinit(self, password_set: bool) -> Result<(), NotAdmitted> {
        match self {
            Self::Unset => Err(NotAdmitted::NoRepository),
            Self::Initialising => Err(NotAdmitted::BeingMade),
            Self::Pending | Self::Ready | Self::InitFailed(_) | Self::Error(_) if password_set => Ok(()),
            Self::Pending | Self::Ready | Self::InitFailed(_) | Self::Error(_) => Err(NotAdmitted::NoPassword),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::RepoDetail;

    #[test]
    fn every_status_admits_what_makes_sense_in_it() {
        let unreachable = RepoStatus::from_stored("error", "unreachable").unwrap();
        let failed = RepoStatus::from_stored("init_failed", "wrong_password").unwrap();
        let replaced = RepoStatus::Error(RepoDetail::REPLACED);
        let ok = Ok(());
        for (status, backup, init, probe) in [
            (RepoStatus::Pending, Err(NotAdmitted::NotReady), ok, ok),
            (
                RepoStatus::Initialising,
                Err(NotAdmitted::BeingMade),
                Err(NotAdmitted::BeingMade),
                ok,
            ),
            (RepoStatus::Ready, ok, Err(NotAdmitted::IsMade), ok),
            (failed, Err(NotAdmitted::NotReady), ok, ok),
            (unreachable, ok, Err(NotAdmitted::IsMade), ok),
            (replaced, Err(NotAdmitted::Replaced), Err(NotAdmitted::Replaced), ok),
        ] {
            assert_eq!(status.admit(JobKind::Backup, true), backup, "{status:?}");
            for kind in [JobKind::Snapshots, JobKind::Unlock, JobKind::Stats] {
                assert_eq!(status.admit(kind, true), backup, "{status:?}");
            }
            assert_eq!(status.admit(JobKind::Init, true), init, "{status:?}");
            assert_eq!(status.admit(JobKind::Probe, true), probe, "{status:?}");
        }
    }

    #[test]
    fn a_repository_is_made_anew_unless_it_is_being_made_or_cannot_be() {
        for (word, detail, expected) in [
            ("unset", "", Err(NotAdmitted::NoRepository)),
            ("pending", "", Ok(())),
            ("initialising", "", Err(NotAdmitted::BeingMade)),
            ("ready", "", Ok(())),
            ("init_failed", "unreachable", Ok(())),
            ("error", "repo_missing", Ok(())),
            ("error", "repository_replaced", Ok(())),
        ] {
            let status = RepoStatus::from_stored(word, detail).unwrap();

            assert_eq!(status.admit_reinit(true), expected, "{word}");
        }
        assert_eq!(RepoStatus::Ready.admit_reinit(false), Err(NotAdmitted::NoPassword));
    }

    #[test]
    fn nothing_runs_without_repository_or_password() {
        for kind in JobKind::ALL {
            assert_eq!(
                RepoStatus::Unset.admit(kind, true),
                Err(NotAdmitted::NoRepository),
                "{kind}"
            );
            assert_eq!(
                RepoStatus::Ready.admit(kind, false),
                Err(NotAdmitted::NoPassword),
                "{kind}"
            );
        }
    }
}
