//! What agents report: facts and logs. A batch is written whole or not at all, in one transaction with the agent's cursor,
//! so that a fact is applied exactly once however often it arrives. Batches of several agents may share the transaction:
//! see [`super::group_commit`].

use std::borrow::Cow;

use domain::id::{HostId, JobId};
use domain::job::{Job, JobEvent, JobKind, Mode, Status};
use domain::session::{
    AgentEvent, Applied, DesiredKind, Fact, JobEnd, LiveJob, LiveStep, LogChunk, SnapshotPart, Stamp,
};
use domain::{Actor, ReportedText, Timestamp};

use super::group_commit::Delivered;
use super::news::News;
use super::repository_stats::keep_stats;
use super::retention::MOST_LOG_BYTES;
use super::session::{AgentSession, is_latest};
use super::{App, Error};
use crate::sessions::Ingested;
use crate::store::{ReadTx, Tx};

/// How much of a log that is too long goes at once, so that not every piece has to make room.
const LOG_ROOM: u64 = 1024 * 1024;

/// What a batch leads to besides its rows, once it is committed.
#[derive(Debug, Default)]
#[must_use = "whoever waits for it hears of it only when it is told"]
pub(super) struct Consequences {
    news: News,
    /// A repository was made, or could not be: other hosts may have waited for it.
    was_made: bool,
    /// A log has come further: up to before this line.
    grown: Option<(JobId, u64)>,
    /// The host has more log than is kept of one.
    is_full: bool,
}

impl App {
    /// Applies events of an agent, all or none.
    pub async fn ingest(&self, session: &AgentSession, events: Vec<AgentEvent>) -> Result<Ingested, Error> {
        self.deliver_in(session, Delivered::Events(events)).await
    }

    /// Keeps a piece of a job's log. [`Ingested::Through`] names the line before which every line is committed.
    ///
    /// What is of a job that is not this host's is dropped; the agent is to forget it too. Of a log beyond its limit the
    /// middle goes.
    pub async fn keep_log(&self, session: &AgentSession, chunk: LogChunk) -> Result<Ingested, Error> {
        // Before it waits for its turn to write: what is not this host's must not hold up others.
        {
            let tx = self.0.store.read().await?;
            if is_latest(&tx, session).await? && !keeps_log_of(&tx, session, chunk.job).await? {
                return Ok(Ingested::Through(chunk.next_line()));
            }
        }
        self.deliver_in(session, Delivered::Log(chunk)).await
    }

    /// Writes one batch into a transaction that the caller commits. After an error the transaction is void.
    pub(super) async fn write(
        &self,
        tx: &Tx,
        session: &AgentSession,
        what: &Delivered,
    ) -> Result<(Ingested, Consequences), Error> {
        if !is_latest(tx, session).await? {
            return Ok((Ingested::Superseded, Consequences::default()));
        }
        match what {
            Delivered::Events(events) => self.write_events(tx, session, events).await,
            Delivered::Log(chunk) => write_log(tx, session, chunk).await,
        }
    }

    /// Tells what has been committed.
    pub(super) fn follow(&self, consequences: Consequences) {
        let Consequences {
            news,
            was_made,
            grown,
            is_full,
        } = consequences;
        self.tell(news);
        if was_made {
            self.0.tasks.nudges().first_jobs.nudge();
        }
        if is_full {
            self.0.tasks.nudges().retention.nudge();
        }
        if let Some((job, next_line)) = grown {
            self.0.sessions.log_grew(job, next_line);
        }
    }

