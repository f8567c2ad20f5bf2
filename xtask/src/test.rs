//! `cargo xtask test`: what CI runs, and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::packages::{self, Consent, under_ci};
use crate::postgres::Postgres;
use crate::rest_server::{self, RestServers};
use crate::stages::Stages;
use crate::tally::Tally;
use crate::{buf, check, npm, process, python, ui, up};

/// Installs what the tests need, runs the checks, and runs all tests against real services of their own.
///
/// With `only`, the arguments of one `cargo test`, it runs that against the same services and leaves the checks out.
pub(crate) fn run(root: &Path, only: &[String], consent: &Consent) -> Result<()> {
    let mut stages = Stages::default();
    let mut tally = Tally::default();
    let outcome = all(root, only, consent, &mut stages, &mut tally);
    stages.print_table();
    let outcome = outcome.and_then(|()| stages.verdict());
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    outcome
}

fn all(root: &Path, only: &[String], consent: &Consent, stages: &mut Stages, tally: &mut Tally) -> Result<()> {
    stages.require("packages", || packages::ensure(packages::FOR_TEST, consent))?;
    let mut command = check::cargo(root);
    command.args(["test", "--no-fail-fast"]);
    if only.is_empty() {
        check::stages_of(root, false, stages)?;
        command.arg("--workspace");
    }
    if drives_programs(only) {
        stages.require("build", || build(root, only))?;
        let clients = stages.require("clients", || Clients::install(root))?;
        clients.tell(&mut command);
        let versions = stages.require("restic versions", || packages::ensure_restic_versions(root, consent))?;
        command.env("RM_TEST_RESTICS", std::env::join_paths(versions)?);
    }
    if looks_at_pages(only) {
        let console = stages.require("console", || ui::build(root, true))?;
        let browser = stages.require("browser tests", || npm::ensure(root, npm::BROWSER))?;
        command.env("RM_TEST_CONSOLE", console).env("RM_TEST_E2E", browser);
    }
    if only.is_empty() {
        stages.attempt("up, twice", || up::rehearse(root))?;
    }
    let postgres = stages.require("PostgreSQL", Postgres::start)?;
    let rest_servers = stages.require("rest-server", RestServers::start)?;
    stages.attempt("tests", || tests(command.args(only), &postgres, &rest_servers, tally))
}

/// Whether the tests asked for start the built programs.
fn drives_programs(only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|argument| argument.contains("integration-tests"))
}

/// Whether the tests asked for may need the console, which takes minutes to build.
fn looks_at_pages(only: &[String]) -> bool {
    only.is_empty()
        || only
            .iter()
            .any(|argument| ["console", "at_size"].contains(&argument.as_str()))
}

/// Builds the programs that tests start: `cargo test` builds only those of the package under test.
fn build(root: &Path, only: &[String]) -> Result<()> {
    let mut command = check::cargo(root);
    command.args(["build", "--bins"]);
    if only.is_empty() {
        // Together with the tests, because alone the programs would be built a second time with fewer features.
        command.args(["--workspace", "--tests"]);
    } else {
        command.args([
            "--package",
            "restic-manager-server",
            "--package",
            "restic-manager-agent",
        ]);
    }
    process::run(&mut command)
}

/// Programs with which tests play clients that are not ours.
struct Clients {
    buf: PathBuf,
    python: PathBuf,
    typescript: PathBuf,
}

impl Clients {
    fn install(root: &Path) -> Result<Self> {
        Ok(Self {
            buf: buf::program(root)?,
            python: python::ensure(root)?,
            typescript: npm::ensure(root, npm::CLIENT)?,
        })
    }

    fn tell(&self, command: &mut Command) {
        command
            .env("RM_TEST_BUF", &self.buf)
            .env("RM_TEST_PYTHON", &self.python)
            .env("RM_TEST_TYPESCRIPT", &self.typescript);
    }
}

fn tests(command: &mut Command, postgres: &Postgres, rest_servers: &RestServers, tally: &mut Tally) -> Result<()> {
    command.env("RM_TEST_POSTGRES_URL", postgres.url());
    command.env("RM_TEST_POSTGRES_CA", postgres.ca());
    postgres.tell(command);
    command.env("RM_TEST_REST_SERVER", rest_servers.everyday_url());
    command.env("RM_TEST_REST_SERVER_ADMIN", rest_servers.admin_url());
    command.env("RM_TEST_REST_SERVER_USER", rest_server::USER);
    command.env("RM_TEST_REST_SERVER_PASSWORD", rest_server::PASSWORD);

    let status = process::run_lines(command, |line| {
        println!("{line}");
        tally.read(line);
    })?;
    ensure!(status.success(), "cargo test ended with {status}");
    ensure!(tally.passed > 0, "no test ran");
    judge_ignored(tally)
}

/// Under CI a test that did not run is a failure: nobody would look at the line that says so.
fn judge_ignored(tally: &Tally) -> Result<()> {
    if tally.ignored == 0 {
        return Ok(());
    }
    println!("{} ignored: {}", tally.ignored, tally.ignored_names.join(", "));
    ensure!(
        !under_ci(),
        "{} tests were ignored; under CI all must run",
        tally.ignored
    );
    Ok(())
}
