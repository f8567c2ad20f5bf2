//! What the server says.

use std::time::Duration;

use domain::id::CommandId;
use domain::path::BackupPaths;
use domain::session::{
    AgentSettings, BackupOrder, Command, DesiredKind, DesiredSet, DesiredState, Goodbye, GoodbyeReason, HeldRepository,
    Instruction, Stamp, Welcome, Work,
};
use domain::{ErrorCode, ReportedText, Secret};
use proto::agent::v1;
use proto::convert::{Invalid, from_timestamp, optional, required};

use crate::core::Received;

/// A message of the server, read.
#[derive(Debug)]
pub enum Incoming {
    /// It says this.
    Received(Box<Received>),
    /// It says nothing that this version knows, or breaks the protocol; what is wrong with it.
    Unusable(String),
}

/// Reads a message. `known` says whether the inbox holds a command.
pub fn incoming(message: v1::ServerMessage, known: impl FnOnce(CommandId) -> bool) -> Incoming {
    use v1::server_message::Body;

    let Some(body) = message.body else {
        return Incoming::Unusable("a message without a body".to_owned());
    };
    let received = match body {
        Body::Welcome(message) => welcome(message).map(Received::Welcome),
        Body::Heartbeat(v1::Heartbeat {}) => Ok(Received::Heartbeat),
        Body::Ack(v1::Ack { through_seq }) => Ok(Received::Ack { through: through_seq }),
        Body::LogCredit(message) => log_credit(&message),
        Body::SetCredentials(message) => Ok(set_credentials(message)),
        Body::SetSettings(message) => Ok(set_settings(message)),
        Body::SetTrustBundle(message) => Ok(set_trust_bundle(message)),
        Body::Command(message) => command(message, known),
        Body::Goodbye(message) => Ok(Received::Goodbye(goodbye(&message))),
        Body::CertificateOffer(v1::CertificateOffer {
            certificate_pem,
            // The certificate says so itself.
            not_after: _,
        }) => Ok(Received::CertificateOffer { certificate_pem }),
        Body::RenewRefused(message) => renew_refused(message),
    };
    match received {
        Ok(received) => Incoming::Received(Box::new(received)),
        Err(invalid) => Incoming::Unusable(why(&invalid)),
    }
}

fn welcome(message: v1::Welcome) -> Result<Welcome, Invalid> {
    let v1::Welcome {
        protocol,
        session_id,
        session_epoch,
        acknowledged_seq,
        heartbeat_interval,
        server_time,
        log_window_bytes,
        reconnect_spread,
    } = message;
    let server_time = server_time.ok_or_else(|| Invalid::missing("server_time"))?;
    Ok(Welcome {
        protocol,
        session: required("session_id", &session_id)?,
        epoch: session_epoch,
        acknowledged_seq,
        heartbeat: duration("heartbeat_interval", heartbeat_interval)?.unwrap_or(Duration::from_secs(30)),
        server_time: from_timestamp("server_time", &server_time)?,
        log_window_bytes,
        reconnect_spread: duration("reconnect_spread", reconnect_spread)?.unwrap_or_default(),
    })
}

fn renew_refused(message: v1::RenewRefused) -> Result<Received, Invalid> {
    let v1::RenewRefused {
        code,
        message,
        retry_after,
    } = message;
    let is_temporary = [ErrorCode::RateLimited, ErrorCode::HostNotActive]
        .iter()
        .any(|temporary| temporary.as_str() == code);
    let message: ReportedText<500> = message.into();
    Ok(Received::RenewRefused {
        why: format!("{message} ({})", ReportedText::<64>::from(code)),
        retry_after: duration("retry_after", retry_after)?,
        is_temporary,
    })
}

fn log_credit(message: &v1::LogCredit) -> Result<Received, Invalid> {
    let v1::LogCredit {
        job_id,
        next_line,
        bytes,
    } = message;
    Ok(Received::LogCredit {
        job: required("job_id", job_id)?,
        next_line: *next_line,
        bytes: u64::from(*bytes),
    })
}

