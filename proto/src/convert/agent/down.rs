//! [`ServerMessage`]: what the server says.

use domain::session::{
    AgentSettings, BackupOrder, Command, DesiredSet, DesiredState, Goodbye, GoodbyeReason, HeldRepository, Instruction,
    ServerMessage, Welcome, Work,
};

use super::super::{to_duration, to_timestamp};
use crate::agent::v1;

impl From<ServerMessage> for v1::ServerMessage {
    fn from(message: ServerMessage) -> Self {
        use v1::server_message::Body;

        let body = match message {
            ServerMessage::Welcome(welcome) => Body::Welcome(welcome.into()),
            ServerMessage::Heartbeat => Body::Heartbeat(v1::Heartbeat {}),
            ServerMessage::Ack { through_seq } => Body::Ack(v1::Ack { through_seq }),
            ServerMessage::LogCredit { job, next_line, bytes } => Body::LogCredit(v1::LogCredit {
                job_id: job.to_string(),
                next_line,
                bytes,
            }),
            ServerMessage::Desired(state) => desired(state),
            ServerMessage::Command(command) => Body::Command(command.into()),
            ServerMessage::Goodbye(goodbye) => Body::Goodbye(goodbye.into()),
            ServerMessage::CertificateOffer(offer) => Body::CertificateOffer(offer.into()),
            ServerMessage::RenewRefused(refused) => Body::RenewRefused(refused.into()),
        };
        Self { body: Some(body) }
    }
}

impl From<Welcome> for v1::Welcome {
    fn from(welcome: Welcome) -> Self {
        let Welcome {
            protocol,
            session,
            epoch,
            acknowledged_seq,
            heartbeat,
            server_time,
            log_window_bytes,
            reconnect_spread,
        } = welcome;
        Self {
            protocol,
            session_id: session.to_string(),
            session_epoch: epoch,
            acknowledged_seq,
            heartbeat_interval: Some(to_duration(heartbeat)),
            server_time: Some(to_timestamp(server_time)),
            log_window_bytes,
            reconnect_spread: Some(to_duration(reconnect_spread)),
        }
    }
}

fn desired(state: DesiredState) -> v1::server_message::Body {
    use v1::server_message::Body;

    let DesiredState { stamp, set } = state;
    let (version, hash) = (stamp.version, stamp.hash.to_string());
    match set {
        DesiredSet::Credentials(repositories) => Body::SetCredentials(v1::SetCredentials {
            version,
            hash,
            repositories: repositories.into_iter().map(Into::into).collect(),
        }),
        DesiredSet::Settings(settings) => {
            let AgentSettings {
                restic_host,
                limit_upload_kib_per_s,
                limit_download_kib_per_s,
            } = settings;
            Body::SetSettings(v1::SetSettings {
                version,
                hash,
                restic_host,
                limit_upload_kib_s: limit_upload_kib_per_s,
                limit_download_kib_s: limit_download_kib_per_s,
            })
        }
        DesiredSet::TrustBundle(ca_bundle_pem) => Body::SetTrustBundle(v1::SetTrustBundle {
            version,
            hash,
            ca_bundle_pem,
        }),
    }
}

