//! Hosts.

use domain::fleet::{DeleteHost, HostOrder, HostQuery, HostView, LastEndedBackup, RevokeHost, UpdateHost};
use domain::health::Health;
use domain::host::{HostStatus, Inventory};
use domain::id::HostId;
use domain::name::{InvalidTags, Tags};
use domain::repository::RepoStatus;
use pbjson_types::ListValue;
use pbjson_types::value::Kind;

use super::{Invalid, optional, page_with_limits, parse, required, to_timestamp};
use crate::v1;

/// The longest search text, in bytes.
const SEARCH_LIMIT: usize = 256;
/// The most words of a search text.
const WORDS_LIMIT: usize = 16;

impl TryFrom<v1::ListHostsRequest> for HostQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListHostsRequest) -> Result<Self, Invalid> {
        let v1::ListHostsRequest {
            q,
            status,
            health,
            tag,
            repo_status,
            order_by,
            page_size,
            page_token,
            repository_id,
        } = message;
        Ok(Self {
            words: words(&q)?,
            status: host_status(status)?,
            health: health_filter(health)?,
            tag: optional("tag", &tag)?,
            repo_status: repo_status_filter(repo_status)?,
            repository: optional("repository_id", &repository_id)?,
            order: optional::<HostOrder>("order_by", &order_by)?.unwrap_or_default(),
            page: page_with_limits(page_size, page_token, 1000, 1000)?,
        })
    }
}

impl TryFrom<v1::GetHostRequest> for HostId {
    type Error = Invalid;

    fn try_from(message: v1::GetHostRequest) -> Result<Self, Invalid> {
        let v1::GetHostRequest { id } = message;
        required("id", &id)
    }
}

impl TryFrom<v1::UpdateHostRequest> for UpdateHost {
    type Error = Invalid;

    fn try_from(message: v1::UpdateHostRequest) -> Result<Self, Invalid> {
        let v1::UpdateHostRequest {
            id,
            hostname,
            tags: labels,
            always_on,
            limit_upload_kib_s,
            limit_download_kib_s,
            version,
        } = message;
        Ok(Self {
            id: required("id", &id)?,
            hostname: hostname.map(|name| parse("hostname", &name)).transpose()?,
            tags: labels.map(|labels| tags(&texts("tags", labels)?)).transpose()?,
            is_always_on: always_on,
            limit_upload_kib_per_s: limit_upload_kib_s,
            limit_download_kib_per_s: limit_download_kib_s,
            version: version.ok_or_else(|| Invalid::missing("version"))?,
        })
    }
}

impl TryFrom<v1::DeleteHostRequest> for DeleteHost {
    type Error = Invalid;

    fn try_from(message: v1::DeleteHostRequest) -> Result<Self, Invalid> {
        let v1::DeleteHostRequest { id, confirm_hostname } = message;
        Ok(Self {
            id: required("id", &id)?,
            confirmation: confirmation(confirm_hostname)?,
        })
    }
}

impl TryFrom<v1::RevokeHostRequest> for RevokeHost {
    type Error = Invalid;

    fn try_from(message: v1::RevokeHostRequest) -> Result<Self, Invalid> {
        let v1::RevokeHostRequest { id, confirm_hostname } = message;
        Ok(Self {
            id: required("id", &id)?,
            confirmation: confirmation(confirm_hostname)?,
        })
    }
}

impl TryFrom<v1::ReleaseQuarantineRequest> for HostId {
    type Error = Invalid;

    fn try_from(message: v1::ReleaseQuarantineRequest) -> Result<Self, Invalid> {
        let v1::ReleaseQuarantineRequest { id } = message;
        required("id", &id)
    }
}

fn confirmation(hostname: String) -> Result<String, Invalid> {
    if hostname.is_empty() {
        return Err(Invalid::missing("confirm_hostname"));
    }
    Ok(hostname)
}

