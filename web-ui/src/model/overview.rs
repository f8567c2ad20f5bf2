//! What the overview says of the whole fleet: one sentence, a tile for each health, and what needs somebody.

use proto::v1::{Attention, FleetSummary, Health};

use super::format::count;
use super::hosts_query::HostsQuery;
use super::status::{self, Badge, Tone};
use super::untrusted::visible;
use crate::i18n::t;

/// The most hosts that are shown as cards.
pub const CARDS: u64 = 24;
/// The most hosts of which the worst are shown as a table; above that the list of what needs somebody says enough.
pub const TABLE: u64 = 500;

/// What is shown of the hosts themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Density {
    /// All of them as cards.
    Cards,
    /// The worst as a table.
    Worst,
    /// None beside those that need somebody.
    Problems,
}

/// What is shown of so many hosts.
pub fn density(hosts: u64) -> Density {
    if hosts <= CARDS {
        Density::Cards
    } else if hosts <= TABLE {
        Density::Worst
    } else {
        Density::Problems
    }
}

/// How the fleet stands, the first that is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is no host.
    NoHosts,
    /// No backup of any host has ended.
    FirstBackup,
    /// Some hosts need somebody.
    NeedSomebody,
    /// Some hosts have not been backed up yet.
    SomeWait,
    /// All are well, and backups run.
    BackingUp,
    /// All are well.
    Protected,
}

/// A piece of the second line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it says.
    pub text: String,
    /// The list that its number counts; empty for what counts nothing.
    pub href: String,
}

/// One number of the fleet, and the list that it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// The health.
    pub badge: Badge,
    /// How many hosts.
    pub count: u64,
    /// Their list.
    pub href: String,
    /// What more there is to say; may be empty.
    pub meta: String,
    /// Since when the first of them is so, in milliseconds since 1970, where that is known.
    pub since: Option<i64>,
}

/// What needs somebody, as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How bad it is.
    pub badge: Badge,
    /// Why, in few words.
    pub cause: String,
    /// The host or repository.
    pub object: String,
    /// Its page.
    pub object_href: String,
    /// How many hosts, when there are several.
    pub more: String,
    /// What happened and what to do next.
    pub detail: String,
    /// Since when, in milliseconds since 1970.
    pub since: Option<i64>,
    /// What the link to the fix says.
    pub fix: &'static str,
    /// Where the fix is.
    pub fix_href: String,
}

/// How many hosts need somebody.
pub fn needing(summary: &FleetSummary) -> u64 {
    summary.failing + summary.health_offline + summary.warning + summary.health_pending
}

/// How the fleet stands. `backing_up` says whether backups run.
pub fn standing(summary: &FleetSummary, backing_up: bool) -> Standing {
    if summary.hosts == 0 {
        Standing::NoHosts
    } else if summary.last_backup_at.is_none() {
        Standing::FirstBackup
    } else if needing(summary) > 0 {
        Standing::NeedSomebody
    } else if summary.waiting > 0 {
        Standing::SomeWait
    } else if backing_up {
        Standing::BackingUp
    } else {
        Standing::Protected
    }
}

/// The sentence.
pub fn sentence(standing: Standing, summary: &FleetSummary) -> String {
    let (needing, hosts) = (needing(summary), count(summary.hosts));
    match standing {
        Standing::NoHosts => t::NO_HOSTS.to_owned(),
        Standing::FirstBackup => t::FIRST_BACKUP.to_owned(),
        Standing::NeedSomebody => t::hosts_need_you(needing, &count(needing), summary.hosts, &hosts),
        Standing::SomeWait => t::hosts_wait(summary.waiting, &count(summary.waiting), summary.hosts, &hosts),
        Standing::BackingUp => t::BACKING_UP.to_owned(),
        Standing::Protected => t::PROTECTED.to_owned(),
    }
}

