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
            JobKind::Init | JobKind::Backup | JobKind::Snapshots if self.is_replaced() => Err(NotAdmitted::Replaced),
            JobKind::Init if self.accepts_init() => Ok(()),
            JobKind::Init if self == Self::Initialising => Err(NotAdmitted::BeingMade),
            JobKind::Init => Err(NotAdmitted::IsMade),
            JobKind::Backup | JobKind::Snapshots if self.accepts_backups() => Ok(()),
            JobKind::Backup | JobKind::Snapshots if self == Self::Initialising => Err(NotAdmitted::BeingMade),
            JobKind::Backup | JobKind::Snapshots => Err(NotAdmitted::NotReady),
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
            assert_eq!(status.admit(JobKind::Snapshots, true), backup, "{status:?}");
            assert_eq!(status.admit(JobKind::Init, true), init, "{status:?}");
            assert_eq!(status.admit(JobKind::Probe, true), probe, "{status:?}");
        }
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
