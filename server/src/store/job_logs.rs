//! The logs of jobs, in chunks as the agents send them.

use domain::id::JobId;
use domain::session::LogChunk;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{job, job_log_chunk};
use super::row::{Row, must_exist, number};
use super::{Error, ReadTx, Tx, jobs};

const TABLE: &str = "job_log_chunks";
/// Chunks that are read at once on the way back from the end of a log.
const TAIL_STEP: u64 = 16;

/// How far the log of a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// The line that is expected next, from 1. Every line before it is kept, or was dropped by its agent.
    pub next_line: u64,
    /// Bytes that are kept, as [`LogChunk::weight`] counts them.
    pub bytes: u64,
}

impl ReadTx {
    /// Finds how far the log of a job has come; `None` when there is no such job.
    pub async fn log_position(&self, job: JobId) -> Result<Option<LogPosition>, Error> {
        let found = job::Entity::find_by_id(job.as_uuid())
            .one(&self.on)
            .await
            .map_err(Error::at(jobs::TABLE))?;
        let Some(model) = found else {
            return Ok(None);
        };
        let row = Row::new(jobs::TABLE, &model.id);
        let lines: u64 = row.count("log_lines", model.log_lines)?;
        Ok(Some(LogPosition {
            next_line: lines + 1,
            bytes: row.count("log_bytes", model.log_bytes)?,
        }))
    }

    /// Reads chunks of a log in order, from the one that holds line `from` or follows it; at most `limit`.
    pub async fn log_chunks(&self, job: JobId, from: u64, limit: u64) -> Result<Vec<LogChunk>, Error> {
        use job_log_chunk::{Column, Entity};
        // Beyond what a column can hold nothing follows.
        let Ok(from) = i64::try_from(from) else {
            return Ok(Vec::new());
        };
        let end = Expr::col(Column::FirstLine).add(Expr::col(Column::LineCount));
        let found = Entity::find()
            .filter(Column::JobId.eq(job.as_uuid()))
            .filter(end.gt(from))
            .order_by_asc(Column::FirstLine)
            .limit(limit)
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        found.into_iter().map(LogChunk::try_from).collect()
    }

    /// Reads the last chunks of a log, in order: enough of them to hold its last `lines` lines.
    pub async fn log_tail(&self, job: JobId, lines: u64) -> Result<Vec<LogChunk>, Error> {
        use job_log_chunk::{Column, Entity};
        let mut tail: Vec<LogChunk> = Vec::new();
        let mut before = i64::MAX;
        loop {
            let found = Entity::find()
                .filter(Column::JobId.eq(job.as_uuid()))
                .filter(Column::FirstLine.lt(before))
                .order_by_desc(Column::FirstLine)
                .limit(TAIL_STEP)
                .all(&self.on)
                .await
                .map_err(Error::at(TABLE))?;
            if found.is_empty() {
                break;
            }
            for model in found {
                before = model.first_line;
                tail.push(LogChunk::try_from(model)?);
                if tail.iter().map(|chunk| u64::from(chunk.line_count)).sum::<u64>() >= lines {
                    tail.reverse();
                    return Ok(tail);
                }
            }
        }
        tail.reverse();
        Ok(tail)
    }
}