impl From<HostView> for v1::Host {
    fn from(host: HostView) -> Self {
        let HostView {
            id,
            hostname,
            restic_host,
            inventory,
            protocol_version,
            status,
            status_since,
            last_seen_at,
            enrolled_at,
            certificate_ends_at,
            tags,
            repository_id,
            repo_status,
            snapshot_count,
            last_backup,
            last_success_at,
            recent_runs,
            running_job_id,
            desired_version,
            applied_version,
            is_always_on,
            health,
            health_reason,
            health_cause,
            health_since,
            limit_upload_kib_per_s,
            limit_download_kib_per_s,
            version,
        } = host;
        let Inventory {
            hostname: reported_hostname,
            os,
            os_version,
            arch,
            kernel: _,
            time_zone,
            agent_version,
            restic_version,
            restic_path: _,
            cpu_count: _,
            memory: _,
        } = inventory;
        let (last_backup_at, last_backup_status) = match last_backup {
            Some(LastEndedBackup { at, code }) => (Some(to_timestamp(at)), code.to_string()),
            None => (None, String::new()),
        };
        Self {
            id: id.to_string(),
            hostname: hostname.to_string(),
            reported_hostname: reported_hostname.to_string(),
            os: os.to_string(),
            arch: arch.to_string(),
            os_version: os_version.to_string(),
            agent_version: agent_version.to_string(),
            restic_version: restic_version.map(|version| version.to_string()).unwrap_or_default(),
            protocol_version: protocol_version.unwrap_or_default(),
            status: v1::HostStatus::from(status).into(),
            status_since: Some(to_timestamp(status_since)),
            last_seen_at: last_seen_at.map(to_timestamp),
            enrolled_at: Some(to_timestamp(enrolled_at)),
            certificate_ends_at: certificate_ends_at.map(to_timestamp),
            tags: tags.iter().map(ToString::to_string).collect(),
            repository_id: repository_id.map(|id| id.to_string()),
            repo_status: v1::RepoStatus::from(repo_status).into(),
            repo_status_detail: repo_status
                .detail()
                .map(|detail| detail.to_string())
                .unwrap_or_default(),
            snapshot_count,
            last_backup_at,
            last_backup_status,
            running_job_id: running_job_id.map(|id| id.to_string()),
            desired_version,
            applied_version,
            always_on: is_always_on,
            time_zone: time_zone.map(|zone| zone.to_string()).unwrap_or_default(),
            health: v1::Health::from(health).into(),
            health_reason,
            health_cause: health_cause.map(|cause| cause.word().to_owned()).unwrap_or_default(),
            health_since: health_since.map(to_timestamp),
            last_success_at: last_success_at.map(to_timestamp),
            recent_runs: recent_runs.to_string(),
            restic_host: restic_host.to_string(),
            limit_upload_kib_s: limit_upload_kib_per_s,
            limit_download_kib_s: limit_download_kib_per_s,
            version,
        }
    }
}

impl From<HostStatus> for v1::HostStatus {
    fn from(status: HostStatus) -> Self {
        match status {
            HostStatus::Pending => Self::Pending,
            HostStatus::Online => Self::Online,
            HostStatus::Offline => Self::Offline,
            HostStatus::Quarantined => Self::Quarantined,
            HostStatus::Revoked => Self::Revoked,
        }
    }
}

impl From<Health> for v1::Health {
    fn from(health: Health) -> Self {
        match health {
            Health::Pending => Self::Pending,
            Health::Failing => Self::Failing,
            Health::Offline => Self::Offline,
            Health::Warning => Self::Warning,
            Health::Waiting => Self::Waiting,
            Health::Asleep => Self::Asleep,
            Health::Ok => Self::Ok,
        }
    }
}

