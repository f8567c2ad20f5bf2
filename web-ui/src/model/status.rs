//! The one place where a state becomes a word, a tone and a shape.

use proto::v1::{Health, Host, HostStatus, Job, JobKind, JobPhase, RepoStatus};

use crate::i18n::t;

/// How loud a state is. Never the only sign: a word and a shape stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Verified good.
    Ok,
    /// Something should be looked at.
    Warn,
    /// Something is broken.
    Fail,
    /// At work.
    Run,
    /// Nothing is known, wanted or wrong.
    Off,
}

impl Tone {
    /// The CSS class of text in this tone.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Ok => "tone-ok",
            Self::Warn => "tone-warn",
            Self::Fail => "tone-fail",
            Self::Run => "tone-run",
            Self::Off => "tone-off",
        }
    }

    /// The CSS class of a pill or callout in this tone.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Run => "run",
            Self::Off => "off",
        }
    }
}

/// What is shown of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    /// The word.
    pub label: &'static str,
    /// How loud it is.
    pub tone: Tone,
    /// The id of its shape in the sprite.
    pub glyph: &'static str,
}

impl Badge {
    const fn new(label: &'static str, tone: Tone, glyph: &'static str) -> Self {
        Self { label, tone, glyph }
    }

    /// The same without its tone, where there is none of it.
    #[must_use]
    pub const fn muted(self) -> Self {
        Self {
            tone: Tone::Off,
            ..self
        }
    }

    /// Whether the shape turns.
    pub fn turns(self) -> bool {
        self.tone == Tone::Run
    }

    /// Whether it is nothing that anybody has to look at.
    pub fn is_quiet(self) -> bool {
        matches!(self.tone, Tone::Ok | Tone::Off)
    }
}

const UNKNOWN: Badge = Badge::new(t::STATE_UNKNOWN, Tone::Off, "g-pending");

/// A repository in whose place another one was found.
pub const REPLACED: Badge = Badge::new(t::REPO_REPLACED, Tone::Fail, "g-failing");
/// A repository that no host uses.
pub const UNUSED: Badge = Badge::new(t::REPO_UNUSED, Tone::Off, "g-pending");

/// The verdict on a host's backups.
pub fn health(health: Health) -> Badge {
    match health {
        Health::Unspecified => UNKNOWN,
        Health::Pending => Badge::new(t::HEALTH_PENDING, Tone::Off, "g-pending"),
        Health::Failing => Badge::new(t::HEALTH_FAILING, Tone::Fail, "g-failing"),
        Health::Offline => Badge::new(t::HEALTH_OFFLINE, Tone::Off, "g-offline"),
        Health::Warning => Badge::new(t::HEALTH_WARNING, Tone::Warn, "g-warning"),
        Health::Waiting => Badge::new(t::HEALTH_WAITING, Tone::Off, "g-waiting"),
        Health::Asleep => Badge::new(t::HEALTH_ASLEEP, Tone::Off, "g-asleep"),
        Health::Ok => Badge::new(t::HEALTH_OK, Tone::Ok, "g-ok"),
    }
}

/// Whether a host's agent is there.
pub fn connection(status: HostStatus) -> Badge {
    match status {
        HostStatus::Unspecified => UNKNOWN,
        HostStatus::Pending => Badge::new(t::CONNECTION_PENDING, Tone::Off, "g-pending"),
        HostStatus::Online => Badge::new(t::CONNECTION_ONLINE, Tone::Ok, "g-ok"),
        HostStatus::Offline => Badge::new(t::CONNECTION_OFFLINE, Tone::Off, "g-offline"),
        HostStatus::Quarantined => Badge::new(t::CONNECTION_QUARANTINED, Tone::Fail, "g-failing"),
        HostStatus::Revoked => Badge::new(t::CONNECTION_REVOKED, Tone::Fail, "g-failing"),
    }
}

/// How a repository is.
pub fn repository(status: RepoStatus) -> Badge {
    match status {
        RepoStatus::Unspecified => UNKNOWN,
        RepoStatus::Unset => Badge::new(t::REPO_UNSET, Tone::Off, "g-pending"),
        RepoStatus::Pending => Badge::new(t::REPO_PENDING, Tone::Off, "g-waiting"),
        RepoStatus::Initialising => Badge::new(t::REPO_INITIALISING, Tone::Run, "g-run"),
        RepoStatus::Ready => Badge::new(t::REPO_READY, Tone::Ok, "g-ok"),
        RepoStatus::InitFailed => Badge::new(t::REPO_INIT_FAILED, Tone::Fail, "g-failing"),
        RepoStatus::Error => Badge::new(t::REPO_ERROR, Tone::Fail, "g-failing"),
    }
}

