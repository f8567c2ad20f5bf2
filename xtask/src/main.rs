//! The project's own commands: `cargo xtask up`, `test`, `ui`, `check`, `bench` and `gen`.
//!
//! Plain Rust, so that a clone and rustup are all anybody needs. Each command says what it does, asks before it changes
//! the system, and stops every process it started.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to its terminal"
)]

mod account;
mod agent_is_pure;
mod background;
mod bench;
mod buf;
mod certificate;
mod check;
mod deny;
mod generate;
mod http;
mod interrupt;
mod npm;
mod packages;
mod postgres;
mod process;
mod python;
mod rest_server;
mod root;
mod stages;
mod tally;
mod test;
mod ui;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::packages::Consent;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests restic-manager from a clone")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what is missing, builds, starts server and agent on this machine, makes a backup and says how to sign in.
    Up {
        /// Stop everything after the last step instead of waiting for Ctrl-C.
        #[arg(long)]
        once: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Runs everything CI runs: the checks, then all tests on real PostgreSQL, restic and rest-server.
    Test {
        #[command(flatten)]
        consent: Consent,
        /// Skip the checks and give this to `cargo test` instead, such as `-p restic-manager-server store`.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "CARGO TEST ARGUMENTS"
        )]
        only: Vec<String>,
    },
    /// Builds the console into web-ui/dist, compressed and within its budget; a server takes it by RM_UI_DIR, or is built
    /// with it by the feature embed-ui.
    Ui {
        /// With the page /__kit, which shows every component in every state.
        #[arg(long)]
        gallery: bool,
    },
    /// Format, lints, dependency rules, the domain for WebAssembly, and the contract's lint and compatibility.
    Check {
        /// Look up security advisories as well; this needs the network.
        #[arg(long)]
        advisories: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Measures the release programs against reference programs and writes docs/src/performance.md; takes some minutes.
    Bench {
        #[command(flatten)]
        consent: Consent,
    },
    /// Writes the generated reference pages under docs/src/reference anew.
    Gen {
        /// Also make the contract as it is the one that later changes are compared with.
        #[arg(long)]
        accept_contract: bool,
        #[command(flatten)]
        consent: Consent,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = interrupt::listen().and_then(|()| run(&cli.command));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::requested() => {
            eprintln!("stopped on request; everything this command started has ended");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> anyhow::Result<()> {
    let root = root::find()?;
    match task {
        Task::Up { once, consent } => up::run(&root, *once, consent),
        Task::Test { consent, only } => test::run(&root, only, consent),
        Task::Ui { gallery } => ui::build(&root, *gallery).map(drop),
        Task::Check { advisories, consent } => check::run(&root, *advisories, consent),
        Task::Bench { consent } => bench::run(&root, consent),
        Task::Gen {
            accept_contract,
            consent,
        } => generate::run(&root, *accept_contract, consent),
    }
}
