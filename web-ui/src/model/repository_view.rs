//! What is said of a repository: how it is, why, and what may be done with it.

use domain::job::JobKind as DomainKind;
use domain::repository::RepoDetail;
use proto::v1::{Host, HostStatus, RepoStatus, Repository};

use super::status::{self, Badge, Tone};
use super::untrusted::visible;
use crate::i18n::t;

/// How a repository is, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub badge: Badge,
    /// Why, in a few words; may be empty.
    pub why: String,
    /// What it means and what to do next; may be empty.
    pub advice: String,
}

/// The worst that is known of a repository: what a list shows, and what its page says first.
pub fn verdict(repository: &Repository) -> Verdict {
    if let Some(found) = repository.replacements.first() {
        return Verdict {
            badge: status::REPLACED,
            why: t::found_by(&visible(&found.hostname), repository.replacements.len() - 1),
            advice: t::REPLACED_TEXT.to_owned(),
        };
    }
    let Some(worst) = repository.host_states.first() else {
        return Verdict {
            badge: status::UNUSED,
            why: String::new(),
            advice: t::UNUSED_TEXT.to_owned(),
        };
    };
    let detail = detail(&worst.detail);
    let only_some = worst.hosts < repository.host_count;
    let share = only_some.then(|| t::hosts_of(worst.hosts, repository.host_count));
    Verdict {
        badge: status::repository(worst.status()),
        why: detail.into_iter().chain(share).collect::<Vec<_>>().join(", "),
        advice: advice(worst.status(), &worst.detail),
    }
}

/// Why a host finds its repository as it does, in a few words; `None` when there is nothing to say.
pub fn detail(word: &str) -> Option<String> {
    let known = match word {
        "" => return None,
        "wrong_password" => t::DETAIL_WRONG_PASSWORD,
        "repo_missing" => t::DETAIL_REPO_MISSING,
        "unreachable" => t::DETAIL_UNREACHABLE,
        "access_denied" => t::DETAIL_ACCESS_DENIED,
        "locked" => t::DETAIL_LOCKED,
        "no_space" => t::DETAIL_NO_SPACE,
        "restic_missing" => t::DETAIL_RESTIC_MISSING,
        "restic_too_old" => t::DETAIL_RESTIC_TOO_OLD,
        "repository_replaced" => t::DETAIL_REPLACED,
        "invalid_repo_url" => t::DETAIL_INVALID_URL,
        other => return Some(visible(other)),
    };
    Some(known.to_owned())
}

/// What a state means and what to do about it.
fn advice(status: RepoStatus, word: &str) -> String {
    match status {
        RepoStatus::InitFailed | RepoStatus::Error => {
            let known = word.parse::<RepoDetail>();
            known.map_or_else(|_| String::new(), |detail| detail.code().advice(DomainKind::Probe))
        }
        RepoStatus::Pending => t::PENDING_TEXT.to_owned(),
        RepoStatus::Initialising => t::INITIALISING_TEXT.to_owned(),
        RepoStatus::Unspecified | RepoStatus::Unset | RepoStatus::Ready => String::new(),
    }
}

/// Work on a repository that somebody orders from one of its hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Look whether it answers and opens.
    Probe,
    /// Make it, or adopt what is there.
    Init,
    /// Count what it takes.
    Stats,
    /// Remove locks that were left behind.
    Unlock,
}

impl Work {
    /// All of it, in the order in which it is shown.
    pub const ALL: [Self; 4] = [Self::Probe, Self::Init, Self::Stats, Self::Unlock];

