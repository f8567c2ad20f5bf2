//! [`Lanes`]: what agents deliver is written together where it waits at the same time.
//!
//! A commit costs a sync of the disk, and thousands of agents report within the same minutes. So sessions do not write
//! themselves: they put what came into a lane and wait. Whoever finds the lane at rest starts its writer, which writes what
//! waits into one transaction, commits it, answers, and goes on until nothing waits. Nobody is kept waiting so that others
//! may come: a lone batch is committed at once, and the more there is to do, the more of it shares a commit.
//!
//! **Invariant:** nobody is answered before the commit.
//!
//! **Invariant:** a batch that cannot be written harms nobody else. The transaction it was in is given up, and each batch of
//! it is then written in one of its own, which is safe to repeat: cursors say what is in already.
//!
//! **Invariant:** a session has one batch here at most, for it waits for the answer before it reads on. That keeps its
//! batches in order and bounds a lane by the number of sessions.
//!
//! Source: agent-protocol.md §9.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::id::HostId;
use domain::session::{AgentEvent, Fact, LogChunk};
use tokio::sync::oneshot;

use super::ingest::Consequences;
use super::session::AgentSession;
use super::{App, Error};
use crate::config::INGEST_ROWS;
use crate::meters::{InUse, Meter};
use crate::sessions::Ingested;
use crate::store::{self, Tx};

/// Bytes of packed log that one transaction takes; one batch that is larger has it alone.
const MOST_BYTES: usize = 1024 * 1024;

/// What an agent delivers.
#[derive(Debug)]
pub(super) enum Delivered {
    /// Events in order.
    Events(Vec<AgentEvent>),
    /// A piece of a job's log.
    Log(LogChunk),
}

/// What waits to be written, by host: batches of one host never wait in two lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    all: Vec<Mutex<Lane>>,
    meter: Meter,
    counts: Counts,
}

/// How much agents delivered since the server started, and in how many transactions it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestFigures {
    /// Batches that were committed.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
    /// Pieces of log among them.
    pub log_chunks: u64,
    /// Transactions in which they were committed.
    pub commits: u64,
    /// Transactions that were given up; what was in them was written batch by batch.
    pub given_up: u64,
    /// Batches that wait or are being written.
    pub waiting: u64,
}

#[derive(Debug, Default)]
struct Counts {
    batches: AtomicU64,
    events: AtomicU64,
    log_chunks: AtomicU64,
    commits: AtomicU64,
    given_up: AtomicU64,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Batch>,
    /// Somebody writes what waits, and what comes meanwhile.
    has_writer: bool,
}

/// One batch of one session.
#[derive(Debug)]
struct Batch {
    session: AgentSession,
    what: Delivered,
    answer: oneshot::Sender<Result<Ingested, Error>>,
    _waits: InUse,
}

/// The right to write what waits in a lane. Dropped before the lane is empty, it forgets what waits there: the sessions see
/// that their answer will not come, and end.
struct Turn<'a> {
    lane: &'a Mutex<Lane>,
    meter: &'a Meter,
    is_over: bool,
}

/// What shares a transaction.
#[derive(Default)]
struct Group {
    written: Vec<(Batch, Ingested, Consequences)>,
    rows: usize,
    bytes: usize,
}

impl Lanes {
    /// So many lanes, each with a writer of its own when there is something to write.
    pub(super) fn new(count: usize, meter: Meter) -> Self {
        Self {
            all: (0..count.max(1)).map(|_| Mutex::default()).collect(),
            meter,
            counts: Counts::default(),
        }
    }

    fn figures(&self) -> IngestFigures {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        IngestFigures {
            batches: of(&counts.batches),
            events: of(&counts.events),
            log_chunks: of(&counts.log_chunks),
            commits: of(&counts.commits),
            given_up: of(&counts.given_up),
            waiting: self.meter.in_use(),
        }
    }

    fn of(&self, host: HostId) -> usize {
        let lanes = self.all.len() as u128;
        usize::try_from(host.as_uuid().as_u128() % lanes).unwrap_or_default()
    }

    /// Whether the lane was at rest, so that it needs a writer.
    fn put(&self, number: usize, batch: Batch) -> bool {
        let mut lane = lock(&self.all[number]);
        lane.waiting.push_back(batch);
        !std::mem::replace(&mut lane.has_writer, true)
    }
}

impl Turn<'_> {
    /// Whether something waits; if not, the turn is over.
    fn goes_on(&mut self) -> bool {
        let mut lane = lock(self.lane);
        self.is_over = lane.waiting.is_empty();
        lane.has_writer = !self.is_over;
        !self.is_over
    }

    /// Takes the first batch that somebody still waits for, if it fits.
    fn take(&self, fits: impl Fn(&Delivered) -> bool) -> Option<Batch> {
        let mut lane = lock(self.lane);
        while lane.waiting.front()?.answer.is_closed() {
            lane.waiting.pop_front();
        }
        if !fits(&lane.waiting.front()?.what) {
            self.meter.reached();
            return None;
        }
        lane.waiting.pop_front()
    }

    /// All that wait.
    fn take_all(&self) -> VecDeque<Batch> {
        std::mem::take(&mut lock(self.lane).waiting)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            *lock(self.lane) = Lane::default();
        }
    }
}

