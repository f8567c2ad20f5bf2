//! [`FirstJob`]: whether a host's repository has to be made or looked at before it can be used.

use std::fmt;

use super::RepoStatus;

/// What is known about a host and its repository when the question comes up: at the host's session, when its credentials
/// have changed, or when another host has made the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepositorySituation {
    /// How the host's repository is.
    pub status: RepoStatus,
    /// Whether the password that opens it is set.
    pub password_set: bool,
    /// Some job has seen it, so it exists.
    pub seen: bool,
    /// What was tried before.
    pub tried: Tried,
}

/// Which jobs there were on a repository before. Of several that are true the last one named here counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tried {
    /// The host was given no init of it, and no host has made it.
    Nothing,
    /// The host was given an init of it, whatever became of that, or another host has made it.
    Init,
    /// Another host makes it at the moment.
    InitElsewhere,
    /// An init or a probe of this host waits or runs.
    Underway,
}

/// Which job a host needs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstJob {
    /// Makes the repository, or adopts what is there.
    Init,
    /// The repository is there, or should be: finds out whether it opens.
    Probe,
    /// None.
    None(WhyNone),
}

/// Why a host needs no job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNone {
    /// The host has no repository.
    NoRepository,
    /// There is no password to open it with.
    NoPassword,
    /// Such a job waits or runs.
    Underway,
    /// Another host makes the repository; what follows is decided when that has ended.
    InitElsewhere,
    /// It was tried, and the result stands until a person does something.
    Settled,
}

impl RepositorySituation {
    /// Decides for a host that has come online. What failed is not tried again by itself.
    ///
    /// Source: features.md REP-06.
    pub const fn first_job(self) -> FirstJob {
        match self.status {
            RepoStatus::Unset => FirstJob::None(WhyNone::NoRepository),
            RepoStatus::Initialising => FirstJob::None(WhyNone::Underway),
            RepoStatus::Ready | RepoStatus::InitFailed(_) | RepoStatus::Error(_) => FirstJob::None(WhyNone::Settled),
            RepoStatus::Pending if !self.password_set => FirstJob::None(WhyNone::NoPassword),
            RepoStatus::Pending => match self.tried {
                Tried::Underway => FirstJob::None(WhyNone::Underway),
                Tried::InitElsewhere => FirstJob::None(WhyNone::InitElsewhere),
                Tried::Init => FirstJob::Probe,
                Tried::Nothing if self.seen => FirstJob::Probe,
                Tried::Nothing => FirstJob::Init,
            },
        }
    }

    /// Decides for an online host whose credentials have changed: a person did something, so what failed is tried again.
    ///
    /// Source: features.md REP-04.
    pub const fn job_after_change(self) -> FirstJob {
        match self.status {
            RepoStatus::Ready | RepoStatus::InitFailed(_) | RepoStatus::Error(_) if self.password_set => {
                FirstJob::Probe
            }
            RepoStatus::Ready | RepoStatus::InitFailed(_) | RepoStatus::Error(_) => FirstJob::None(WhyNone::NoPassword),
            RepoStatus::Unset | RepoStatus::Pending | RepoStatus::Initialising => self.first_job(),
        }
    }
}

impl fmt::Display for WhyNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRepository => "the host has no repository",
            Self::NoPassword => "there is no password to open the repository with",
            Self::Underway => "an init or a probe waits or runs",
            Self::InitElsewhere => "another host makes the repository",
            Self::Settled => "the repository was tried before",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::RepoDetail;

    const FRESH: RepositorySituation = RepositorySituation {
        status: RepoStatus::Pending,
        password_set: true,
        seen: false,
        tried: Tried::Nothing,
    };

    #[test]
    fn a_host_that_comes_online_makes_its_repository_once() {
        let failed = RepoStatus::InitFailed(RepoDetail::REPLACED);
        for (situation, expected) in [
            (FRESH, FirstJob::Init),
            (RepositorySituation { seen: true, ..FRESH }, FirstJob::Probe),
            (
                RepositorySituation {
                    tried: Tried::Init,
                    ..FRESH
                },
                FirstJob::Probe,
            ),
            (with(RepoStatus::Unset), FirstJob::None(WhyNone::NoRepository)),
            (with(RepoStatus::Initialising), FirstJob::None(WhyNone::Underway)),
            (with(RepoStatus::Ready), FirstJob::None(WhyNone::Settled)),
            (with(failed), FirstJob::None(WhyNone::Settled)),
            (
                RepositorySituation {
                    password_set: false,
                    ..FRESH
                },
                FirstJob::None(WhyNone::NoPassword),
            ),
            (
                RepositorySituation {
                    tried: Tried::Underway,
                    ..FRESH
                },
                FirstJob::None(WhyNone::Underway),
            ),
            (
                RepositorySituation {
                    tried: Tried::InitElsewhere,
                    ..FRESH
                },
                FirstJob::None(WhyNone::InitElsewhere),
            ),
            (
                RepositorySituation {
                    tried: Tried::InitElsewhere,
                    seen: true,
                    ..FRESH
                },
                FirstJob::None(WhyNone::InitElsewhere),
            ),
        ] {
            assert_eq!(situation.first_job(), expected, "{situation:?}");
        }
    }

    #[test]
    fn changed_credentials_are_probed_also_where_an_init_had_failed() {
        let error = RepoStatus::Error(RepoDetail::REPLACED);
        let failed = RepoStatus::InitFailed(RepoDetail::REPLACED);
        for (situation, expected) in [
            (FRESH, FirstJob::Init),
            (with(RepoStatus::Ready), FirstJob::Probe),
            (with(error), FirstJob::Probe),
            (with(failed), FirstJob::Probe),
            (with(RepoStatus::Initialising), FirstJob::None(WhyNone::Underway)),
            (with(RepoStatus::Unset), FirstJob::None(WhyNone::NoRepository)),
            (
                RepositorySituation {
                    password_set: false,
                    ..with(failed)
                },
                FirstJob::None(WhyNone::NoPassword),
            ),
        ] {
            assert_eq!(situation.job_after_change(), expected, "{situation:?}");
        }
    }

    fn with(status: RepoStatus) -> RepositorySituation {
        RepositorySituation { status, ..FRESH }
    }
}
