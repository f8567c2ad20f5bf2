//! A PostgreSQL server of a test's own, which it may stop and start.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{ports, process, services};

/// A cluster with the database `postgres`. It trusts every connection from this machine.
pub struct Postgres {
    // Outside of any directory that its account may not enter.
    directory: TempDir,
    binaries: PathBuf,
    /// User and group to run as; PostgreSQL refuses root.
    account: Option<(u32, u32)>,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it. `None` where there is no PostgreSQL.
    #[track_caller]
    pub fn start() -> Option<Self> {
        let binaries = services::given("RM_TEST_POSTGRES_BINARIES", "PostgreSQL")?;
        let directory = TempDir::with_prefix("restic-manager-test-").expect("there is a place for temporary files");
        let postgres = Self {
            directory,
            binaries: binaries.into(),
            account: std::env::var("RM_TEST_POSTGRES_ACCOUNT").ok().map(|ids| account(&ids)),
            port: ports::free(),
        };
        let directory = postgres.directory.path();
        if let Some((user, group)) = postgres.account {
            chown(directory, Some(user), Some(group)).expect("root may give its directory away");
        }
        let mut make = postgres.command("initdb");
        make.args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        process::stdout(&process::run(make.arg("-D").arg(postgres.data())));
        postgres.control(&["start"]);
        Some(postgres)
    }

    /// The address of its database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as a crash does.
    #[track_caller]
    pub fn crash(&self) {
        self.control(&["stop", "-m", "immediate"]);
    }

    /// Starts it after a crash, and waits until it has recovered.
    #[track_caller]
    pub fn start_again(&self) {
        self.control(&["start"]);
    }

    #[track_caller]
    fn control(&self, words: &[&str]) {
        let mut command = self.command("pg_ctl");
        command
            .args(words)
            .args(["--wait", "--silent"])
            .arg("-D")
            .arg(self.data());
        // What was committed must survive a crash of PostgreSQL, so nothing is switched off that makes it safe.
        let options = format!(
            "-c listen_addresses=127.0.0.1 -p {} -k {}",
            self.port,
            self.data().display()
        );
        command
            .arg("-o")
            .arg(options)
            .arg("-l")
            .arg(self.directory.path().join("log"));
        process::stdout(&process::run(&mut command));
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = process::command(&self.binaries.join(program), Path::new("/"));
        command.current_dir(self.directory.path());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut command = self.command("pg_ctl");
        command
            .args(["stop", "-m", "immediate", "--silent", "-D"])
            .arg(self.data());
        // It may have been stopped by the test.
        process::run(&mut command);
    }
}

#[track_caller]
fn account(ids: &str) -> (u32, u32) {
    let (user, group) = ids.split_once(':').expect("user and group are given");
    let number = |text: &str| text.parse().expect("they are numbers");
    (number(user), number(group))
}