/// Where a job is.
pub fn job(phase: JobPhase) -> Badge {
    let failed = |label| Badge::new(label, Tone::Fail, "g-failing");
    let ended = |label| Badge::new(label, Tone::Off, "g-cancelled");
    match phase {
        JobPhase::Unspecified => UNKNOWN,
        JobPhase::Queued | JobPhase::Sent | JobPhase::Accepted => Badge::new(t::JOB_QUEUED, Tone::Off, "g-pending"),
        JobPhase::Preparing | JobPhase::Running | JobPhase::Finalizing => {
            Badge::new(t::JOB_RUNNING, Tone::Run, "g-run")
        }
        JobPhase::Succeeded => Badge::new(t::JOB_SUCCEEDED, Tone::Ok, "g-ok"),
        JobPhase::Warning => Badge::new(t::JOB_WARNING, Tone::Warn, "g-warning"),
        JobPhase::Failed => failed(t::JOB_FAILED),
        JobPhase::TimedOut => failed(t::JOB_TIMED_OUT),
        JobPhase::Interrupted => failed(t::JOB_INTERRUPTED),
        JobPhase::Refused => failed(t::JOB_REFUSED),
        JobPhase::Cancelled => ended(t::JOB_CANCELLED),
        JobPhase::Expired => ended(t::JOB_EXPIRED),
        JobPhase::Lost => Badge::new(t::JOB_LOST, Tone::Warn, "g-stale"),
    }
}

/// What sort of work a job is.
pub const fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Unspecified => t::STATE_UNKNOWN,
        JobKind::Backup => t::KIND_BACKUP,
        JobKind::Init => t::KIND_INIT,
        JobKind::Probe => t::KIND_PROBE,
        JobKind::Snapshots => t::KIND_SNAPSHOTS,
        JobKind::Unlock => t::KIND_UNLOCK,
        JobKind::Stats => t::KIND_STATS,
    }
}

/// Whether a job has ended.
pub fn has_ended(job: &Job) -> bool {
    job.finished_at.is_some()
}

/// Why nobody can start a backup on a host at this moment; `None` when somebody can.
pub fn no_backup_because(host: &Host) -> Option<&'static str> {
    match (host.status(), host.repo_status()) {
        (HostStatus::Quarantined, _) => Some(t::NO_BACKUP_QUARANTINED),
        (HostStatus::Revoked, _) => Some(t::NO_BACKUP_REVOKED),
        (HostStatus::Pending, _) => Some(t::NO_BACKUP_PENDING),
        (_, RepoStatus::Unset) => Some(t::NO_BACKUP_UNSET),
        (_, RepoStatus::Ready) => None,
        (HostStatus::Unspecified | HostStatus::Online | HostStatus::Offline, _) => Some(t::NO_BACKUP_NOT_READY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_never_the_only_sign() {
        let badges: Vec<Badge> = (1..=7)
            .map(|number| health(Health::try_from(number).unwrap()))
            .collect();

        for (index, one) in badges.iter().enumerate() {
            for other in &badges[index + 1..] {
                assert_ne!(one.label, other.label);
                assert_ne!(one.glyph, other.glyph);
            }
        }
    }

    #[test]
    fn every_shape_is_in_the_sprite() {
        let sprite = include_str!("../../assets/sprite.svg");
        let phases = (0..=15).map(|number| job(JobPhase::try_from(number).unwrap()));
        let verdicts = (0..=7).map(|number| health(Health::try_from(number).unwrap()));
        let repositories = (0..=6).map(|number| repository(RepoStatus::try_from(number).unwrap()));
        let connections = (0..=5).map(|number| connection(HostStatus::try_from(number).unwrap()));

        for badge in phases.chain(verdicts).chain(repositories).chain(connections) {
            assert!(sprite.contains(&format!("id=\"{}\"", badge.glyph)), "{badge:?}");
        }
    }

    #[test]
    fn a_backup_needs_a_host_that_is_itself_and_a_ready_repository() {
        let cases = [
            (HostStatus::Online, RepoStatus::Ready, true),
            (HostStatus::Offline, RepoStatus::Ready, true),
            (HostStatus::Online, RepoStatus::Error, false),
            (HostStatus::Online, RepoStatus::Unset, false),
            (HostStatus::Pending, RepoStatus::Ready, false),
            (HostStatus::Quarantined, RepoStatus::Ready, false),
            (HostStatus::Revoked, RepoStatus::Ready, false),
        ];
        for (status, repository, can) in cases {
            let host = Host {
                status: status.into(),
                repo_status: repository.into(),
                ..Host::default()
            };
            assert_eq!(no_backup_because(&host).is_none(), can, "{status:?} {repository:?}");
        }
    }
}