impl Tx {
    /// Adds a chunk at the end of its job's log. One that does not begin at or behind the expected line, or follows a line
    /// that is not there, changes nothing: the agent goes on at the position when it hears it. Lines that are left out mark
    /// the log as truncated.
    ///
    /// Whether it was added. [`Error::Missing`] when there is no such job.
    pub async fn append_log(&self, chunk: &LogChunk) -> Result<bool, Error> {
        let position = self.log_position(chunk.job).await?;
        let Some(LogPosition { next_line, bytes }) = position else {
            return Err(Error::Missing {
                table: jobs::TABLE,
                row: chunk.job.to_string(),
            });
        };
        let lacks_what_it_follows = chunk.follows_line.is_some_and(|line| line >= next_line);
        if chunk.first_line < next_line || chunk.line_count == 0 || lacks_what_it_follows {
            return Ok(false);
        }
        let expected = number(jobs::TABLE, "log_lines", next_line - 1)?;
        let total = bytes.saturating_add(chunk.weight());
        let mut update = job::Entity::update_many()
            .col_expr(
                job::Column::LogLines,
                Expr::value(number(jobs::TABLE, "log_lines", chunk.next_line() - 1)?),
            )
            .col_expr(
                job::Column::LogBytes,
                Expr::value(number(jobs::TABLE, "log_bytes", total)?),
            )
            .filter(job::Column::Id.eq(chunk.job.as_uuid()))
            .filter(job::Column::LogLines.eq(expected));
        if chunk.first_line > next_line {
            update = update.col_expr(job::Column::LogTruncated, Expr::value(true));
        }
        let done = update.exec(&self.on).await.map_err(Error::at(jobs::TABLE))?;
        if done.rows_affected == 0 {
            return Ok(false);
        }
        let row = job_log_chunk::ActiveModel {
            job_id: Set(chunk.job.as_uuid()),
            first_line: Set(number(TABLE, "first_line", chunk.first_line)?),
            line_count: Set(i64::from(chunk.line_count)),
            text_bytes: Set(number(TABLE, "text_bytes", chunk.text_bytes)?),
            lines_zstd: Set(chunk.lines_zstd.clone()),
        };
        job_log_chunk::Entity::insert(row)
            .exec_without_returning(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        Ok(true)
    }

    /// Makes room in a log that is too long: of what lies behind its first [`LogChunk::MAX_HEAD`] bytes, the oldest chunks
    /// go, as many as hold `wanted` bytes. The log counts as truncated from then on.
    pub async fn drop_log_middle(&self, job: JobId, wanted: u64) -> Result<(), Error> {
        use job_log_chunk::{Column, Entity};
        let chunks: Vec<(i64, i64)> = Entity::find()
            .select_only()
            .columns([Column::FirstLine, Column::TextBytes])
            .filter(Column::JobId.eq(job.as_uuid()))
            .order_by_asc(Column::FirstLine)
            .into_tuple()
            .all(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let (mut head, mut freed, mut dropped) = (0, 0, None);
        for (first_line, text_bytes) in chunks {
            let weight = LogChunk::weight_of(Row::new(TABLE, &job).count("text_bytes", text_bytes)?);
            if dropped.is_none() && head + weight <= LogChunk::MAX_HEAD {
                head += weight;
                continue;
            }
            if freed >= wanted {
                break;
            }
            freed += weight;
            dropped = Some((dropped.map_or(first_line, |(first, _)| first), first_line));
        }
        let Some((first, last)) = dropped else {
            return Ok(());
        };
        Entity::delete_many()
            .filter(Column::JobId.eq(job.as_uuid()))
            .filter(Column::FirstLine.between(first, last))
            .exec(&self.on)
            .await
            .map_err(Error::at(TABLE))?;
        let freed = number(jobs::TABLE, "log_bytes", freed)?;
        let done = job::Entity::update_many()
            .col_expr(job::Column::LogBytes, Expr::col(job::Column::LogBytes).sub(freed))
            .col_expr(job::Column::LogTruncated, Expr::value(true))
            .filter(job::Column::Id.eq(job.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(jobs::TABLE))?;
        must_exist(done.rows_affected, jobs::TABLE, &job)
    }

    /// Notes how many lines an ended job has written. [`Error::Missing`] when there is no such job.
    pub async fn set_written_log_lines(&self, job: JobId, lines: u64) -> Result<(), Error> {
        // What no column can hold nobody has written.
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        let done = job::Entity::update_many()
            .col_expr(job::Column::LogWritten, Expr::value(lines))
            .filter(job::Column::Id.eq(job.as_uuid()))
            .exec(&self.on)
            .await
            .map_err(Error::at(jobs::TABLE))?;
        must_exist(done.rows_affected, jobs::TABLE, &job)
    }
}