impl Group {
    /// Takes the next batch of the turn; `None` when the transaction is to be committed.
    fn next(&mut self, turn: &Turn<'_>) -> Option<Batch> {
        let is_first = self.written.is_empty();
        let fits = |what: &Delivered| self.rows + what.rows() <= INGEST_ROWS && self.bytes + what.bytes() <= MOST_BYTES;
        let batch = turn.take(|what| is_first || fits(what))?;
        self.rows += batch.what.rows();
        self.bytes += batch.what.bytes();
        Some(batch)
    }

    fn batches(self) -> Vec<Batch> {
        self.written.into_iter().map(|(batch, ..)| batch).collect()
    }

    fn with(self, last: Batch) -> Vec<Batch> {
        let mut batches = self.batches();
        batches.push(last);
        batches
    }
}

impl Batch {
    /// A session that has ended meanwhile does not hear it, and its agent sends the batch again.
    fn answer(self, answer: Result<Ingested, Error>) {
        let _ = self.answer.send(answer);
    }
}

/// Tells several that nothing can be written at the moment.
fn refuse(batches: impl IntoIterator<Item = Batch>, error: store::Error) {
    let mut error = Some(error);
    for batch in batches {
        let why = error.take().unwrap_or(store::Error::Busy);
        batch.answer(Err(why.into()));
    }
}

impl Delivered {
    fn rows(&self) -> usize {
        match self {
            Self::Events(events) => events.iter().map(|event| rows_of(&event.fact)).sum(),
            Self::Log(_) => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Events(_) => 0,
            Self::Log(chunk) => chunk.lines_zstd.len(),
        }
    }
}

fn rows_of(fact: &Fact) -> usize {
    match fact {
        Fact::Snapshots(part) => 1 + part.snapshots.len(),
        Fact::JobStarted { .. }
        | Fact::JobRunning { .. }
        | Fact::JobFinalizing { .. }
        | Fact::JobFinished { .. }
        | Fact::DesiredApplied { .. }
        | Fact::Unusable { .. } => 1,
    }
}