impl From<RepoStatus> for v1::RepoStatus {
    fn from(status: RepoStatus) -> Self {
        match status {
            RepoStatus::Unset => Self::Unset,
            RepoStatus::Pending => Self::Pending,
            RepoStatus::Initialising => Self::Initialising,
            RepoStatus::Ready => Self::Ready,
            RepoStatus::InitFailed(_) => Self::InitFailed,
            RepoStatus::Error(_) => Self::Error,
        }
    }
}

fn words(text: &str) -> Result<Vec<String>, Invalid> {
    if text.len() > SEARCH_LIMIT || text.chars().any(char::is_control) {
        return Err(Invalid::argument(
            "q",
            format!("text of at most {SEARCH_LIMIT} bytes without control characters is needed"),
        ));
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    if words.len() > WORDS_LIMIT {
        return Err(Invalid::argument(
            "q",
            format!("at most {WORDS_LIMIT} words are looked for"),
        ));
    }
    Ok(words)
}

fn host_status(number: i32) -> Result<Option<HostStatus>, Invalid> {
    let status =
        v1::HostStatus::try_from(number).map_err(|_| Invalid::argument("status", domain::host::InvalidHostStatus))?;
    Ok(match status {
        v1::HostStatus::Unspecified => None,
        v1::HostStatus::Pending => Some(HostStatus::Pending),
        v1::HostStatus::Online => Some(HostStatus::Online),
        v1::HostStatus::Offline => Some(HostStatus::Offline),
        v1::HostStatus::Quarantined => Some(HostStatus::Quarantined),
        v1::HostStatus::Revoked => Some(HostStatus::Revoked),
    })
}

fn health_filter(number: i32) -> Result<Option<Health>, Invalid> {
    let health =
        v1::Health::try_from(number).map_err(|_| Invalid::argument("health", domain::health::InvalidHealth))?;
    Ok(match health {
        v1::Health::Unspecified => None,
        v1::Health::Pending => Some(Health::Pending),
        v1::Health::Failing => Some(Health::Failing),
        v1::Health::Offline => Some(Health::Offline),
        v1::Health::Warning => Some(Health::Warning),
        v1::Health::Waiting => Some(Health::Waiting),
        v1::Health::Asleep => Some(Health::Asleep),
        v1::Health::Ok => Some(Health::Ok),
    })
}

fn repo_status_filter(number: i32) -> Result<Option<&'static str>, Invalid> {
    let status = v1::RepoStatus::try_from(number).map_err(|_| {
        Invalid::argument(
            "repo_status",
            format!("one of {} is needed", RepoStatus::WORDS.join(", ")),
        )
    })?;
    let [unset, pending, initialising, ready, init_failed, error] = RepoStatus::WORDS;
    Ok(match status {
        v1::RepoStatus::Unspecified => None,
        v1::RepoStatus::Unset => Some(unset),
        v1::RepoStatus::Pending => Some(pending),
        v1::RepoStatus::Initialising => Some(initialising),
        v1::RepoStatus::Ready => Some(ready),
        v1::RepoStatus::InitFailed => Some(init_failed),
        v1::RepoStatus::Error => Some(error),
    })
}

/// Reads labels; the field of a bad one says which it is.
pub(super) fn tags(labels: &[String]) -> Result<Tags, Invalid> {
    Tags::parse(labels).map_err(|error| match error {
        InvalidTags::TooMany => Invalid::argument("tags", error),
        InvalidTags::Tag { index } | InvalidTags::Twice { index } => Invalid::argument(format!("tags[{index}]"), error),
    })
}

fn texts(field: &str, list: ListValue) -> Result<Vec<String>, Invalid> {
    let text = |(index, value): (usize, pbjson_types::Value)| match value.kind {
        Some(Kind::StringValue(text)) => Ok(text),
        None
        | Some(
            Kind::NullValue(_) | Kind::NumberValue(_) | Kind::BoolValue(_) | Kind::StructValue(_) | Kind::ListValue(_),
        ) => Err(Invalid::argument(format!("{field}[{index}]"), "text is needed")),
    };
    list.values.into_iter().enumerate().map(text).collect()
}

