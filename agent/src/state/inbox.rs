//! The inbox: commands that were accepted, so that a repeated one is done once and an accepted one is not forgotten.

use std::time::Duration;

use domain::Timestamp;
use domain::id::{CommandId, JobId, RepositoryId};
use domain::path::BackupPaths;
use domain::session::{BackupOrder, Command, Instruction, Work};
use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use uuid::Uuid;

use super::{Error, State};

/// A row by the command's id.
const INBOX: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("inbox");
/// Commands that are not done: their ids by the order in which they came.
const OPEN: TableDefinition<'_, u64, u128> = TableDefinition::new("inbox open");

/// A command is not repeated after this.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// A command as it is kept. Every field is a promise to later versions.
#[derive(serde::Serialize, serde::Deserialize)]
struct Row {
    accepted_at: Timestamp,
    instruction: StoredInstruction,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum StoredInstruction {
    Backup {
        job: JobId,
        repository: RepositoryId,
        paths: BackupPaths,
        excludes: Vec<String>,
        exclude_caches: bool,
        one_file_system: bool,
        tag: Option<String>,
        max_runtime: Option<Duration>,
    },
    Init {
        job: JobId,
        repository: RepositoryId,
    },
    Probe {
        job: JobId,
        repository: RepositoryId,
    },
    Snapshots {
        job: JobId,
        repository: RepositoryId,
    },
    Reinit {
        job: JobId,
        repository: RepositoryId,
    },
    Unlock {
        job: JobId,
        repository: RepositoryId,
        all: bool,
    },
    Stats {
        job: JobId,
        repository: RepositoryId,
    },
    Cancel {
        job: JobId,
    },
}

impl State {
    /// Whether a command was accepted before.
    pub fn knows(&self, command: CommandId) -> Result<bool, Error> {
        self.read("read the inbox", |transaction| {
            Ok(transaction
                .open_table(INBOX)?
                .get(command.as_uuid().as_u128())?
                .is_some())
        })
    }

    /// Takes a command in. It counts as accepted when this returns.
    pub fn accept(&self, command: &Command, at: Timestamp) -> Result<(), Error> {
        let row = Row {
            accepted_at: at,
            instruction: (&command.instruction).into(),
        };
        let row = serde_json::to_vec(&row).map_err(|_| self.inconsistent("command"))?;
        let id = command.id.as_uuid().as_u128();
        self.write("store a command", |transaction| {
            transaction.open_table(INBOX)?.insert(id, row.as_slice())?;
            let mut open = transaction.open_table(OPEN)?;
            let next = open.last()?.map_or(1, |(last, _)| last.value() + 1);
            open.insert(next, id)?;
            Ok(())
        })
    }

    /// Marks a command as done.
    pub fn close_command(&self, command: CommandId) -> Result<(), Error> {
        self.write("close a command", |transaction| close(transaction, command))
    }

    /// The commands that are not done, in the order they came.
    pub fn open_commands(&self) -> Result<Vec<Command>, Error> {
        let rows = self.read("read the inbox", |transaction| {
            let inbox = transaction.open_table(INBOX)?;
            let mut rows = Vec::new();
            for entry in transaction.open_table(OPEN)?.iter()? {
                let id = entry?.1.value();
                let row = inbox.get(id)?.map(|row| row.value().to_vec());
                rows.push((id, row.unwrap_or_default()));
            }
            Ok(rows)
        })?;
        let read = |(id, row): (u128, Vec<u8>)| {
            let row: Row = serde_json::from_slice(&row).map_err(|_| self.inconsistent("command"))?;
            Ok(Command {
                id: CommandId::from_uuid(Uuid::from_u128(id)),
                epoch: 0,
                ttl: Duration::ZERO,
                instruction: row.instruction.into(),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Forgets commands that are done and too old to be repeated.
    pub fn forget_old_commands(&self, now: Timestamp) -> Result<(), Error> {
        let oldest = now.saturating_sub(KEPT);
        self.write("shorten the inbox", |transaction| {
            let mut open = std::collections::BTreeSet::new();
            for entry in transaction.open_table(OPEN)?.iter()? {
                open.insert(entry?.1.value());
            }
            let is_old = |row: &[u8]| serde_json::from_slice::<Row>(row).is_ok_and(|row| row.accepted_at < oldest);
            transaction
                .open_table(INBOX)?
                .retain(|id, row| open.contains(&id) || !is_old(row))?;
            Ok(())
        })
    }
}

pub(super) fn create(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(INBOX)?;
    transaction.open_table(OPEN)?;
    Ok(())
}

pub(super) fn close(transaction: &WriteTransaction, command: CommandId) -> Result<(), redb::Error> {
    let id = command.as_uuid().as_u128();
    transaction.open_table(OPEN)?.retain(|_, open| open != id)?;
    Ok(())
}

impl From<&Instruction> for StoredInstruction {
    fn from(instruction: &Instruction) -> Self {
        let (job, repository, work) = match instruction {
            Instruction::Cancel { job } => return Self::Cancel { job: *job },
            Instruction::Run { job, repository, work } => (*job, *repository, work.clone()),
        };
        match work {
            Work::Backup(BackupOrder {
                paths,
                excludes,
                exclude_caches,
                one_file_system,
                tag,
                max_runtime,
            }) => Self::Backup {
                job,
                repository,
                paths,
                excludes,
                exclude_caches,
                one_file_system,
                tag,
                max_runtime,
            },
            Work::Init => Self::Init { job, repository },
            Work::Probe => Self::Probe { job, repository },
            Work::Snapshots => Self::Snapshots { job, repository },
            Work::Reinit => Self::Reinit { job, repository },
            Work::Unlock { all } => Self::Unlock { job, repository, all },
            Work::Stats => Self::Stats { job, repository },
        }
    }
}

impl From<StoredInstruction> for Instruction {
    fn from(stored: StoredInstruction) -> Self {
        let (job, repository, work) = match stored {
            StoredInstruction::Cancel { job } => return Self::Cancel { job },
            StoredInstruction::Backup {
                job,
                repository,
                paths,
                excludes,
                exclude_caches,
                one_file_system,
                tag,
                max_runtime,
            } => {
                let backup = BackupOrder {
                    paths,
                    excludes,
                    exclude_caches,
                    one_file_system,
                    tag,
                    max_runtime,
                };
                (job, repository, Work::Backup(backup))
            }
            StoredInstruction::Init { job, repository } => (job, repository, Work::Init),
            StoredInstruction::Probe { job, repository } => (job, repository, Work::Probe),
            StoredInstruction::Snapshots { job, repository } => (job, repository, Work::Snapshots),
            StoredInstruction::Reinit { job, repository } => (job, repository, Work::Reinit),
            StoredInstruction::Unlock { job, repository, all } => (job, repository, Work::Unlock { all }),
            StoredInstruction::Stats { job, repository } => (job, repository, Work::Stats),
        };
        Self::Run { job, repository, work }
    }
}