    async fn write_events(
        &self,
        tx: &Tx,
        session: &AgentSession,
        events: &[AgentEvent],
    ) -> Result<(Ingested, Consequences), Error> {
        let now = self.0.clock.now();
        let mut consequences = Consequences::default();
        let from = tx.agent_cursor(session.host, session.outbox).await?;
        let known = events.iter().take_while(|event| event.seq <= from).count();
        let events = &events[known..];
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Ok((Ingested::Through(from), consequences));
        };
        if first.seq != from + 1 {
            return Ok((Ingested::Gap, consequences));
        }
        let through = last.seq;
        for event in events {
            self.apply(tx, session, event, now, &mut consequences).await?;
        }
        tx.advance_agent_cursor(session.host, session.outbox, from, through, now)
            .await?;
        // Everything is in that the agent had to tell when it greeted.
        let missing = session.suspects.due_with(from, through);
        self.give_up(tx, missing, now, &mut consequences.news).await?;
        self.record_verdicts(tx, &mut consequences.news, now).await?;
        Ok((Ingested::Through(through), consequences))
    }

    /// Notes what an agent holds of its desired state.
    pub(super) async fn note_held(&self, tx: &Tx, host: HostId, held: &Applied) -> Result<(), Error> {
        let (Some(desired), Some(view)) = (self.desired(tx, host).await?, tx.host(host).await?) else {
            return Ok(());
        };
        let version = if desired.is_held(held) {
            desired.version()
        } else {
            view.applied_version
        };
        Ok(tx.set_applied(host, held, version).await?)
    }

    async fn apply(
        &self,
        tx: &Tx,
        session: &AgentSession,
        event: &AgentEvent,
        now: Timestamp,
        consequences: &mut Consequences,
    ) -> Result<(), Error> {
        let AgentEvent { seq, occurred_at, fact } = event;
        let at = occurred_at.unwrap_or(now);
        match fact {
            &Fact::JobStarted { job, work } => {
                if let (Some((kind, repository)), None) = (work, tx.job(job).await?) {
                    let live = LiveJob {
                        job,
                        kind,
                        repository,
                        step: LiveStep::Preparing,
                        started_at: Some(at),
                    };
                    return self
                        .adopt(tx, session.host, &live, live.stage(at), now, &mut consequences.news)
                        .await;
                }
                self.reach(tx, session, fact, at, now, consequences).await?;
            }
            Fact::JobRunning { .. } | Fact::JobFinalizing { .. } => {
                self.reach(tx, session, fact, at, now, consequences).await?;
            }
            Fact::Snapshots(part) => self.keep_snapshots(tx, session, part, now, consequences).await?,
            Fact::JobFinished { job, end } => {
                let Some(job) = job_of(tx, session, *job).await? else {
                    return Ok(());
                };
                self.finish_job(tx, job, JobEnd::clone(end), at, now, consequences)
                    .await?;
            }
            Fact::DesiredApplied { kind, stamp, error } => {
                self.note_applied(tx, session.host, *kind, stamp, error.as_ref())
                    .await?;
                consequences.news.host(session.host);
            }
            Fact::Unusable { why } => {
                tracing::warn!(host.id = %session.host, seq, why, "a report of an agent makes no sense and was passed over");
            }
        }
        Ok(())
    }

    /// Moves a job on to where its host says it is.
    async fn reach(
        &self,
        tx: &Tx,
        session: &AgentSession,
        fact: &Fact,
        at: Timestamp,
        now: Timestamp,
        consequences: &mut Consequences,
    ) -> Result<(), Error> {
        let Some(id) = fact.job() else { return Ok(()) };
        let Some(mut job) = job_of(tx, session, id).await? else {
            return Ok(());
        };
        let Some((_, stage)) = fact.stage(job.state.started_at(), at) else {
            return Ok(());
        };
        self.move_job(tx, &mut job, JobEvent::Reached(stage), now, &mut consequences.news)
            .await?;
        Ok(())
    }

    /// Keeps a part of a list of snapshots; with the last one the list takes effect.
    async fn keep_snapshots(
        &self,
        tx: &Tx,
        session: &AgentSession,
        part: &SnapshotPart,
        now: Timestamp,
        consequences: &mut Consequences,
    ) -> Result<(), Error> {
        let Some(job) = job_of(tx, session, part.job).await? else {
            return Ok(());
        };
        if job.repository_id != part.repository {
            return Ok(());
        }
        let part = self.bounded(tx, session.host, part).await?;
        if tx.put_snapshots(session.host, &part, now).await? {
            consequences.news.host(session.host);
        }
        Ok(())
    }

    /// Leaves out of a part what the host's list may not have. A host that never comes to the end of a list keeps no more
    /// than one beside the list in force.
    async fn bounded<'a>(&self, tx: &Tx, host: HostId, part: &'a SnapshotPart) -> Result<Cow<'a, SnapshotPart>, Error> {
        if part.part == 0 {
            tx.drop_unfinished_snapshots(host, part).await?;
        }
        let listed = tx.snapshots_listed(host, part).await?;
        let room = SnapshotPart::MAX_SNAPSHOTS.saturating_sub(listed);
        let is_within = part.part < SnapshotPart::MAX_PARTS;
        if is_within && part.snapshots.len() as u64 <= room {
            return Ok(Cow::Borrowed(part));
        }
        self.0.meters.snapshot_lists.reached();
        tracing::warn!(host.id = %host, job.id = %part.job, part = part.part, "snapshots beyond the limit of a list were left out");
        let kept = if is_within {
            usize::try_from(room).unwrap_or(usize::MAX)
        } else {
            0
        };
        let mut bounded = part.clone();
        bounded.snapshots.truncate(kept);
        Ok(Cow::Owned(bounded))
    }

    async fn finish_job(
        &self,
        tx: &Tx,
        mut job: Job,
        end: JobEnd,
        at: Timestamp,
        now: Timestamp,
        consequences: &mut Consequences,
    ) -> Result<(), Error> {
        let cancelled_by = job
            .cancel_requested
            .map_or(Actor::Host(job.host_id), |request| request.by);
        let seen = end.restic_repository;
        let written = end.log_lines;
        let outcome = end.outcome(job.kind, job.state.started_at(), at, cancelled_by);
        let finished = JobEvent::Finished { at, outcome };
        if !self
            .move_job(tx, &mut job, finished, now, &mut consequences.news)
            .await?
        {
            return Ok(());
        }
        tx.set_written_log_lines(job.id, written).await?;
        if let Some(seen) = seen {
            if job.mode == Mode::Anew && job.state.status() == Status::Succeeded {
                self.made_anew(tx, &job, seen, now, &mut consequences.news).await?;
            } else {
                self.learn_repository(tx, &job, seen, now, &mut consequences.news)
                    .await?;
            }
        }
        keep_stats(tx, &job, now).await?;
        if job.kind == JobKind::Init {
            consequences.was_made = true;
        }
        Ok(())
    }

    async fn note_applied(
        &self,
        tx: &Tx,
        host: HostId,
        kind: DesiredKind,
        stamp: &Stamp,
        error: Option<&ReportedText<1000>>,
    ) -> Result<(), Error> {
        if let Some(error) = error {
            tracing::warn!(host.id = %host, %kind, version = stamp.version, %error, "an agent could not store what it should hold");
            return Ok(());
        }
        let Some(known) = tx.host_session(host).await? else {
            return Ok(());
        };
        let mut held = known.applied;
        held.set(kind, stamp.clone());
        self.note_held(tx, host, &held).await
    }
}

