//! Commands: the durable orders that make agents begin and end jobs.
//!
//! ```text
//! queued ─► sent ─► accepted ─► done        sent ─► queued      when the session ends before the acceptance
//! queued|sent ─► expired                    queued|sent ─► refused
//! ```
//!
//! What a command says is in its job: a row here only asks to begin or to end it.

use std::fmt;
use std::str::FromStr;

use domain::id::{CommandId, HostId, JobId};
use domain::{ReportedText, Timestamp};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::command::{ActiveModel, Column, Entity};
use super::row::json;
use super::{Error, ReadTx, Tx};

const TABLE: &str = "commands";
/// The states in which a command waits for its agent's word.
const OPEN: [&str; 2] = ["queued", "sent"];

/// A command as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCommand {
    /// Its id.
    pub id: CommandId,
    /// For whom.
    pub host_id: HostId,
    /// The job that it begins or ends.
    pub job_id: JobId,
    /// Begin or end.
    pub kind: CommandKind,
    /// Where it stands.
    pub state: CommandState,
    /// When it was given, by the server's clock.
    pub created_at: Timestamp,
    /// From here on it is void unless it was accepted.
    pub expires_at: Timestamp,
}

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// Begin the job.
    Run,
    /// End the job.
    Cancel,
}

/// A word that is no kind of command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of command: run or cancel is needed")]
pub struct InvalidCommandKind;

/// Where a command stands. A stored document: word and facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "facts", rename_all = "snake_case")]
pub enum CommandState {
    /// Written down.
    Queued,
    /// On the host's stream.
    Sent {
        /// When, by the server's clock.
        at: Timestamp,
        /// The session that it was sent in.
        epoch: u64,
    },
    /// On the agent's disk.
    Accepted {
        /// When the server heard so.
        at: Timestamp,
    },
    /// Its job has ended.
    Done {
        /// When the server heard so.
        at: Timestamp,
    },
    /// The agent will not do it.
    Refused {
        /// When the server heard so.
        at: Timestamp,
        /// Why, in the agent's word.
        reason: ReportedText<200>,
    },
    /// Its time was over before the agent had it.
    Expired {
        /// When that was found.
        at: Timestamp,
    },
}

impl ReadTx {
    /// Finds a command.
    pub async fn command(&self, id: CommandId) -> Result<Option<StoredCommand>, Error> {
        let found = Entity::find_by_id(id.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.map(StoredCommand::try_from).transpose()
    }

    /// Lists the commands that a host's agent should be sent: not accepted and not expired at `now`, in the order given.
    pub async fn due_commands(&self, host: HostId, now: Timestamp) -> Result<Vec<StoredCommand>, Error> {
        self.list(open(host).filter(Column::ExpiresAt.gt(now.as_micros())))
            .await
    }

    /// How many commands wait for a host's agent, expired ones included.
    pub async fn open_command_count(&self, host: HostId) -> Result<u64, Error> {
        open(host).count(&self.on).await.map_err(Error::at(TABLE))
    }

    /// Lists the hosts for which commands wait that were not sent, and whose time is not over at `now`.
    pub async fn hosts_with_queued_commands(&self, now: Timestamp) -> Result<Vec<HostId>, Error> {
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::HostId)
            .distinct()
            .filter(Column::State.eq("queued"))
            .filter(Column::ExpiresAt.gt(now.as_micros()))
            .into_tuple()
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(found.into_iter().map(HostId::from_uuid).collect())
    }

    /// Whether there is a command, of any host, that waits although its time is over at `now`.
    pub async fn has_expired_commands(&self, now: Timestamp) -> Result<bool, Error> {
        let found = overdue(now).limit(1).one(&self.on).await.map_err(Error::at(TABLE))?;
        Ok(found.is_some())
    }

    async fn list(&self, commands: Select<Entity>) -> Result<Vec<StoredCommand>, Error> {
        let ordered = commands.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
        let found = ordered.all(&self.on).await.map_err(Error::at(TABLE))?;
        found.into_iter().map(StoredCommand::try_from).collect()
    }
}

impl Tx {
    /// Adds a command.
    pub async fn insert_command(&self, command: &StoredCommand) -> Result<(), Error> {
        let row = ActiveModel {
            id: Set(command.id.as_uuid()),
            host_id: Set(command.host_id.as_uuid()),
            job_id: Set(command.job_id.as_uuid()),
            kind: Set(command.kind.as_str().to_owned()),
            created_at: Set(command.created_at.as_micros()),
            expires_at: Set(command.expires_at.as_micros()),
            ..standing(&command.state)?
        };
        Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(())
    }

