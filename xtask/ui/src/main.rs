//! Builds the console into `web-ui/dist`: the program, its glue, styles, fonts and shapes, each with its hash in its name
//! and compressed beside it. Called by `cargo xtask ui`.
//!
//! Cargo compiles, wasm-bindgen is linked in, and nothing else is needed: no Node and no other tool.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to its terminal"
)]

mod assemble;
mod budget;
mod dist;
mod program;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let root = words.next().map(PathBuf::from);
    let root =
        root.context("name the clone's folder and the target folder, then --gallery if the gallery is wanted")?;
    let target = words.next().map(PathBuf::from).context("name the target folder")?;
    let gallery = words.any(|word| word == "--gallery");

    let program = program::build(&root, &target, gallery)?;
    let dist = assemble::assemble(&root.join("web-ui"), &program)?;
    budget::check(&dist, gallery)?;
    dist.write(&root.join("web-ui/dist"))
}