impl From<HeldRepository> for v1::RepositoryCredentials {
    fn from(repository: HeldRepository) -> Self {
        let HeldRepository {
            id,
            url,
            username,
            repo_password,
            backend_password,
            backend_env,
            restic_id,
        } = repository;
        Self {
            repository_id: id.to_string(),
            url,
            username,
            repo_password: repo_password.expose().clone(),
            backend_password: backend_password.expose().clone(),
            backend_env: backend_env
                .into_iter()
                .map(|(name, value)| (name, value.expose().clone()))
                .collect(),
            restic_repository_id: restic_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

impl From<Command> for v1::Command {
    fn from(command: Command) -> Self {
        let Command {
            id,
            epoch,
            ttl,
            instruction,
        } = command;
        Self {
            command_id: id.to_string(),
            session_epoch: epoch,
            ttl: Some(to_duration(ttl)),
            command: Some(instruction.into()),
        }
    }
}

impl From<Instruction> for v1::command::Command {
    fn from(instruction: Instruction) -> Self {
        let (job, repository, work) = match instruction {
            Instruction::Run { job, repository, work } => (job.to_string(), repository.to_string(), work),
            Instruction::Cancel { job } => {
                return Self::Cancel(v1::CancelCommand {
                    job_id: job.to_string(),
                });
            }
        };
        match work {
            Work::Backup(order) => Self::Backup(backup(job, repository, order)),
            Work::Init => Self::Init(v1::InitCommand {
                job_id: job,
                repository_id: repository,
                must_be_new: false,
            }),
            Work::Reinit => Self::Init(v1::InitCommand {
                job_id: job,
                repository_id: repository,
                must_be_new: true,
            }),
            Work::Probe => Self::Probe(v1::ProbeCommand {
                job_id: job,
                repository_id: repository,
            }),
            Work::Snapshots => Self::Snapshots(v1::SnapshotsCommand {
                job_id: job,
                repository_id: repository,
            }),
            Work::Unlock { all } => Self::Unlock(v1::UnlockCommand {
                job_id: job,
                repository_id: repository,
                remove_all: all,
            }),
            Work::Stats => Self::Stats(v1::StatsCommand {
                job_id: job,
                repository_id: repository,
            }),
        }
    }
}

fn backup(job_id: String, repository_id: String, order: BackupOrder) -> v1::BackupCommand {
    let BackupOrder {
        paths,
        excludes,
        exclude_caches,
        one_file_system,
        tag,
        max_runtime,
    } = order;
    v1::BackupCommand {
        job_id,
        repository_id,
        paths: paths.to_strings(),
        excludes,
        exclude_caches,
        one_file_system,
        tag: tag.unwrap_or_default(),
        max_runtime: max_runtime.map(to_duration),
    }
}

impl From<Goodbye> for v1::Goodbye {
    fn from(goodbye: Goodbye) -> Self {
        let Goodbye { reason, retry_after } = goodbye;
        let reason = match reason {
            GoodbyeReason::Shutdown => v1::GoodbyeReason::Shutdown,
            GoodbyeReason::Superseded => v1::GoodbyeReason::Superseded,
            GoodbyeReason::Revoked => v1::GoodbyeReason::Revoked,
            GoodbyeReason::SlowConsumer => v1::GoodbyeReason::SlowConsumer,
            GoodbyeReason::ProtocolError => v1::GoodbyeReason::ProtocolError,
            GoodbyeReason::CertificateRevoked => v1::GoodbyeReason::CertificateRevoked,
            GoodbyeReason::Quarantined => v1::GoodbyeReason::Quarantined,
        };
        Self {
            reason: reason.into(),
            retry_after: retry_after.map(to_duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::Secret;
    use domain::id::{CommandId, JobId, RepositoryId};
    use domain::path::BackupPaths;
    use domain::session::Stamp;
    use uuid::Uuid;
    use v1::server_message::Body;

    use super::*;

    #[test]
    fn a_backup_travels_with_all_that_it_needs() {
        let message = ServerMessage::Command(Command {
            id: CommandId::from_uuid(Uuid::from_u128(1)),
            epoch: 7,
            ttl: Duration::from_mins(15),
            instruction: Instruction::Run {
                job: JobId::from_uuid(Uuid::from_u128(2)),
                repository: RepositoryId::from_uuid(Uuid::from_u128(3)),
                work: Work::Backup(BackupOrder {
                    paths: BackupPaths::parse(&["/etc"]).unwrap(),
                    excludes: vec!["*.tmp".to_owned()],
                    exclude_caches: true,
                    one_file_system: true,
                    tag: Some("default".to_owned()),
                    max_runtime: Some(Duration::from_mins(1)),
                }),
            },
        });

        let v1::ServerMessage {
            body: Some(Body::Command(command)),
        } = message.into()
        else {
            panic!("it is a command")
        };

        assert_eq!((command.session_epoch, command.ttl.unwrap().seconds), (7, 900));
        let Some(v1::command::Command::Backup(backup)) = command.command else {
            panic!("it is a backup")
        };
        assert_eq!(
            (backup.paths.as_slice(), backup.tag.as_str()),
            (&["/etc".to_owned()][..], "default")
        );
        assert!(backup.exclude_caches && backup.one_file_system && backup.max_runtime.is_some());
    }

    #[test]
    fn credentials_travel_with_version_and_hash() {
        let message = ServerMessage::Desired(DesiredState {
            stamp: Stamp {
                version: 4,
                hash: "aa".into(),
            },
            set: DesiredSet::Credentials(vec![HeldRepository {
                id: RepositoryId::from_uuid(Uuid::from_u128(3)),
                url: "/srv/repo".to_owned(),
                username: String::new(),
                repo_password: Secret::from("hunter2".to_owned()),
                backend_password: Secret::default(),
                backend_env: vec![("B2_ACCOUNT_ID".to_owned(), Secret::from("id".to_owned()))],
                restic_id: None,
            }]),
        });

        let v1::ServerMessage {
            body: Some(Body::SetCredentials(set)),
        } = message.into()
        else {
            panic!("these are credentials")
        };

        assert_eq!((set.version, set.hash.as_str()), (4, "aa"));
        assert_eq!(set.repositories[0].repo_password, "hunter2");
        assert_eq!(set.repositories[0].backend_env["B2_ACCOUNT_ID"], "id");
        assert_eq!(set.repositories[0].restic_repository_id, "");
    }
}
