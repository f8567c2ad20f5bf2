//! Agreement to change the system.

use std::env;
use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use clap::Args;

/// Who has agreed to what, from the command line.
#[derive(Args)]
pub(crate) struct Consent {
    /// Install what is missing without asking first; always so under CI.
    #[arg(long)]
    yes: bool,
    /// The Debian mirror that has the newer restic, where this system has none configured (Ubuntu).
    #[arg(long, env = "RM_DEBIAN_MIRROR", value_name = "URL")]
    pub(crate) debian_mirror: Option<String>,
}

impl Consent {
    /// Asks whether to go on. Without a terminal to ask on, the answer is no.
    pub(crate) fn ask(&self, question: &str) -> Result<()> {
        if self.yes || under_ci() {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!("{question} Nobody is here to ask; run it again with --yes to agree");
        }
        print!("{question} [y/N] ");
        io::stdout().flush().context("could not write the question")?;
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .context("could not read the answer")?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            bail!("nothing was installed; install the packages above by hand and run this again");
        }
        Ok(())
    }
}

/// Whether this runs under continuous integration, which sets `CI` to something other than nothing or `false`.
pub(crate) fn under_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