#[cfg(test)]
mod tests {
    use domain::fleet::HostOrderKey;
    use domain::health::Cause;
    use domain::{ErrorCode, Timestamp};
    use pbjson_types::Value;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_query_asks_for_all_hosts_by_name() {
        let query = HostQuery::try_from(v1::ListHostsRequest::default()).unwrap();

        assert_eq!(query.words, Vec::<String>::new());
        assert_eq!(
            (
                query.status,
                query.health,
                query.tag,
                query.repo_status,
                query.repository
            ),
            (None, None, None, None, None)
        );
        assert_eq!(
            (query.order.key, query.order.descending),
            (HostOrderKey::Hostname, false)
        );
        assert_eq!(query.page.size.get(), 1000);
    }

    #[test]
    fn filters_of_every_status_are_read_as_they_are_written() {
        for status in HostStatus::ALL {
            assert_eq!(host_status(v1::HostStatus::from(status).into()), Ok(Some(status)));
        }
        for health in Health::ALL {
            assert_eq!(health_filter(v1::Health::from(health).into()), Ok(Some(health)));
        }
        for word in RepoStatus::WORDS {
            let detail = if matches!(word, "error" | "init_failed") {
                "unreachable"
            } else {
                ""
            };
            let status = RepoStatus::from_stored(word, detail).unwrap();

            assert_eq!(repo_status_filter(v1::RepoStatus::from(status).into()), Ok(Some(word)));
        }
    }

    #[test]
    fn a_bad_filter_names_its_field() {
        let base = v1::ListHostsRequest::default;
        for (message, field) in [
            (
                v1::ListHostsRequest {
                    q: "x".repeat(257),
                    ..base()
                },
                "q",
            ),
            (
                v1::ListHostsRequest {
                    q: "a\0".into(),
                    ..base()
                },
                "q",
            ),
            (
                v1::ListHostsRequest {
                    q: "a ".repeat(17),
                    ..base()
                },
                "q",
            ),
            (v1::ListHostsRequest { status: 99, ..base() }, "status"),
            (v1::ListHostsRequest { health: -1, ..base() }, "health"),
            (
                v1::ListHostsRequest {
                    repo_status: 99,
                    ..base()
                },
                "repo_status",
            ),
            (
                v1::ListHostsRequest {
                    tag: "a b".into(),
                    ..base()
                },
                "tag",
            ),
            (
                v1::ListHostsRequest {
                    repository_id: "nas".into(),
                    ..base()
                },
                "repository_id",
            ),
            (
                v1::ListHostsRequest {
                    order_by: "size".into(),
                    ..base()
                },
                "order_by",
            ),
            (
                v1::ListHostsRequest {
                    page_size: 1001,
                    ..base()
                },
                "page_size",
            ),
        ] {
            let refused = HostQuery::try_from(message).unwrap_err();

            assert_eq!(refused.code(), ErrorCode::InvalidArgument, "{refused:?}");
            assert_eq!(refused.problems()[0].field, field);
        }
    }