fn set_credentials(message: v1::SetCredentials) -> Received {
    let v1::SetCredentials {
        version,
        hash,
        repositories,
    } = message;
    let set: Result<Vec<_>, Invalid> = repositories.into_iter().map(held_repository).collect();
    desired(
        version,
        hash,
        DesiredKind::Credentials,
        set.map(DesiredSet::Credentials),
    )
}

fn set_settings(message: v1::SetSettings) -> Received {
    let v1::SetSettings {
        version,
        hash,
        restic_host,
        limit_upload_kib_s,
        limit_download_kib_s,
    } = message;
    let settings = AgentSettings {
        restic_host,
        limit_upload_kib_per_s: limit_upload_kib_s,
        limit_download_kib_per_s: limit_download_kib_s,
    };
    let set = if settings.restic_host.is_empty() {
        Err(Invalid::missing("restic_host"))
    } else {
        Ok(DesiredSet::Settings(settings))
    };
    desired(version, hash, DesiredKind::Settings, set)
}

fn set_trust_bundle(message: v1::SetTrustBundle) -> Received {
    let v1::SetTrustBundle {
        version,
        hash,
        ca_bundle_pem,
    } = message;
    desired(
        version,
        hash,
        DesiredKind::TrustBundle,
        Ok(DesiredSet::TrustBundle(ca_bundle_pem)),
    )
}

fn desired(version: u64, hash: String, kind: DesiredKind, set: Result<DesiredSet, Invalid>) -> Received {
    let stamp = Stamp {
        version,
        hash: hash.into(),
    };
    match set {
        Ok(set) => Received::Desired(DesiredState { stamp, set }),
        Err(invalid) => Received::UnusableDesired {
            kind,
            stamp,
            why: why(&invalid),
        },
    }
}

fn held_repository(message: v1::RepositoryCredentials) -> Result<HeldRepository, Invalid> {
    let v1::RepositoryCredentials {
        repository_id,
        url,
        username,
        repo_password,
        backend_password,
        backend_env,
        restic_repository_id,
    } = message;
    let mut backend_env: Vec<(String, Secret<String>)> = backend_env
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    backend_env.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(HeldRepository {
        id: required("repository_id", &repository_id)?,
        url,
        username,
        repo_password: Secret::new(repo_password),
        backend_password: Secret::new(backend_password),
        backend_env,
        restic_id: optional("restic_repository_id", &restic_repository_id)?,
    })
}

fn command(message: v1::Command, known: impl FnOnce(CommandId) -> bool) -> Result<Received, Invalid> {
    let v1::Command {
        command_id,
        session_epoch,
        ttl,
        command,
    } = message;
    // Without an id there is nothing that could be refused.
    let id: CommandId = required("command_id", &command_id)?;
    let instruction = command.ok_or_else(|| Invalid::missing("command")).and_then(instruction);
    let ttl = duration("ttl", ttl);
    Ok(match (instruction, ttl) {
        (Ok(instruction), Ok(ttl)) => Received::Command {
            command: Command {
                id,
                epoch: session_epoch,
                ttl: ttl.unwrap_or_default(),
                instruction,
            },
            known: known(id),
        },
        (Err(invalid), _) | (_, Err(invalid)) => Received::UnusableCommand { id, why: why(&invalid) },
    })
}

