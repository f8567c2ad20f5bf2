//! The sorts of columns, see the README, and the keys and indexes over them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// An id of ours.
pub(crate) fn id(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

/// An id that may be absent.
pub(crate) fn id_or_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().null().take()
}

/// Microseconds since the Unix epoch.
pub(crate) fn time(name: &'static str) -> ColumnDef {
    number(name)
}

/// A time that may be absent.
pub(crate) fn time_or_null(name: &'static str) -> ColumnDef {
    number_or_null(name)
}

/// A count, a size or a version.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// A number that may be absent.
pub(crate) fn number_or_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// Yes or no.
pub(crate) fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// A text, a word of a kind or a JSON document.
pub(crate) fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

/// A text that may be absent.
pub(crate) fn text_or_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().take()
}

/// A text that the database compares and orders, byte by byte. SQLite does so anyway; PostgreSQL follows the locale of
/// the server unless the column says otherwise.
pub(crate) fn key(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let mut column = text(name);
    if manager.get_database_backend() == DbBackend::Postgres {
        column.extra(r#"COLLATE "C""#);
    }
    column
}

/// Bytes: a hash, a certificate, a sealed secret, a compressed log.
pub(crate) fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().take()
}

/// Bytes that may be absent.
pub(crate) fn bytes_or_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().null().take()
}

/// The rows of this table belong to a row of `parent` and go with it.
pub(crate) fn belongs_to(column: &'static str, parent: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from_col(column)
        .to(parent, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

/// An index over columns of a table.
pub(crate) fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}
