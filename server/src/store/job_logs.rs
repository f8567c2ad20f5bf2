//! The logs of jobs, in chunks as the agents send them.

use domain::id::JobId;
use domain::session::LogChunk;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{job, job_log_chunk};
use super::row::{Row, number};
use super::{Error, ReadTx, Tx, jobs};

const TABLE: &str = "job_log_chunks";
/// Chunks that are read at once on the way back from the end of a log.
const TAIL_STEP: u64 = 16;

/// How far the log of a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// The line that is expected next, from 1. Every line before it is kept, or was dropped by its agent.
    pub next_line: u64,
    /// Bytes of text that are kept.
    pub text_bytes: u64,
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
            text_bytes: row.count("log_bytes", model.log_bytes)?,
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
    /// Adds a chunk at the end of its job's log. One that does not begin at or behind the expected line changes nothing: the
    /// agent sends it again, cut anew, when it hears the position. Lines that are left out mark the log as truncated.
    ///
    /// Whether it was added. [`Error::Missing`] when there is no such job.
    pub async fn append_log(&self, chunk: &LogChunk) -> Result<bool, Error> {
        let position = self.log_position(chunk.job).await?;
        let Some(LogPosition { next_line, text_bytes }) = position else {
            return Err(Error::Missing {
                table: jobs::TABLE,
                row: chunk.job.to_string(),
            });
        };
        if chunk.first_line < next_line || chunk.line_count == 0 {
            return Ok(false);
        }
        let expected = number(jobs::TABLE, "log_lines", next_line - 1)?;
        let total = text_bytes.saturating_add(chunk.text_bytes);
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
}