fn instruction(message: v1::command::Command) -> Result<Instruction, Invalid> {
    use v1::command::Command as Message;

    let (job_id, repository_id, work) = match message {
        Message::Backup(message) => backup(message)?,
        Message::Init(v1::InitCommand {
            job_id,
            repository_id,
            must_be_new,
        }) => {
            let work = if must_be_new { Work::Reinit } else { Work::Init };
            (job_id, repository_id, work)
        }
        Message::Probe(v1::ProbeCommand { job_id, repository_id }) => (job_id, repository_id, Work::Probe),
        Message::Snapshots(v1::SnapshotsCommand { job_id, repository_id }) => (job_id, repository_id, Work::Snapshots),
        Message::Unlock(v1::UnlockCommand {
            job_id,
            repository_id,
            remove_all,
        }) => (job_id, repository_id, Work::Unlock { all: remove_all }),
        Message::Stats(v1::StatsCommand { job_id, repository_id }) => (job_id, repository_id, Work::Stats),
        Message::Cancel(v1::CancelCommand { job_id }) => {
            return Ok(Instruction::Cancel {
                job: required("job_id", &job_id)?,
            });
        }
    };
    Ok(Instruction::Run {
        job: required("job_id", &job_id)?,
        repository: required("repository_id", &repository_id)?,
        work,
    })
}

fn backup(message: v1::BackupCommand) -> Result<(String, String, Work), Invalid> {
    let v1::BackupCommand {
        job_id,
        repository_id,
        paths,
        excludes,
        exclude_caches,
        one_file_system,
        tag,
        max_runtime,
    } = message;
    let order = BackupOrder {
        paths: BackupPaths::parse(&paths).map_err(|error| Invalid::argument("paths", error))?,
        excludes,
        exclude_caches,
        one_file_system,
        tag: (!tag.is_empty()).then_some(tag),
        max_runtime: duration("max_runtime", max_runtime)?.filter(|limit| !limit.is_zero()),
    };
    Ok((job_id, repository_id, Work::Backup(order)))
}

fn goodbye(message: &v1::Goodbye) -> Goodbye {
    let v1::Goodbye { reason, retry_after } = message;
    let reason = match v1::GoodbyeReason::try_from(*reason) {
        Ok(v1::GoodbyeReason::Shutdown) => GoodbyeReason::Shutdown,
        Ok(v1::GoodbyeReason::Superseded) => GoodbyeReason::Superseded,
        Ok(v1::GoodbyeReason::Revoked) => GoodbyeReason::Revoked,
        Ok(v1::GoodbyeReason::SlowConsumer) => GoodbyeReason::SlowConsumer,
        Ok(v1::GoodbyeReason::CertificateRevoked) => GoodbyeReason::CertificateRevoked,
        Ok(v1::GoodbyeReason::Quarantined) => GoodbyeReason::Quarantined,
        Ok(v1::GoodbyeReason::ProtocolError | v1::GoodbyeReason::Unspecified) | Err(_) => GoodbyeReason::ProtocolError,
    };
    Goodbye {
        reason,
        retry_after: duration("retry_after", *retry_after).ok().flatten(),
    }
}

/// Reads a length of time; a negative one is refused.
fn duration(field: &str, message: Option<pbjson_types::Duration>) -> Result<Option<Duration>, Invalid> {
    let Some(pbjson_types::Duration { seconds, nanos }) = message else {
        return Ok(None);
    };
    match (u64::try_from(seconds), u32::try_from(nanos)) {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 => Ok(Some(Duration::new(seconds, nanos))),
        (Ok(_) | Err(_), _) => Err(Invalid::argument(field, "a length of time is needed")),
    }
}