/// A lane is whole after every statement that changes it.
fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    /// How much agents delivered, and in how many transactions it was written.
    pub fn ingest_figures(&self) -> IngestFigures {
        self.0.lanes.figures()
    }

    /// Hands over a batch, to be written with what else waits, and waits until it is committed.
    ///
    /// Dropping the future before the batch had its turn takes it back.
    pub(super) async fn deliver_in(&self, session: &AgentSession, what: Delivered) -> Result<Ingested, Error> {
        let lanes = &self.0.lanes;
        let (answer, answered) = oneshot::channel();
        let number = lanes.of(session.host);
        let batch = Batch {
            session: session.clone(),
            what,
            answer,
            _waits: lanes.meter.hold(1),
        };
        if lanes.put(number, batch) {
            tokio::spawn(self.clone().write_lane(number));
        }
        let answer = answered.await;
        answer.map_err(|gone| Error::failed("writing what an agent delivered", gone))?
    }

    async fn write_lane(self, number: usize) {
        let mut turn = Turn {
            lane: &self.0.lanes.all[number],
            meter: &self.0.lanes.meter,
            is_over: false,
        };
        while turn.goes_on() {
            self.write_group(&turn).await;
        }
    }

    /// Writes what waits, as much of it as one transaction takes.
    async fn write_group(&self, turn: &Turn<'_>) {
        let tx = match self.0.store.begin().await {
            Ok(tx) => tx,
            Err(error) => return refuse(turn.take_all(), error),
        };
        let mut group = Group::default();
        while let Some(batch) = group.next(turn) {
            match self.write(&tx, &batch.session, &batch.what).await {
                Ok((ingested, consequences)) => group.written.push((batch, ingested, consequences)),
                Err(error) => {
                    drop(tx);
                    return self.write_apart(group.with(batch), error).await;
                }
            }
        }
        if group.written.is_empty() {
            return;
        }
        match tx.commit().await {
            Ok(()) => self.committed(group.written),
            Err(error) => self.write_apart(group.batches(), error.into()).await,
        }
    }

    /// Writes each batch in a transaction of its own, after one that they shared has failed.
    async fn write_apart(&self, batches: Vec<Batch>, failure: Error) {
        let batches = match <[Batch; 1]>::try_from(batches) {
            // It was alone, and would fail again.
            Ok([batch]) => return batch.answer(Err(failure)),
            Err(several) => several,
        };
        tracing::warn!(
            batches = batches.len(),
            error = ?failure,
            "reports of several agents could not be written together; each is written by itself"
        );
        self.0.lanes.counts.given_up.fetch_add(1, Ordering::Relaxed);
        let mut batches = batches.into_iter();
        while let Some(batch) = batches.next() {
            let tx = match self.0.store.begin().await {
                Ok(tx) => tx,
                // Whoever waits long for one after the other would not hear of the next in time.
                Err(error) => return refuse(std::iter::once(batch).chain(batches), error),
            };
            match self.write_alone(tx, &batch).await {
                Ok((ingested, consequences)) => self.committed(vec![(batch, ingested, consequences)]),
                Err(error) => batch.answer(Err(error)),
            }
        }
    }

    async fn write_alone(&self, tx: Tx, batch: &Batch) -> Result<(Ingested, Consequences), Error> {
        let written = self.write(&tx, &batch.session, &batch.what).await?;
        tx.commit().await?;
        Ok(written)
    }

    /// Tells and answers what one commit has made permanent.
    fn committed(&self, written: Vec<(Batch, Ingested, Consequences)>) {
        let counts = &self.0.lanes.counts;
        counts.commits.fetch_add(1, Ordering::Relaxed);
        for (batch, ingested, consequences) in written {
            counts.batches.fetch_add(1, Ordering::Relaxed);
            match &batch.what {
                Delivered::Events(events) => counts.events.fetch_add(events.len() as u64, Ordering::Relaxed),
                Delivered::Log(_) => counts.log_chunks.fetch_add(1, Ordering::Relaxed),
            };
            self.follow(consequences);
            batch.answer(Ok(ingested));
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{JobId, OutboxIncarnation, SessionId};
    use domain::session::Suspects;
    use uuid::Uuid;

    use super::*;
    use crate::config::Limits;
    use crate::meters::Meters;

    #[test]
    fn a_transaction_takes_no_more_than_its_rows_and_a_batch_that_is_larger_has_it_alone() {
        let lanes = lanes();
        let sizes = [INGEST_ROWS / 2, INGEST_ROWS / 2, 1, INGEST_ROWS * 3, 1];
        let _answers: Vec<_> = sizes.into_iter().map(|rows| put(&lanes, rows).1).collect();
        let turn = turn(&lanes);

        let taken = || {
            let mut group = Group::default();
            while let Some(batch) = group.next(&turn) {
                group.written.push((batch, Ingested::Gap, Consequences::default()));
            }
            group
                .batches()
                .iter()
                .map(|batch| batch.what.rows())
                .collect::<Vec<_>>()
        };

        assert_eq!(taken(), [INGEST_ROWS / 2, INGEST_ROWS / 2]);
        assert_eq!(taken(), [1]);
        assert_eq!(taken(), [INGEST_ROWS * 3]);
        assert_eq!(taken(), [1]);
        assert_eq!(taken(), [0; 0]);
    }

    #[test]
    fn a_lane_has_one_writer_until_nothing_waits() {
        let lanes = lanes();

        let (needs_writer, _first) = put(&lanes, 1);
        let (needs_another, _second) = put(&lanes, 1);
        let mut turn = turn(&lanes);

        assert!(needs_writer && !needs_another);
        assert!(turn.goes_on());
        while turn.take(|_| true).is_some() {}
        assert!(!turn.goes_on());
        assert!(put(&lanes, 1).0);
    }

    #[test]
    fn a_writer_that_breaks_off_keeps_nobody_waiting() {
        let lanes = lanes();
        let (_, mut answer) = put(&lanes, 1);

        drop(turn(&lanes));

        assert_eq!(answer.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
        assert!(put(&lanes, 1).0, "the next one finds the lane at rest");
    }

    fn lanes() -> Lanes {
        Lanes::new(1, Meters::new(&Limits::default()).ingest)
    }

    fn turn(lanes: &Lanes) -> Turn<'_> {
        Turn {
            lane: &lanes.all[0],
            meter: &lanes.meter,
            is_over: false,
        }
    }

    fn put(lanes: &Lanes, rows: usize) -> (bool, oneshot::Receiver<Result<Ingested, Error>>) {
        let id = Uuid::nil();
        let fact = Fact::JobRunning {
            job: JobId::from_uuid(id),
        };
        let event = AgentEvent {
            seq: 1,
            occurred_at: None,
            fact,
        };
        let (answer, answered) = oneshot::channel();
        let batch = Batch {
            session: AgentSession {
                host: HostId::from_uuid(id),
                id: SessionId::from_uuid(id),
                epoch: 1,
                outbox: OutboxIncarnation::from_uuid(id),
                suspects: Suspects::default(),
            },
            what: Delivered::Events(vec![event; rows]),
            answer,
            _waits: lanes.meter.hold(1),
        };
        (lanes.put(0, batch), answered)
    }
}
