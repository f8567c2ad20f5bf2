//! Against the restic that is installed here: the commands as they are written, and what their endings mean.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::time::Duration;

use domain::Secret;
use domain::job::FailureCode;
use restic::{
    Access, Backup, BackupOptions, Binary, Command, Ending, Exit, Facts, Limits, Lines, Outcome, Places, Search,
    Snapshot, Snapshots, Stream, Support, Transcript, classify, read_snapshots,
};
use tempfile::TempDir;

/// What to do when these tests cannot run.
const INSTALL: &str = "install the package restic, 0.16 or later";

const PASSWORD: &str = "correct horse battery";

#[test]
fn a_repository_is_made_probed_and_adopted() {
    let Some(host) = Host::new() else { return };

    let made = host.run(&Command::Init);
    let probed = host.run(&Command::CatConfig);
    let again = host.run(&Command::Init);

    let Outcome::Ok(Facts::Init {
        repository: Some(made),
        adopted: false,
    }) = made
    else {
        panic!("{made:?}")
    };
    assert_eq!(probed, Outcome::Ok(Facts::CatConfig { repository: made }));
    assert_eq!(
        again,
        Outcome::Ok(Facts::Init {
            repository: None,
            adopted: true
        })
    );
}

#[test]
fn a_backup_makes_a_snapshot_that_the_listing_shows() {
    let Some(host) = Host::with_repository() else { return };

    let outcome = host.run(&host.backup(vec![host.data()]));

    let Outcome::Ok(Facts::Backup { summary, snapshot_id }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((summary.files_new, summary.bytes_processed.as_bytes()), (2, 11));
    let snapshots = host.snapshots("web-1");
    assert_eq!(snapshots.len(), 1);
    assert_eq!(snapshots[0].id.to_string(), snapshot_id);
    assert_eq!(snapshots[0].tags, ["system"]);
    assert_eq!(snapshots[0].paths, [host.data().display().to_string()]);
    assert!(host.snapshots("web-2").is_empty());
}

#[test]
fn a_missing_source_is_an_issue_and_all_missing_is_a_failure() {
    let Some(host) = Host::with_repository() else { return };
    let gone = host.directory.path().join("gone");

    let some = host.run(&host.backup(vec![host.data(), gone.clone()]));
    let all = host.run(&host.backup(vec![gone.clone()]));

    let Outcome::Issues { problems, .. } = some else {
        panic!("{some:?}")
    };
    assert_eq!(problems.count(), 1);
    assert_eq!(problems.first()[0].item.as_str(), gone.display().to_string());
    assert_eq!(failure(&all), FailureCode::SourceMissing);
}

#[test]
fn a_file_that_cannot_be_read_is_an_issue_by_name() {
    let Some(host) = Host::with_repository() else { return };
    // Readable by nobody, not even by root: nothing is mapped where reading begins.
    let unreadable = PathBuf::from(format!("/proc/{}/mem", process::id()));

    let outcome = host.run(&host.backup(vec![host.data(), unreadable.clone()]));

    let Outcome::Issues { problems, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let items: Vec<&str> = problems.first().iter().map(|problem| problem.item.as_str()).collect();
    assert_eq!(items, [unreadable.display().to_string()]);
    assert!(!problems.first()[0].message.is_empty());
}

#[test]
fn the_agents_own_paths_are_left_out_whatever_the_patterns_say() {
    let Some(host) = Host::with_repository() else { return };
    let own_paths = [host.data().join("own"), host.data().join("odd*[1]")];
    for own in &own_paths {
        fs::create_dir(own).unwrap();
        fs::write(own.join("secrets.enc"), "secret").unwrap();
    }
    let mut options = host.options(vec![host.data()]);
    options.own_paths = own_paths.to_vec();
    options.excludes = vec!["b".to_owned(), "!own".to_owned(), "!secrets.enc".to_owned()];

    let outcome = host.run(&Command::Backup(Backup::new(options).unwrap()));

    let Outcome::Ok(Facts::Backup { summary, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(summary.files_new, 1, "only `a` is left");
}

#[test]
fn a_changed_path_list_keeps_its_parent() {
    let Some(host) = Host::with_repository() else { return };
    let more = host.directory.path().join("more");
    fs::create_dir(&more).unwrap();

    host.run(&host.backup(vec![host.data()]));
    let outcome = host.run(&host.backup(vec![host.data(), more]));

    let Outcome::Ok(Facts::Backup { summary, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((summary.files_new, summary.files_unmodified), (0, 2));
}

#[test]
fn a_wrong_password_and_a_missing_repository_are_told_apart() {
    let Some(host) = Host::with_repository() else { return };
    let stranger = host.access("repository", "another password");
    let nowhere = host.access("nowhere", PASSWORD);

    for command in [Command::CatConfig, host.backup(vec![host.data()]), listing("web-1")] {
        assert_eq!(
            failure(&host.run_with(&stranger, &command).0),
            FailureCode::WrongPassword
        );
        assert_eq!(failure(&host.run_with(&nowhere, &command).0), FailureCode::RepoMissing);
    }
}

#[test]
fn locks_are_listed_and_stale_ones_removed() {
    let Some(host) = Host::with_repository() else { return };

    let before = host.run(&Command::ListLocks);
    let unlocked = host.run(&Command::Unlock);

    assert_eq!(before, Outcome::Ok(Facts::ListLocks { ids: Vec::new() }));
    assert_eq!(unlocked, Outcome::Ok(Facts::Unlock));
}

#[test]
fn limits_are_accepted_before_every_command() {
    let Some(host) = Host::with_repository() else { return };

    let commands = [
        Command::CatConfig,
        host.backup(vec![host.data()]),
        listing("web-1"),
        Command::ListLocks,
        Command::Unlock,
    ];

    for command in commands {
        let limits = Limits {
            upload_kib_per_s: 10_000.try_into().ok(),
            download_kib_per_s: 10_000.try_into().ok(),
        };
        let (outcome, _) = host.run_limited(&host.access("repository", PASSWORD), &command, limits);

        assert!(matches!(outcome, Outcome::Ok(_)), "{command:?}: {outcome:?}");
    }
}

/// A directory that plays the host: data with two files, cache, and a place for repositories.
struct Host {
    restic: Binary,
    directory: TempDir,
}

impl Host {
    /// `None`, with a word to the person who runs the tests, when restic is not installed.
    fn new() -> Option<Self> {
        let search = Search {
            path: std::env::var_os("PATH"),
            ..Search::default()
        };
        let found = Binary::find(&search).map_err(|error| error.to_string());
        let restic = match found.and_then(recent) {
            Ok(restic) => restic,
            Err(reason) if std::env::var_os("CI").is_some() => panic!("{reason}; {INSTALL}"),
            Err(reason) => {
                skipped(&reason);
                return None;
            }
        };
        let directory = tempfile::tempdir().unwrap();
        let host = Self { restic, directory };
        fs::create_dir(host.data()).unwrap();
        fs::write(host.data().join("a"), "hello").unwrap();
        fs::write(host.data().join("b"), "world!").unwrap();
        fs::create_dir(host.directory.path().join("tmp")).unwrap();
        Some(host)
    }

    fn with_repository() -> Option<Self> {
        let host = Self::new()?;
        let outcome = host.run(&Command::Init);
        assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
        Some(host)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn backup(&self, sources: Vec<PathBuf>) -> Command {
        Command::Backup(Backup::new(self.options(sources)).unwrap())
    }

    fn options(&self, sources: Vec<PathBuf>) -> BackupOptions {
        BackupOptions {
            host: "web-1".to_owned(),
            tag: "system".to_owned(),
            sources,
            excludes: Vec::new(),
            own_paths: vec![self.directory.path().join("cache")],
            exclude_caches: true,
            one_file_system: false,
            lock_wait: Duration::from_secs(5),
        }
    }

    fn snapshots(&self, host: &str) -> Vec<Snapshot> {
        let (outcome, stdout) = self.run_with(&self.access("repository", PASSWORD), &listing(host));
        assert_eq!(outcome, Outcome::Ok(Facts::Snapshots));
        let mut snapshots = Vec::new();
        read_snapshots(stdout.as_slice(), 100, |snapshot| snapshots.push(snapshot)).unwrap();
        snapshots
    }

    fn access(&self, repository: &str, password: &str) -> Access {
        let url = self.directory.path().join(repository).display().to_string();
        Access::new(url.parse().unwrap(), Secret::from(password.to_owned())).unwrap()
    }

    fn run(&self, command: &Command) -> Outcome {
        self.run_with(&self.access("repository", PASSWORD), command).0
    }

    fn run_with(&self, access: &Access, command: &Command) -> (Outcome, Vec<u8>) {
        self.run_limited(access, command, Limits::default())
    }

    /// Runs restic as the agent does, but with the password on stdin: mapping another descriptor needs more than the
    /// standard library has.
    fn run_limited(&self, access: &Access, command: &Command, limits: Limits) -> (Outcome, Vec<u8>) {
        let directory = self.directory.path();
        let places = Places {
            cache: directory.join("cache"),
            temporary: directory.join("tmp"),
            home: directory.to_owned(),
            password_descriptor: 0,
        };
        let capabilities = self.restic.capabilities();
        let invocation = command.invocation(capabilities, access, &places, limits);
        let mut child = process::Command::new(self.restic.path())
            .args(&invocation.args)
            .env_clear()
            .envs(invocation.env.vars())
            .current_dir(Path::new("/"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(access.password().expose().as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();

        let mut transcript = Transcript::new(command.kind());
        for (stream, bytes) in [(Stream::Stdout, &output.stdout), (Stream::Stderr, &output.stderr)] {
            let mut lines = Lines::new(access.redactor());
            lines.feed(bytes, |line| transcript.observe(stream, &line));
            lines.finish(|line| transcript.observe(stream, &line));
        }
        let ending = Ending {
            exit: output.status.code().map_or(Exit::Unknown, Exit::Code),
            stop: None,
            missing_sources: &[],
        };
        (classify(capabilities, transcript, ending), output.stdout)
    }
}

fn listing(host: &str) -> Command {
    Command::Snapshots(Snapshots::of_host(host.to_owned()).unwrap())
}

fn failure(outcome: &Outcome) -> FailureCode {
    let Outcome::Failed { cause, .. } = outcome else {
        panic!("{outcome:?}")
    };
    cause.code
}

/// Older ones say less; the recordings cover them.
fn recent(restic: Binary) -> Result<Binary, String> {
    let version = restic.capabilities().version;
    match version.support() {
        Support::TooOld | Support::Limited => Err(format!("restic {version} is too old")),
        Support::Full | Support::Recommended => Ok(restic),
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn skipped(reason: &str) {
    eprintln!("skipped: {reason}; {INSTALL}");
}