    #[test]
    fn an_update_says_what_changes_and_needs_the_version() {
        let message = v1::UpdateHostRequest {
            id: ID.into(),
            tags: Some(list(["web", "db"])),
            limit_upload_kib_s: Some(0),
            version: Some(7),
            ..v1::UpdateHostRequest::default()
        };

        let update = UpdateHost::try_from(message.clone()).unwrap();

        assert_eq!(update.tags, Some(Tags::parse(&["db", "web"]).unwrap()));
        assert_eq!((update.hostname, update.is_always_on), (None, None));
        assert_eq!(
            (update.limit_upload_kib_per_s, update.limit_download_kib_per_s),
            (Some(0), None)
        );
        let refused = UpdateHost::try_from(v1::UpdateHostRequest {
            version: None,
            ..message.clone()
        })
        .unwrap_err();
        assert_eq!(
            (refused.code(), refused.problems()[0].field.as_str()),
            (ErrorCode::MissingField, "version")
        );
        let number = ListValue {
            values: vec![Value {
                kind: Some(Kind::NumberValue(1.0)),
            }],
        };
        for (message, field) in [
            (
                v1::UpdateHostRequest {
                    hostname: Some(String::new()),
                    ..message.clone()
                },
                "hostname",
            ),
            (
                v1::UpdateHostRequest {
                    tags: Some(number),
                    ..message.clone()
                },
                "tags[0]",
            ),
            (
                v1::UpdateHostRequest {
                    tags: Some(list(["a", "b c"])),
                    ..message.clone()
                },
                "tags[1]",
            ),
        ] {
            let refused = UpdateHost::try_from(message).unwrap_err();

            assert_eq!(
                (refused.code(), refused.problems()[0].field.as_str()),
                (ErrorCode::InvalidArgument, field)
            );
        }
    }

    #[test]
    fn deleting_and_revoking_need_their_confirmation() {
        let (id, confirm_hostname) = (ID.to_owned(), String::new());
        let delete = v1::DeleteHostRequest {
            id: id.clone(),
            confirm_hostname: confirm_hostname.clone(),
        };
        let revoke = v1::RevokeHostRequest { id, confirm_hostname };

        for refused in [
            DeleteHost::try_from(delete).unwrap_err(),
            RevokeHost::try_from(revoke).unwrap_err(),
        ] {
            assert_eq!(
                (refused.code(), refused.problems()[0].field.as_str()),
                (ErrorCode::MissingField, "confirm_hostname")
            );
        }
    }

    proptest! {
        /// What a host shows can be read back from the message: nothing is dropped or swapped on the way.
        #[test]
        fn a_host_is_shown_whole(host in any_host()) {
            let shown = v1::Host::from(host.clone());

            prop_assert_eq!(read_back(shown), host);
        }
    }

    fn any_host() -> impl Strategy<Value = HostView> {
        let numbers = (
            any::<u64>(),
            any::<u64>(),
            any::<u64>(),
            any::<u64>(),
            any::<u32>(),
            any::<u32>(),
        );
        let words = ("[a-z]{1,9}", "[a-z]{1,9}", "[a-zA-Z .]{0,20}");
        let states = (
            prop::sample::select(&HostStatus::ALL[..]),
            prop::sample::select(&Health::ALL[..]),
            prop::sample::select(
                &[
                    ("unset", ""),
                    ("ready", ""),
                    ("error", "locked"),
                    ("init_failed", "exit_7"),
                ][..],
            ),
        );
        let maybe = (any::<Option<u128>>(), any::<Option<u128>>(), any::<bool>(), 1_u32..9);
        (0_i64..4_000_000_000, numbers, words, states, maybe).prop_map(|(time, numbers, words, states, maybe)| {
            let at = |offset| Timestamp::from_seconds(time + offset, 0).unwrap();
            let uuid = uuid_of;
            HostView {
                id: HostId::from_uuid(uuid(u128::from(numbers.0))),
                hostname: words.0.parse().unwrap(),
                restic_host: words.1.parse().unwrap(),
                inventory: Inventory {
                    hostname: words.1.as_str().into(),
                    os: "linux".into(),
                    os_version: words.2.trim().into(),
                    arch: "x86_64".into(),
                    time_zone: maybe.2.then(|| "Europe/Berlin".into()),
                    agent_version: "0.1.0".into(),
                    restic_version: maybe.2.then(|| "0.18.0".into()),
                    ..Inventory::default()
                },
                protocol_version: maybe.2.then_some(maybe.3),
                status: states.0,
                status_since: at(1),
                last_seen_at: maybe.2.then(|| at(2)),
                enrolled_at: at(3),
                certificate_ends_at: maybe.2.then(|| at(5)),
                tags: Tags::parse(&[words.0, format!("{}:x", words.1)]).unwrap(),
                repository_id: maybe.0.map(|id| domain::id::RepositoryId::from_uuid(uuid(id))),
                repo_status: RepoStatus::from_stored(states.2.0, states.2.1).unwrap(),
                snapshot_count: numbers.1,
                last_backup: maybe.2.then(|| LastEndedBackup {
                    at: at(4),
                    code: "issues".parse().unwrap(),
                }),
                last_success_at: maybe.2.then(|| at(6)),
                recent_runs: format!("ok*{},failed", maybe.3).parse().unwrap(),
                running_job_id: maybe.1.map(|id| domain::id::JobId::from_uuid(uuid(id))),
                desired_version: numbers.2,
                applied_version: numbers.3,
                is_always_on: maybe.2,
                health: states.1,
                health_reason: words.2,
                health_cause: maybe.2.then_some(Cause::Silent),
                health_since: maybe.2.then(|| at(7)),
                limit_upload_kib_per_s: numbers.4,
                limit_download_kib_per_s: numbers.5,
                version: numbers.0,
            }
        })
    }

