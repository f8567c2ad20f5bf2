//! What a job needs before restic runs, and the failure that each lack is.

use std::path::{Path, PathBuf};

use domain::job::{FailureCause, FailureCode};
use domain::repository::{BackendEnv, RepositoryUrl};
use domain::session::{BackupOrder, HeldRepository};
use restic::{Access, Backup, BackupOptions, Binary, Error, Refused, Search};

use super::Options;
use crate::{durable, space};

/// How long a backup waits for another's exclusive lock.
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_mins(10);

/// Tag of a snapshot of paths that were given by hand. No source group can have this name.
const UNTAGGED: &str = "rm:by-hand";

/// The sources of a backup, looked at.
#[derive(Debug)]
pub(super) struct Sources {
    /// Those that are there.
    pub(super) present: Vec<PathBuf>,
    /// Those that are not.
    pub(super) missing: Vec<PathBuf>,
}

/// What opens a repository, in restic's terms.
pub(super) fn access(held: HeldRepository) -> Result<Access, FailureCause> {
    let HeldRepository {
        id: _,
        url,
        username,
        repo_password,
        backend_password,
        backend_env,
        restic_id: _,
    } = held;
    let (url, _) = RepositoryUrl::parse(&url).map_err(|error| failure(FailureCode::InvalidRepoUrl, &error))?;
    let kind = url.kind();
    let takes_login = kind.takes_login() && !username.is_empty();
    // A login without a password of its own uses the repository's.
    let login_password = if backend_password.expose().is_empty() {
        repo_password.clone()
    } else {
        backend_password
    };
    let mut access = Access::new(url, repo_password).map_err(|error| refused(&error))?;
    if takes_login {
        access = access
            .with_login(username, login_password)
            .map_err(|error| refused(&error))?;
    }
    let env = BackendEnv::parse(kind, backend_env).map_err(|error| failure(FailureCode::InvalidValue, &error))?;
    access.with_env(env).map_err(|error| refused(&error))
}

/// The failure of a job of which nothing can be written down.
pub(super) fn not_begun(error: &durable::Error) -> FailureCause {
    let code = if space::is_used_up(error) {
        FailureCode::NoSpace
    } else {
        FailureCode::AgentFailed
    };
    failure(code, error)
}

/// Finds restic. Asks it for its version, which may take a moment.
pub(super) async fn binary(search: Search) -> Result<Binary, FailureCause> {
    let finding = tokio::task::spawn_blocking(move || Binary::find(&search));
    let found = finding
        .await
        .map_err(|error| failure(FailureCode::ResticMissing, &error))?;
    found.map_err(|error| {
        let code = match &error {
            Error::TooOld { .. } => FailureCode::ResticTooOld,
            Error::Missing { .. }
            | Error::Start { .. }
            | Error::NoAnswer { .. }
            | Error::NotRestic { .. }
            | Error::BrokenListing { .. }
            | Error::OversizedEntry
            | Error::UnusableEntry { .. } => FailureCode::ResticMissing,
        };
        failure(code, &error)
    })
}

/// Looks which sources are there. Versions before 0.19 say nothing of a missing one but a line on stderr.
pub(super) fn sources(order: &BackupOrder) -> Result<Sources, FailureCause> {
    let paths = order.paths.as_slice().iter().map(|path| PathBuf::from(path.as_str()));
    let (present, missing): (Vec<_>, Vec<_>) = paths.partition(|path| path.symlink_metadata().is_ok());
    if present.is_empty() {
        let named: Vec<String> = missing.iter().map(|path| path.display().to_string()).collect();
        return Err(FailureCause {
            code: FailureCode::SourceMissing,
            exit_code: None,
            message: format!("not there: {}", named.join(", ")).into(),
        });
    }
    Ok(Sources { present, missing })
}

/// Writes a backup down for restic.
pub(super) fn backup(
    order: &BackupOrder,
    sources: &Sources,
    host: &str,
    options: &Options,
) -> Result<Backup, FailureCause> {
    let own_paths = with_real_names(options.places.own_paths());
    if let Some(path) = sources.present.iter().find(|path| is_own(path, &own_paths)) {
        return Err(refused(&Refused::OwnPath { path: path.clone() }));
    }
    Backup::new(BackupOptions {
        host: host.to_owned(),
        tag: order.tag.clone().unwrap_or_else(|| UNTAGGED.to_owned()),
        sources: sources.present.clone(),
        excludes: order.excludes.clone(),
        own_paths,
        exclude_caches: order.exclude_caches,
        one_file_system: order.one_file_system,
        lock_wait: LOCK_WAIT,
    })
    .map_err(|error| refused(&error))
}