    /// Notes that a command was sent in a session. `false` when it does not wait any more.
    pub async fn command_sent(&self, id: CommandId, epoch: u64, at: Timestamp) -> Result<bool, Error> {
        self.move_command(id, &OPEN, &CommandState::Sent { at, epoch }).await
    }

    /// Notes that the agent has a command. `false` when it does not wait any more: a repetition, or too late.
    pub async fn command_accepted(&self, id: CommandId, at: Timestamp) -> Result<bool, Error> {
        self.move_command(id, &OPEN, &CommandState::Accepted { at }).await
    }

    /// Notes that the agent will not do a command. `false` when it does not wait any more.
    pub async fn command_refused(
        &self,
        id: CommandId,
        reason: ReportedText<200>,
        at: Timestamp,
    ) -> Result<bool, Error> {
        self.move_command(id, &OPEN, &CommandState::Refused { at, reason })
            .await
    }

    /// Notes that a command's time is over. `false` when it does not wait any more.
    pub async fn command_expired(&self, id: CommandId, at: Timestamp) -> Result<bool, Error> {
        self.move_command(id, &OPEN, &CommandState::Expired { at }).await
    }

    /// Closes the commands of a job that has ended. How many there were.
    pub async fn finish_commands(&self, job: JobId, at: Timestamp) -> Result<u64, Error> {
        let done = Entity::update_many()
            .set(standing(&CommandState::Done { at })?)
            .filter(Column::JobId.eq(job.as_uuid()))
            .filter(Column::State.is_in(["queued", "sent", "accepted"]))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected)
    }

    /// Puts what was sent to a host and not accepted back in the queue, when its session has ended. How many there were.
    pub async fn requeue_commands(&self, host: HostId) -> Result<u64, Error> {
        let done = Entity::update_many()
            .set(standing(&CommandState::Queued)?)
            .filter(Column::HostId.eq(host.as_uuid()))
            .filter(Column::State.eq("sent"))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected)
    }

    /// Ends the commands, of all hosts, whose time is over at `now`. Returns them as they were; what becomes of their jobs
    /// is the caller's business.
    pub async fn expire_commands(&self, now: Timestamp) -> Result<Vec<StoredCommand>, Error> {
        let mut expired = Vec::new();
        for command in self.list(overdue(now)).await? {
            if self.command_expired(command.id, now).await? {
                expired.push(command);
            }
        }
        Ok(expired)
    }

    async fn move_command(&self, id: CommandId, from: &[&str], to: &CommandState) -> Result<bool, Error> {
        let done = Entity::update_many()
            .set(standing(to)?)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::State.is_in(from.iter().copied()))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(done.rows_affected > 0)
    }
}

impl CommandKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Run, Self::Cancel];

    /// The stable word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Cancel => "cancel",
        }
    }
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CommandKind {
    type Err = InvalidCommandKind;

    fn from_str(text: &str) -> Result<Self, InvalidCommandKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(InvalidCommandKind)
    }
}

impl CommandState {
    /// The state in one word, as stored.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent { .. } => "sent",
            Self::Accepted { .. } => "accepted",
            Self::Done { .. } => "done",
            Self::Refused { .. } => "refused",
            Self::Expired { .. } => "expired",
        }
    }

    pub(super) fn from_stored(word: &str, facts: &serde_json::Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::json!({ "state": word, "facts": facts }))
    }
}

fn open(host: HostId) -> Select<Entity> {
    Entity::find()
        .filter(Column::HostId.eq(host.as_uuid()))
        .filter(Column::State.is_in(OPEN))
}

fn overdue(now: Timestamp) -> Select<Entity> {
    Entity::find()
        .filter(Column::State.is_in(OPEN))
        .filter(Column::ExpiresAt.lte(now.as_micros()))
}

fn standing(state: &CommandState) -> Result<ActiveModel, Error> {
    let facts = serde_json::json!(state)["facts"].take();
    Ok(ActiveModel {
        state: Set(state.as_str().to_owned()),
        facts: Set(json(TABLE, "facts", &facts)?),
        ..ActiveModel::default()
    })
}