/// Writes a piece of log into a transaction that the caller commits.
async fn write_log(tx: &Tx, session: &AgentSession, chunk: &LogChunk) -> Result<(Ingested, Consequences), Error> {
    let mut consequences = Consequences::default();
    let Some(position) = tx.log_position(chunk.job).await? else {
        return Ok((Ingested::Through(chunk.next_line()), consequences));
    };
    if !tx.append_log(chunk).await? {
        return Ok((Ingested::Through(position.next_line), consequences));
    }
    let excess = position
        .bytes
        .saturating_add(chunk.weight())
        .saturating_sub(LogChunk::MAX_JOB);
    if excess > 0 {
        tx.drop_log_middle(chunk.job, excess.max(LOG_ROOM)).await?;
    }
    let next_line = chunk.next_line();
    consequences.grown = Some((chunk.job, next_line));
    // Once for each job is often enough.
    consequences.is_full = position.next_line == 1 && tx.log_bytes_of(session.host).await? > MOST_LOG_BYTES;
    Ok((Ingested::Through(next_line), consequences))
}

/// Finds a job of the session's host. What a host says about any other job is dropped.
async fn job_of(tx: &ReadTx, session: &AgentSession, id: JobId) -> Result<Option<Job>, Error> {
    let found = tx
        .job(id)
        .await?
        .map(|view| view.job)
        .filter(|job| job.host_id == session.host);
    if found.is_none() {
        tracing::warn!(host.id = %session.host, job.id = %id, "a report about a job that is not this host's was dropped");
    }
    Ok(found)
}

/// Whether the log of a job is this host's to add to. That of a job that ended so long ago that its log was removed is not.
async fn keeps_log_of(tx: &ReadTx, session: &AgentSession, id: JobId) -> Result<bool, Error> {
    let found = tx.job(id).await?.filter(|view| view.job.host_id == session.host);
    if found.is_none() {
        tracing::warn!(host.id = %session.host, job.id = %id, "the log of a job that is not this host's was dropped");
    }
    Ok(found.is_some_and(|view| view.log.removed_at.is_none()))
}