    fn read_back(shown: v1::Host) -> HostView {
        let time = |time: pbjson_types::Timestamp| super::super::from_timestamp("t", &time).unwrap();
        let some_text = |text: String| (!text.is_empty()).then_some(text);
        HostView {
            id: shown.id.parse().unwrap(),
            hostname: shown.hostname.parse().unwrap(),
            restic_host: shown.restic_host.parse().unwrap(),
            inventory: Inventory {
                hostname: shown.reported_hostname.into(),
                os: shown.os.into(),
                os_version: shown.os_version.into(),
                arch: shown.arch.into(),
                time_zone: some_text(shown.time_zone).map(Into::into),
                agent_version: shown.agent_version.into(),
                restic_version: some_text(shown.restic_version).map(Into::into),
                ..Inventory::default()
            },
            protocol_version: (shown.protocol_version != 0).then_some(shown.protocol_version),
            status: host_status(shown.status).unwrap().unwrap(),
            status_since: time(shown.status_since.unwrap()),
            last_seen_at: shown.last_seen_at.map(time),
            enrolled_at: time(shown.enrolled_at.unwrap()),
            certificate_ends_at: shown.certificate_ends_at.map(time),
            tags: tags(&shown.tags).unwrap(),
            repository_id: shown.repository_id.map(|id| id.parse().unwrap()),
            repo_status: RepoStatus::from_stored(
                repo_status_filter(shown.repo_status).unwrap().unwrap(),
                &shown.repo_status_detail,
            )
            .unwrap(),
            snapshot_count: shown.snapshot_count,
            last_backup: shown.last_backup_at.map(|at| LastEndedBackup {
                at: time(at),
                code: shown.last_backup_status.parse().unwrap(),
            }),
            last_success_at: shown.last_success_at.map(time),
            recent_runs: shown.recent_runs.parse().unwrap(),
            running_job_id: shown.running_job_id.map(|id| id.parse().unwrap()),
            desired_version: shown.desired_version,
            applied_version: shown.applied_version,
            is_always_on: shown.always_on,
            health: health_filter(shown.health).unwrap().unwrap(),
            health_reason: shown.health_reason,
            health_cause: some_text(shown.health_cause).map(|cause| cause.parse().unwrap()),
            health_since: shown.health_since.map(time),
            limit_upload_kib_per_s: shown.limit_upload_kib_s,
            limit_download_kib_per_s: shown.limit_download_kib_s,
            version: shown.version,
        }
    }

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn uuid_of(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }

    fn list<const N: usize>(texts: [&str; N]) -> ListValue {
        let value = |text: &str| Value {
            kind: Some(Kind::StringValue(text.to_owned())),
        };
        ListValue {
            values: texts.map(value).into(),
        }
    }
}