fn why(invalid: &Invalid) -> String {
    let problem = invalid.problems().first();
    problem.map_or_else(String::new, |problem| format!("{}: {}", problem.field, problem.message))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_backup_arrives_with_all_that_it_needs() {
        let read = read_command(v1::command::Command::Backup(v1::BackupCommand {
            job_id: ID.to_owned(),
            repository_id: ID.to_owned(),
            paths: vec!["/etc".to_owned()],
            excludes: vec!["*.tmp".to_owned()],
            exclude_caches: true,
            one_file_system: false,
            tag: String::new(),
            max_runtime: Some(seconds(90)),
        }));

        let Received::Command { command, known } = read else {
            panic!("{read:?}")
        };
        let Instruction::Run {
            work: Work::Backup(order),
            ..
        } = command.instruction
        else {
            panic!("{command:?}")
        };
        assert!(known);
        assert_eq!((command.epoch, command.ttl), (7, Duration::from_mins(1)));
        assert_eq!((order.tag, order.max_runtime), (None, Some(Duration::from_secs(90))));
        assert!(order.exclude_caches && !order.one_file_system);
    }

    #[test]
    fn a_command_with_refused_values_is_unusable_by_its_id() {
        let relative = v1::BackupCommand {
            job_id: ID.to_owned(),
            repository_id: ID.to_owned(),
            paths: vec!["etc".to_owned()],
            ..v1::BackupCommand::default()
        };
        let no_job = v1::ProbeCommand {
            job_id: String::new(),
            repository_id: ID.to_owned(),
        };

        for (message, field) in [
            (v1::command::Command::Backup(relative), "paths"),
            (v1::command::Command::Probe(no_job), "job_id"),
        ] {
            let read = read_command(message);

            assert!(
                matches!(&read, Received::UnusableCommand { why, .. } if why.starts_with(field)),
                "{read:?}"
            );
        }
    }

    #[test]
    fn credentials_arrive_sealed_from_debug_output() {
        let message = v1::SetCredentials {
            version: 4,
            hash: "aa".to_owned(),
            repositories: vec![v1::RepositoryCredentials {
                repository_id: ID.to_owned(),
                url: "/srv/repo".to_owned(),
                repo_password: "canary".to_owned(),
                backend_env: BTreeMap::from([
                    ("B".to_owned(), "canary".to_owned()),
                    ("A".to_owned(), "canary".to_owned()),
                ]),
                ..v1::RepositoryCredentials::default()
            }],
        };

        let received = read(v1::server_message::Body::SetCredentials(message));

        assert!(!format!("{received:?}").contains("canary"));
        let Received::Desired(DesiredState {
            set: DesiredSet::Credentials(repositories),
            stamp,
        }) = received
        else {
            panic!("these are credentials")
        };
        assert_eq!(stamp.version, 4);
        assert_eq!(repositories[0].repo_password.expose(), "canary");
        assert_eq!(repositories[0].backend_env[0].0, "A");
    }

    #[test]
    fn a_set_that_cannot_be_read_is_reported_and_not_applied_in_part() {
        let message = v1::SetCredentials {
            version: 4,
            hash: "aa".to_owned(),
            repositories: vec![v1::RepositoryCredentials::default()],
        };

        let received = read(v1::server_message::Body::SetCredentials(message));

        assert!(
            matches!(&received, Received::UnusableDesired { kind: DesiredKind::Credentials, why, .. } if why.starts_with("repository_id")),
            "{received:?}"
        );
    }

    #[test]
    fn what_this_version_does_not_know_is_unusable_and_no_panic() {
        let empty = incoming(v1::ServerMessage { body: None }, |_| false);
        let negative = incoming(
            v1::ServerMessage {
                body: Some(v1::server_message::Body::Welcome(v1::Welcome {
                    session_id: ID.to_owned(),
                    server_time: Some(pbjson_types::Timestamp::default()),
                    heartbeat_interval: Some(seconds(-1)),
                    ..v1::Welcome::default()
                })),
            },
            |_| false,
        );

        assert!(matches!(empty, Incoming::Unusable(_)));
        assert!(matches!(negative, Incoming::Unusable(why) if why.starts_with("heartbeat_interval")));
    }

    fn read_command(command: v1::command::Command) -> Received {
        read(v1::server_message::Body::Command(v1::Command {
            command_id: ID.to_owned(),
            session_epoch: 7,
            ttl: Some(seconds(60)),
            command: Some(command),
        }))
    }

    fn read(body: v1::server_message::Body) -> Received {
        match incoming(v1::ServerMessage { body: Some(body) }, |_| true) {
            Incoming::Received(received) => *received,
            Incoming::Unusable(why) => panic!("{why}"),
        }
    }

    fn seconds(seconds: i64) -> pbjson_types::Duration {
        pbjson_types::Duration { seconds, nanos: 0 }
    }
}
