//! Reading and writing columns whose type is not the database's own.

use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{ConnectionTrait, DbBackend};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A row that is being read: where to point when a column makes no sense.
pub(super) struct Row {
    table: &'static str,
    key: String,
}

impl Row {
    pub(super) fn new(table: &'static str, key: &dyn fmt::Display) -> Self {
        Self {
            table,
            key: key.to_string(),
        }
    }

    /// A word of ours.
    pub(super) fn word<T: FromStr<Err: Into<Source>>>(&self, column: &'static str, text: &str) -> Result<T, Error> {
        text.parse().map_err(|source: T::Err| self.fault(column, source))
    }

    /// A JSON document.
    pub(super) fn document<T: DeserializeOwned>(&self, column: &'static str, text: &str) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|source| self.fault(column, source))
    }

    /// A time in microseconds.
    pub(super) fn time(&self, column: &'static str, micros: i64) -> Result<Timestamp, Error> {
        Timestamp::from_micros(micros).map_err(|source| self.fault(column, source))
    }

    /// A time that may be absent.
    pub(super) fn time_or_none(&self, column: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>, Error> {
        micros.map(|micros| self.time(column, micros)).transpose()
    }

    /// A number that is never negative.
    pub(super) fn count<T: TryFrom<i64, Error: Into<Source>>>(
        &self,
        column: &'static str,
        number: i64,
    ) -> Result<T, Error> {
        T::try_from(number).map_err(|source| self.fault(column, source))
    }

    /// A number that may be absent.
    pub(super) fn count_or_none<T: TryFrom<i64, Error: Into<Source>>>(
        &self,
        column: &'static str,
        number: Option<i64>,
    ) -> Result<Option<T>, Error> {
        number.map(|number| self.count(column, number)).transpose()
    }

    /// A SHA-256.
    pub(super) fn hash(&self, column: &'static str, bytes: Vec<u8>) -> Result<[u8; 32], Error> {
        bytes
            .try_into()
            .map_err(|_| self.fault(column, "a SHA-256 has 32 bytes"))
    }

    pub(super) fn fault(&self, column: &'static str, source: impl Into<Source>) -> Error {
        Error::Inconsistent {
            table: self.table,
            column,
            row: self.key.clone(),
            source: source.into(),
        }
    }
}

/// The JSON of a value of ours.
pub(super) fn json(table: &'static str, column: &'static str, value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|source| Error::Unstorable {
        table,
        column,
        source: source.into(),
    })
}

/// A count as the database holds it.
pub(super) fn number(table: &'static str, column: &'static str, value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|source| Error::Unstorable {
        table,
        column,
        source: source.into(),
    })
}

/// Whether a text can be in the database at all. PostgreSQL fails on a NUL instead of finding nothing.
pub(super) fn can_be_stored(text: &str) -> bool {
    !text.contains('\0')
}

/// Whether the text of a column contains `needle`, byte by byte. `LIKE` would need escapes, and ignores case on one of
/// the two databases only.
pub(super) fn contains(on: &impl ConnectionTrait, column: Expr, needle: &str) -> Expr {
    position(on, column, needle).map_or(Expr::value(false), |position| position.gt(0))
}

/// Whether the text of a column begins with `prefix`.
pub(super) fn begins_with(on: &impl ConnectionTrait, column: Expr, prefix: &str) -> Expr {
    position(on, column, prefix).map_or(Expr::value(false), |position| position.eq(1))
}

/// Where the text of a column has `needle`, from 1, or 0; `None` when no column can have it.
fn position(on: &impl ConnectionTrait, column: Expr, needle: &str) -> Option<Expr> {
    let is_postgres = on.get_database_backend() == DbBackend::Postgres;
    let function = if is_postgres { "strpos" } else { "instr" };
    can_be_stored(needle).then(|| Expr::expr(Func::cust(function).arg(column).arg(needle)))
}

/// Fails when a write met no row.
pub(super) fn must_exist(affected: u64, table: &'static str, row: &dyn fmt::Display) -> Result<(), Error> {
    if affected == 0 {
        Err(Error::Missing {
            table,
            row: row.to_string(),
        })
    } else {
        Ok(())
    }
}

/// Fails when a guarded write met no row of the version that it had read.
pub(super) fn must_be_fresh(affected: u64, table: &'static str, row: &dyn fmt::Display) -> Result<(), Error> {
    if affected == 0 {
        Err(Error::Stale {
            table,
            row: row.to_string(),
        })
    } else {
        Ok(())
    }
}