/// The shape before the sentence: that of the worst there is.
pub fn badge(standing: Standing, summary: &FleetSummary) -> Badge {
    let health = match standing {
        Standing::NeedSomebody if summary.failing > 0 => Health::Failing,
        Standing::NeedSomebody if summary.warning > 0 => Health::Warning,
        Standing::NeedSomebody if summary.health_offline > 0 => Health::Offline,
        Standing::NeedSomebody | Standing::NoHosts => Health::Pending,
        Standing::FirstBackup | Standing::SomeWait => Health::Waiting,
        Standing::BackingUp => {
            return Badge {
                label: t::JOB_RUNNING,
                tone: Tone::Run,
                glyph: "g-run",
            };
        }
        Standing::Protected => Health::Ok,
    };
    status::health(health)
}

/// The second line: how many hosts are in which state, each number a link. What there is none of is not said.
pub fn parts(summary: &FleetSummary) -> Vec<Part> {
    let all = Part {
        text: t::hosts_counted(summary.hosts, &count(summary.hosts)),
        href: "/hosts".to_owned(),
    };
    let some = |number: u64, text: fn(&str) -> String, health| {
        (number > 0 && number < summary.hosts).then(|| Part {
            text: text(&count(number)),
            href: of_health(health),
        })
    };
    let running = (summary.running_jobs > 0).then(|| Part {
        text: t::jobs_run(summary.running_jobs, &count(summary.running_jobs)),
        href: "/jobs?status=running&range=all".to_owned(),
    });
    [
        Some(all),
        some(summary.failing, t::are_failing, Health::Failing),
        some(summary.health_offline, t::are_silent, Health::Offline),
        some(summary.warning, t::have_warnings, Health::Warning),
        some(summary.health_pending, t::never_came, Health::Pending),
        some(waiting(summary), t::are_waiting, Health::Waiting),
        some(summary.health_asleep, t::are_asleep, Health::Asleep),
        some(summary.ok, t::are_backed_up, Health::Ok),
        running,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Hosts that have connected and not been backed up.
fn waiting(summary: &FleetSummary) -> u64 {
    summary.waiting.saturating_sub(summary.health_pending)
}

/// A tile for each health, what is well first. `lines` tell since when.
pub fn tiles(summary: &FleetSummary, lines: &[Attention]) -> Vec<Tile> {
    let tile = |health, number| Tile {
        badge: status::health(health),
        count: number,
        href: of_health(health),
        meta: String::new(),
        since: (lines.iter())
            .filter(|line| line.health() == health && number > 0)
            .filter_map(|line| crate::millis!(line.since))
            .min(),
    };
    let per_mille = (summary.ok * 1000).checked_div(summary.hosts);
    vec![
        Tile {
            meta: per_mille.map(t::share).unwrap_or_default(),
            ..tile(Health::Ok, summary.ok)
        },
        tile(Health::Warning, summary.warning),
        tile(Health::Failing, summary.failing),
        tile(Health::Offline, summary.health_offline),
        tile(Health::Pending, summary.health_pending),
        tile(Health::Waiting, waiting(summary)),
        tile(Health::Asleep, summary.health_asleep),
    ]
}

fn of_health(health: Health) -> String {
    HostsQuery::default().with_health(health).path()
}

/// What needs somebody, in the order of the server.
pub fn rows(lines: &[Attention]) -> Vec<Row> {
    lines.iter().map(row).collect()
}

fn row(line: &Attention) -> Row {
    let cause = t::cause(&visible(&line.cause), &line.result_code);
    let alone = line.hosts.first().filter(|_| line.host_count == 1);
    let (object, object_href) = match (alone, &line.repository_id) {
        (Some(host), _) => (visible(&host.hostname), format!("/hosts/{}", host.id)),
        (None, Some(repository)) => (visible(&line.repository_name), format!("/repositories/{repository}")),
        (None, None) => (t::more_hosts(line.host_count), of_health(line.health())),
    };
    let (fix, fix_href) = match alone {
        Some(host) => fix(line, &host.id),
        None => (t::FIX_LIST, of_health(line.health())),
    };
    Row {
        badge: status::health(line.health()),
        cause,
        object,
        object_href,
        more: if alone.is_none() && line.repository_id.is_some() {
            t::more_hosts(line.host_count)
        } else {
            String::new()
        },
        detail: visible(&line.reason),
        since: crate::millis!(line.since),
        fix,
        fix_href,
    }
}

/// Where one host's trouble is mended.
fn fix(line: &Attention, host: &str) -> (&'static str, String) {
    let (fix, tab) = match line.cause.as_str() {
        "identity_conflict" => (t::FIX_IDENTITY, "/settings"),
        "repository_unusable" | "no_repository" => (t::FIX_REPOSITORY, "/repository"),
        "backup_failed" => (t::FIX_BACKUP, "/jobs"),
        "backup_with_issues" => (t::FIX_ISSUES, "/jobs"),
        "silent" | "never_connected" | "clock_skew" => (t::FIX_CONNECTION, "/settings"),
        _ => (t::FIX_OPEN, ""),
    };
    (fix, format!("/hosts/{host}{tab}"))
}

#[cfg(test)]
mod tests {
    use pbjson_types::Timestamp;
    use proto::v1::AttentionHost;

    use super::*;

    fn fleet(ok: u64) -> FleetSummary {
        FleetSummary {
            hosts: ok,
            ok,
            last_backup_at: Some(Timestamp::default()),
            ..FleetSummary::default()
        }
    }

    #[test]
    fn the_sentence_says_the_most_important_thing() {
        let none = FleetSummary::default();
        let first = FleetSummary {
            hosts: 2,
            waiting: 2,
            health_pending: 1,
            ..none
        };
        let failing = FleetSummary {
            hosts: 1204,
            failing: 2,
            warning: 1,
            ..fleet(1201)
        };
        let one = FleetSummary {
            hosts: 1,
            failing: 1,
            ..fleet(0)
        };
        let waiting = FleetSummary {
            hosts: 3,
            waiting: 1,
            ..fleet(2)
        };
        let cases = [
            (none, false, t::NO_HOSTS),
            (first, false, t::FIRST_BACKUP),
            (failing, true, "3 of 1,204 hosts need you"),
            (one, false, "Your host needs you"),
            (waiting, true, "1 of 3 hosts waits for its first backup"),
            (fleet(3), true, t::BACKING_UP),
            (fleet(3), false, t::PROTECTED),
        ];
        for (summary, backing_up, expected) in cases {
            let standing = standing(&summary, backing_up);
            assert_eq!(sentence(standing, &summary), expected, "{standing:?}");
        }
    }

    #[test]
    fn the_more_hosts_the_less_of_each() {
        use Density::{Cards, Problems, Worst};

        let shown = [1, 24, 25, 500, 501, 10_000].map(density);

        assert_eq!(shown, [Cards, Cards, Worst, Worst, Problems, Problems]);
    }

    #[test]
    fn only_a_fleet_that_is_all_well_is_green() {
        let unwell = [
            FleetSummary { failing: 1, ..fleet(2) },
            FleetSummary { warning: 1, ..fleet(2) },
            FleetSummary {
                health_offline: 1,
                ..fleet(2)
            },
            FleetSummary { waiting: 1, ..fleet(2) },
            FleetSummary {
                last_backup_at: None,
                ..fleet(2)
            },
            FleetSummary::default(),
        ];
        for summary in unwell {
            let tone = badge(standing(&summary, false), &summary).tone;
            assert_ne!(tone, Tone::Ok, "{summary:?}");
        }
        assert_eq!(badge(standing(&fleet(2), false), &fleet(2)).tone, Tone::Ok);
    }

    #[test]
    fn every_number_of_the_second_line_is_a_link_and_nothing_is_said_of_none() {
        let summary = FleetSummary {
            hosts: 10,
            failing: 2,
            waiting: 3,
            health_pending: 1,
            running_jobs: 1,
            ..fleet(5)
        };

        let said: Vec<(String, String)> = parts(&summary).into_iter().map(|part| (part.text, part.href)).collect();

        let expected = [
            ("10 hosts", "/hosts"),
            ("2 failing", "/hosts?health=failing"),
            ("1 never connected", "/hosts?health=pending"),
            ("2 waiting for a first backup", "/hosts?health=waiting"),
            ("5 backed up", "/hosts?health=ok"),
            ("1 job runs", "/jobs?status=running&range=all"),
        ];
        assert_eq!(said, expected.map(|(text, href)| (text.to_owned(), href.to_owned())));
        assert_eq!(parts(&fleet(3)).len(), 1, "that all are backed up is the sentence");
    }

    #[test]
    fn the_tiles_count_each_host_once() {
        let summary = FleetSummary {
            hosts: 1204,
            failing: 2,
            waiting: 4,
            health_pending: 3,
            health_offline: 5,
            health_asleep: 1,
            warning: 16,
            ..fleet(1176)
        };
        let line = Attention {
            health: Health::Failing.into(),
            since: Some(Timestamp { seconds: 9, nanos: 0 }),
            ..Attention::default()
        };

        let tiles = tiles(&summary, &[line]);

        assert_eq!(tiles.iter().map(|tile| tile.count).sum::<u64>(), summary.hosts);
        assert_eq!(tiles[0].meta, "97.6 % of the fleet");
        let failing = tiles.iter().find(|tile| tile.href == "/hosts?health=failing").unwrap();
        assert_eq!((failing.count, failing.since), (2, Some(9000)));
    }

    #[test]
    fn a_row_names_its_host_or_what_its_hosts_share_and_leads_to_the_fix() {
        let host = AttentionHost {
            id: "1".to_owned(),
            hostname: "web-02\u{202e}".to_owned(),
        };
        let line = |cause: &str, code: &str, hosts, repository: Option<&str>| Attention {
            health: Health::Failing.into(),
            cause: cause.to_owned(),
            result_code: code.to_owned(),
            host_count: hosts,
            hosts: vec![host.clone()],
            repository_id: repository.map(str::to_owned),
            repository_name: "eu".to_owned(),
            ..Attention::default()
        };
        let cases = [
            (
                line("backup_failed", "locked", 1, Some("9")),
                "Repository locked",
                "web-02\u{fffd}",
                "/hosts/1",
                "/hosts/1/jobs",
            ),
            (
                line("repository_unusable", "wrong_password", 7, Some("9")),
                "Wrong password",
                "eu",
                "/repositories/9",
                "/hosts?health=failing",
            ),
            (
                line("backup_with_issues", "", 17, None),
                "Unreadable files",
                "17 hosts",
                "/hosts?health=failing",
                "/hosts?health=failing",
            ),
            (
                line("identity_conflict", "", 1, None),
                "Two machines, one identity",
                "web-02\u{fffd}",
                "/hosts/1",
                "/hosts/1/settings",
            ),
            (
                line("bad_weather", "", 1, None),
                "bad weather",
                "web-02\u{fffd}",
                "/hosts/1",
                "/hosts/1",
            ),
        ];
        for (line, cause, object, object_href, fix_href) in cases {
            let row = row(&line);
            assert_eq!(
                (
                    row.cause.as_str(),
                    row.object.as_str(),
                    row.object_href.as_str(),
                    row.fix_href.as_str()
                ),
                (cause, object, object_href, fix_href)
            );
        }
    }

    #[test]
    fn every_cause_of_the_server_has_words_of_its_own() {
        use domain::health::Cause;

        for cause in [
            Cause::NeverConnected,
            Cause::IdentityConflict,
            Cause::Revoked,
            Cause::NoRestic,
            Cause::Silent,
            Cause::BackupWithIssues,
            Cause::ClockSkew,
            Cause::NoRepository,
        ] {
            assert_ne!(t::cause(cause.word(), ""), cause.word().replace('_', " "), "{cause:?}");
        }
    }
}