/// A failure in the agent's or restic's own words.
pub(super) fn failure(code: FailureCode, error: &dyn std::error::Error) -> FailureCause {
    FailureCause {
        code,
        exit_code: None,
        message: crate::telemetry::chain(error).into(),
    }
}

/// Each refusal has the code whose advice sends the operator to the right field.
fn refused(error: &Refused) -> FailureCause {
    let code = match error {
        Refused::Rclone => FailureCode::InvalidRepoUrl,
        Refused::EmptyPassword | Refused::PaddedPassword => FailureCode::WrongPassword,
        Refused::Variable { .. }
        | Refused::Login { .. }
        | Refused::Value { .. }
        | Refused::CommaInTag
        | Refused::NoSource
        | Refused::Path { .. }
        | Refused::OwnPath { .. } => FailureCode::InvalidValue,
    };
    failure(code, error)
}

/// The names as given and what they are without symbolic links.
fn with_real_names(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let real: Vec<PathBuf> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut all = paths;
    for path in real {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

/// Whether a source lies inside the agent's own directories, through whatever links. Excludes do not apply to it then.
fn is_own(source: &Path, own_paths: &[PathBuf]) -> bool {
    let real = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    own_paths.iter().any(|own| real.starts_with(own))
}

#[cfg(test)]
mod tests {
    use domain::Secret;
    use domain::id::RepositoryId;
    use domain::path::BackupPaths;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn missing_sources_are_told_apart_and_none_left_is_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let there = directory.path().to_str().unwrap();

        let some = sources(&order(&[there, "/not/there"])).unwrap();
        let none = sources(&order(&["/not/there", "/nor/here"])).unwrap_err();

        assert_eq!(some.present, [directory.path()]);
        assert_eq!(some.missing, [PathBuf::from("/not/there")]);
        assert_eq!(none.code, FailureCode::SourceMissing);
        assert_eq!(none.message.as_str(), "not there: /not/there, /nor/here");
    }

    #[test]
    fn a_login_without_password_uses_the_repositorys() {
        let opens = |backend_password: &str| {
            access(HeldRepository {
                backend_password: Secret::new(backend_password.to_owned()),
                ..held("rest:http://backup.example.org/", "web-1")
            })
        };

        assert!(opens("").is_ok() && opens("own").is_ok());
    }

    #[test]
    fn what_restic_must_not_be_given_fails_with_a_code_that_helps() {
        for (held, code) in [
            (held("rest:ftp://backup.example.org/", ""), FailureCode::InvalidRepoUrl),
            (held("rclone:remote:path", ""), FailureCode::InvalidRepoUrl),
            (
                HeldRepository {
                    repo_password: Secret::default(),
                    ..held("/srv/repo", "")
                },
                FailureCode::WrongPassword,
            ),
            (
                HeldRepository {
                    backend_env: vec![("LD_PRELOAD".to_owned(), Secret::new("x".to_owned()))],
                    ..held("/srv/repo", "")
                },
                FailureCode::InvalidValue,
            ),
        ] {
            let cause = access(held).unwrap_err();

            assert_eq!(cause.code, code, "{cause:?}");
        }
    }

    #[tokio::test]
    async fn a_host_without_restic_says_so() {
        let search = Search {
            configured: Some("/nowhere/restic".into()),
            ..Search::default()
        };

        assert_eq!(binary(search).await.unwrap_err().code, FailureCode::ResticMissing);
    }

    #[cfg(unix)]
    #[test]
    fn the_agents_own_directory_is_found_behind_links() {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("own");
        std::fs::create_dir(&own).unwrap();
        std::fs::create_dir(own.join("inner")).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&own, &link).unwrap();
        let own_paths = with_real_names(vec![own.clone()]);

        assert!(is_own(&own, &own_paths));
        assert!(is_own(&link.join("inner"), &own_paths));
        assert!(!is_own(directory.path(), &own_paths));
    }

    fn held(url: &str, username: &str) -> HeldRepository {
        HeldRepository {
            id: RepositoryId::from_uuid(Uuid::nil()),
            url: url.to_owned(),
            username: username.to_owned(),
            repo_password: Secret::new("password".to_owned()),
            backend_password: Secret::default(),
            backend_env: Vec::new(),
            restic_id: None,
        }
    }

    fn order(paths: &[&str]) -> BackupOrder {
        BackupOrder {
            paths: BackupPaths::parse(paths).unwrap(),
            excludes: Vec::new(),
            exclude_caches: false,
            one_file_system: false,
            tag: None,
            max_runtime: None,
        }
    }
}