    /// As the server names it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Init => "init",
            Self::Stats => "stats",
            Self::Unlock => "unlock",
        }
    }

    /// What the button says.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Probe => t::WORK_PROBE,
            Self::Init => t::WORK_INIT,
            Self::Stats => t::WORK_STATS,
            Self::Unlock => t::WORK_UNLOCK,
        }
    }

    /// Why this host cannot do it at the moment; `None` when it can.
    pub fn not_now(self, host: &Host) -> Option<&'static str> {
        match host.status() {
            HostStatus::Online => {}
            HostStatus::Unspecified | HostStatus::Offline => return Some(t::WORK_OFFLINE),
            HostStatus::Pending => return Some(t::NO_BACKUP_PENDING),
            HostStatus::Quarantined => return Some(t::NO_BACKUP_QUARANTINED),
            HostStatus::Revoked => return Some(t::NO_BACKUP_REVOKED),
        }
        let is_replaced = host.repo_status_detail == "repository_replaced";
        match (self, host.repo_status()) {
            (Self::Probe, _) | (Self::Init, RepoStatus::Pending | RepoStatus::InitFailed) => None,
            (Self::Init | Self::Stats | Self::Unlock, _) if is_replaced => Some(t::WORK_REPLACED),
            (Self::Init | Self::Stats | Self::Unlock, RepoStatus::Initialising) => Some(t::REPO_INITIALISING),
            (Self::Init, RepoStatus::Ready | RepoStatus::Error) => Some(t::WORK_IS_MADE),
            (Self::Stats | Self::Unlock, RepoStatus::Ready | RepoStatus::Error) => None,
            (Self::Init | Self::Stats | Self::Unlock, RepoStatus::Unspecified | RepoStatus::Unset)
            | (Self::Stats | Self::Unlock, RepoStatus::Pending | RepoStatus::InitFailed) => {
                Some(t::NO_BACKUP_NOT_READY)
            }
        }
    }
}

/// The host that work is ordered from unless somebody chooses another: the first that is there.
pub fn usual_host(hosts: &[Host]) -> Option<&Host> {
    hosts
        .iter()
        .find(|host| host.status() == HostStatus::Online)
        .or_else(|| hosts.first())
}

/// How many times smaller something is, such as `2.4×`; `None` when it is not known.
pub fn times(ratio: Option<f64>) -> Option<String> {
    ratio.map(|ratio| format!("{ratio:.1}\u{d7}"))
}

/// How a lock is to be looked at: whether its owner may still be at work. A restic that lives renews its lock every five
/// minutes.
pub fn lock_badge(since: i64, now: i64) -> Badge {
    const STALE_AFTER: i64 = 30 * 60 * 1000;
    let is_old = now.saturating_sub(since) > STALE_AFTER;
    Badge {
        label: if is_old { t::LOCK_OLD } else { t::LOCK_FRESH },
        tone: if is_old { Tone::Warn } else { Tone::Off },
        glyph: if is_old { "g-stale" } else { "g-waiting" },
    }
}

#[cfg(test)]
mod tests {
    use proto::v1::{Replacement, RepositoryHostState};

    use super::*;

    #[test]
    fn the_worst_state_is_said_with_its_cause_and_its_share() {
        let mut repository = repository(&[(RepoStatus::Error, "wrong_password", 2), (RepoStatus::Ready, "", 5)]);

        let found = verdict(&repository);
        assert_eq!(found.badge, status::repository(RepoStatus::Error));
        assert_eq!(
            found.why,
            format!("{}, {}", t::DETAIL_WRONG_PASSWORD, t::hosts_of(2, 7))
        );
        assert!(found.advice.contains("Set the right password"), "{}", found.advice);

        repository.replacements.push(Replacement {
            hostname: "evil\u{202e}".to_owned(),
            ..Replacement::default()
        });
        let found = verdict(&repository);
        assert_eq!(found.badge, status::REPLACED);
        assert_eq!(found.why, t::found_by("evil\u{fffd}", 0));
    }

    #[test]
    fn a_state_of_all_hosts_needs_no_share_and_an_unused_one_says_what_happens_next() {
        let ready = verdict(&repository(&[(RepoStatus::Ready, "", 5)]));
        assert_eq!((ready.why.as_str(), ready.advice.as_str()), ("", ""));
        let unused = verdict(&repository(&[]));
        assert_eq!((unused.badge, unused.advice.as_str()), (status::UNUSED, t::UNUSED_TEXT));
        let newer = verdict(&repository(&[(RepoStatus::Error, "a_newer_word", 1)]));
        assert_eq!(newer.why, "a_newer_word");
    }

