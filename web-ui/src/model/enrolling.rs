//! The way of a host from its token to its first backup, as a list of steps.

use proto::v1::{Health, Host, HostStatus, RepoStatus};

use crate::i18n::t;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens in it, as a heading.
    pub what: &'static str,
    /// How far it is.
    pub state: StepState,
    /// What more there is to say; may be empty.
    pub detail: String,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// An earlier one is not done.
    Waiting,
    /// It is what happens now.
    Active,
    /// It is done.
    Done,
    /// It did not work.
    Failed,
}

impl StepState {
    /// The CSS class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Waiting => "",
            Self::Active => "active",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The word for those who do not see the shape.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => t::STEP_TO_COME,
            Self::Active => t::STEP_ACTIVE,
            Self::Done => t::STEP_DONE,
            Self::Failed => t::STEP_FAILED,
        }
    }
}

/// The steps of a host to be; `None` before anything has enrolled with its token.
pub fn steps(host: Option<&Host>) -> Vec<Step> {
    let facts = host.map_or([Fact::Open; 5], facts);
    let runs = host.is_some_and(|host| host.running_job_id.is_some());
    let texts = [
        (
            t::ENROLL_TOKEN,
            host.map_or_else(|| t::ENROLL_TOKEN_WAITS.to_owned(), |_| String::new()),
        ),
        (t::ENROLL_CONNECTED, host.map(system).unwrap_or_default()),
        (
            t::ENROLL_RESTIC,
            host.map(|host| host.restic_version.clone()).unwrap_or_default(),
        ),
        (
            t::ENROLL_REPOSITORY,
            host.map(|host| host.repo_status_detail.clone()).unwrap_or_default(),
        ),
        (t::ENROLL_BACKUP, host.map(first_backup).unwrap_or_default()),
    ];
    let mut before_is_done = true;
    texts
        .into_iter()
        .zip(facts)
        .map(|((what, detail), fact)| {
            let state = match fact {
                Fact::Done => StepState::Done,
                Fact::Failed => StepState::Failed,
                // The first backup is nobody's turn but the operator's until it runs.
                Fact::Open if before_is_done && (what != t::ENROLL_BACKUP || runs) => StepState::Active,
                Fact::Open => StepState::Waiting,
            };
            before_is_done &= state == StepState::Done;
            Step { what, state, detail }
        })
        .collect()
}

/// How many steps are done.
pub fn done(steps: &[Step]) -> usize {
    steps.iter().filter(|step| step.state == StepState::Done).count()
}

#[derive(Clone, Copy)]
enum Fact {
    Open,
    Done,
    Failed,
}

fn facts(host: &Host) -> [Fact; 5] {
    let if_done = |done: bool| if done { Fact::Done } else { Fact::Open };
    let was_connected = host.last_seen_at.is_some() && host.status() != HostStatus::Pending;
    let restic = match (host.restic_version.is_empty(), was_connected) {
        (false, _) => Fact::Done,
        (true, true) => Fact::Failed,
        (true, false) => Fact::Open,
    };
    let repository = match host.repo_status() {
        RepoStatus::Ready => Fact::Done,
        RepoStatus::InitFailed | RepoStatus::Error => Fact::Failed,
        RepoStatus::Unspecified | RepoStatus::Unset | RepoStatus::Pending | RepoStatus::Initialising => Fact::Open,
    };
    let backup = match (host.last_backup_status.as_str(), host.health()) {
        ("ok" | "issues", _) => Fact::Done,
        ("", _) | (_, Health::Waiting) => Fact::Open,
        _ => Fact::Failed,
    };
    [Fact::Done, if_done(was_connected), restic, repository, backup]
}

fn system(host: &Host) -> String {
    let parts = [host.os_version.as_str(), host.arch.as_str()];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn first_backup(host: &Host) -> String {
    match (host.running_job_id.is_some(), host.last_backup_status.as_str()) {
        (true, _) => t::ENROLL_BACKUP_RUNS.to_owned(),
        (false, "") => t::ENROLL_BACKUP_WAITS.to_owned(),
        (false, code) => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Host);

    #[test]
    fn each_step_waits_for_the_one_before() {
        use StepState::{Active, Done, Failed, Waiting};
        let cases: [(Option<Change>, [StepState; 5]); 8] = [
            (None, [Active, Waiting, Waiting, Waiting, Waiting]),
            (
                Some(|host| {
                    host.status = HostStatus::Pending.into();
                    host.restic_version.clear();
                }),
                [Done, Active, Waiting, Waiting, Waiting],
            ),
            (
                Some(|host| host.restic_version = String::new()),
                [Done, Done, Failed, Waiting, Waiting],
            ),
            (Some(|_| {}), [Done, Done, Done, Active, Waiting]),
            (
                Some(|host| host.repo_status = RepoStatus::InitFailed.into()),
                [Done, Done, Done, Failed, Waiting],
            ),
            (
                Some(|host| host.repo_status = RepoStatus::Ready.into()),
                [Done, Done, Done, Done, Waiting],
            ),
            (
                Some(|host| {
                    host.repo_status = RepoStatus::Ready.into();
                    host.running_job_id = Some(String::new());
                }),
                [Done, Done, Done, Done, Active],
            ),
            (
                Some(|host| {
                    host.repo_status = RepoStatus::Ready.into();
                    host.last_backup_status = "ok".to_owned();
                }),
                [Done, Done, Done, Done, Done],
            ),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            let host = change.map(|change| {
                let mut host = connected();
                change(&mut host);
                host
            });

            let found: Vec<StepState> = steps(host.as_ref()).into_iter().map(|step| step.state).collect();

            assert_eq!(found, expected, "case {index}");
        }
    }

    fn connected() -> Host {
        Host {
            status: HostStatus::Online.into(),
            last_seen_at: Some(pbjson_types::Timestamp::default()),
            restic_version: "0.18.1".to_owned(),
            repo_status: RepoStatus::Pending.into(),
            ..Host::default()
        }
    }
}
