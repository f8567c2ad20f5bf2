//! The command line of the server.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
