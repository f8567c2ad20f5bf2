//! [`DatabaseUrl`]: which database, and where.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use domain::Secret;
use sea_orm::sqlx::postgres::PgConnectOptions;

/// Which database the server uses. Its `Display` never shows the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An SQLite file. It is made when it does not exist; its directory is not.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server, as the URL that was given. It holds the login.
    Postgres(Secret<String>),
}

/// A text that names no database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a database: sqlite:// and the path of a file, or postgres://user:password@host/database, is needed")]
pub struct InvalidDatabaseUrl;

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            // `?` would begin options, and all of those are ours to choose.
            let is_file = !path.is_empty() && !path.starts_with(':') && !path.contains(['?', '\0']);
            return if is_file {
                Ok(Self::Sqlite(path.into()))
            } else {
                Err(InvalidDatabaseUrl)
            };
        }
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if is_postgres && text.parse::<PgConnectOptions>().is_ok() {
            return Ok(Self::Postgres(text.to_owned().into()));
        }
        Err(InvalidDatabaseUrl)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite file {}", path.display()),
            Self::Postgres(url) => match url.expose().parse::<PgConnectOptions>() {
                Ok(options) => {
                    let database = options.get_database().unwrap_or("of the user's name");
                    write!(
                        f,
                        "PostgreSQL at {}:{}, database {database}",
                        options.get_host(),
                        options.get_port()
                    )
                }
                Err(_) => f.write_str("PostgreSQL"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_are_told_apart_and_shown_without_the_login() {
        let check = |text: &str, shown: &str| assert_eq!(text.parse::<DatabaseUrl>().unwrap().to_string(), shown);

        check(
            "sqlite:///var/lib/rm/restic-manager.db",
            "SQLite file /var/lib/rm/restic-manager.db",
        );
        check("sqlite://relative.db", "SQLite file relative.db");
        check(
            "postgres://rm:hunter2@db.example.org/rm",
            "PostgreSQL at db.example.org:5432, database rm",
        );
        check(
            "postgresql://rm:hunter2@[::1]:6000/rm?sslmode=disable",
            "PostgreSQL at [::1]:6000, database rm",
        );
    }

    #[test]
    fn what_names_no_database_is_refused() {
        for text in [
            "",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite::memory:",
            "sqlite://a.db?mode=memory",
            "mysql://h/d",
            "/a.db",
        ] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl), "{text}");
        }
    }

    #[test]
    fn debug_does_not_show_the_login_either() {
        let url: DatabaseUrl = "postgres://rm:hunter2@localhost/rm".parse().unwrap();

        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