    #[test]
    fn every_cause_that_a_server_names_has_words() {
        for word in [
            "wrong_password",
            "repo_missing",
            "unreachable",
            "access_denied",
            "locked",
            "no_space",
            "restic_missing",
            "restic_too_old",
            "repository_replaced",
            "invalid_repo_url",
        ] {
            assert!(word.parse::<RepoDetail>().is_ok(), "{word}");
            assert_ne!(detail(word).as_deref(), Some(word));
            assert!(!advice(RepoStatus::Error, word).is_empty(), "{word}");
        }
    }

    #[test]
    fn work_is_offered_where_the_server_would_take_it() {
        let states = [
            (RepoStatus::Pending, "", [true, true, false, false]),
            (RepoStatus::Initialising, "", [true, false, false, false]),
            (RepoStatus::Ready, "", [true, false, true, true]),
            (RepoStatus::InitFailed, "wrong_password", [true, true, false, false]),
            (RepoStatus::Error, "unreachable", [true, false, true, true]),
            (RepoStatus::Error, "repository_replaced", [true, false, false, false]),
        ];
        for (status, detail, expected) in states {
            let mut host = Host {
                status: HostStatus::Online.into(),
                repo_status: status.into(),
                repo_status_detail: detail.to_owned(),
                ..Host::default()
            };
            let offered = Work::ALL.map(|work| work.not_now(&host).is_none());
            assert_eq!(offered, expected, "{status:?} {detail}");
            // The server's own table says the same.
            let word = match status {
                RepoStatus::Unspecified | RepoStatus::Unset => "unset",
                RepoStatus::Pending => "pending",
                RepoStatus::Initialising => "initialising",
                RepoStatus::Ready => "ready",
                RepoStatus::InitFailed => "init_failed",
                RepoStatus::Error => "error",
            };
            let known = domain::repository::RepoStatus::from_stored(word, detail).unwrap();
            let admitted = Work::ALL.map(|work| known.admit(work.kind().parse().unwrap(), true).is_ok());
            assert_eq!(offered, admitted, "{status:?} {detail}");

            host.status = HostStatus::Offline.into();
            assert!(Work::ALL.iter().all(|work| work.not_now(&host).is_some()));
        }
    }

    #[test]
    fn work_is_ordered_from_a_host_that_is_there() {
        let host = |name: &str, status: HostStatus| Host {
            id: name.to_owned(),
            status: status.into(),
            ..Host::default()
        };
        let hosts = [host("a", HostStatus::Offline), host("b", HostStatus::Online)];
        assert_eq!(usual_host(&hosts).map(|host| host.id.as_str()), Some("b"));
        assert_eq!(usual_host(&hosts[..1]).map(|host| host.id.as_str()), Some("a"));
        assert_eq!(usual_host(&[]), None);
    }

    #[test]
    fn a_lock_that_nobody_renews_stands_out() {
        assert_eq!(lock_badge(0, 29 * 60 * 1000).label, t::LOCK_FRESH);
        assert_eq!(lock_badge(0, 31 * 60 * 1000).label, t::LOCK_OLD);
        assert_eq!(times(Some(2.44)).as_deref(), Some("2.4\u{d7}"));
    }

    fn repository(states: &[(RepoStatus, &str, u64)]) -> Repository {
        Repository {
            host_count: states.iter().map(|(_, _, hosts)| hosts).sum(),
            host_states: states
                .iter()
                .map(|(status, detail, hosts)| RepositoryHostState {
                    status: (*status).into(),
                    detail: (*detail).to_owned(),
                    hosts: *hosts,
                })
                .collect(),
            ..Repository::default()
        }
    }
}
