//! The command line.
//!
//! No argument holds a secret: everybody on the machine can read them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use domain::enrollment::Pin;

use crate::config::env;

/// The restic-manager agent: enrolls this machine and runs its backups as the server says.
#[derive(Debug, Parser)]
#[command(name = "restic-manager-agent", disable_help_subcommand = true)]
pub struct Cli {
    /// The configuration file [default: /etc/restic-manager/agent.yaml].
    #[arg(long, global = true, value_name = "FILE", env = env::CONFIG, hide_env = true)]
    pub config: Option<PathBuf>,
    /// The directory of the agent's state [default: /var/lib/restic-manager].
    #[arg(long, global = true, value_name = "DIR", env = env::STATE_DIR, hide_env = true)]
    pub state_dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the agent until it is stopped.
    Run,
    /// Enroll this machine with a token from the console.
    Enroll(Enroll),
    /// Show how the running agent stands.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look for what would keep backups from working.
    Doctor,
    /// Print the version.
    Version,
    /// Remove key, certificate, credentials and state of this machine.
    Wipe {
        /// Really do it.
        #[arg(long)]
        yes: bool,
    },
}

/// How to enroll. The token comes from the environment variable RM_TOKEN or from a file.
#[derive(Debug, Args)]
pub struct Enroll {
    /// URL of the server, such as https://backup.example.org.
    #[arg(long, value_name = "URL", env = env::SERVER, hide_env = true)]
    pub server: Option<String>,
    /// URL of the server's agent port; the server is not asked for it then.
    #[arg(long, value_name = "URL")]
    pub agent_url: Option<String>,
    /// File that holds the token; `-` is stdin. Without it the token is taken from RM_TOKEN.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The pin that the token must carry, 64 hex digits.
    #[arg(long, value_name = "HEX", env = env::CA_PIN, hide_env = true)]
    pub ca_pin: Option<Pin>,
    /// What this machine calls itself [default: its host name].
    #[arg(long)]
    pub name: Option<String>,
    /// Enroll also a machine that is enrolled already. What it has stays until the server has answered; then its former key,
    /// its credentials and what was not yet reported are removed.
    #[arg(long, env = env::FORCE_REENROLL, hide_env = true, value_parser = FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub force: bool,
}

/// The call by which the agent starts restic's wrapper. It is not for people, and it takes restic's arguments as they are,
/// so it is read before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRestic {
    /// The directory of the run.
    pub step: PathBuf,
    /// restic.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl ExecRestic {
    /// Recognises the call among the program's arguments.
    pub fn read(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let _own_name = args.next();
        if args.next()? != "exec-restic" {
            return None;
        }
        Some(Self {
            step: absolute(args.next()?)?,
            program: absolute(args.next()?)?,
            args: args.collect(),
        })
    }
}

fn absolute(path: OsString) -> Option<PathBuf> {
    let path = PathBuf::from(path);
    Path::is_absolute(&path).then_some(path)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_anywhere() {
        let cli = Cli::try_parse_from(["agent", "run", "--state-dir", "/tmp/a", "--config", "/tmp/a.yaml"]).unwrap();

        assert_eq!(cli.state_dir, Some("/tmp/a".into()));
        assert!(matches!(cli.command, Command::Run));
    }

    #[test]
    fn a_token_on_the_command_line_is_refused_and_not_repeated() {
        for args in [
            ["agent", "enroll", "--token", "rme1_canary"].as_slice(),
            &["agent", "enroll", "--token=rme1_canary"],
            &["agent", "enroll", "--server", "https://a", "rme1_canary"],
        ] {
            let refused = Cli::try_parse_from(args).unwrap_err();

            assert_eq!(refused.exit_code(), 2);
        }
        let said = Cli::try_parse_from(["agent", "enroll", "--token=rme1_canary"])
            .unwrap_err()
            .to_string();
        assert!(!said.contains("canary"), "{said}");
    }

    #[test]
    fn restics_arguments_are_taken_as_they_are() {
        let call = |args: &[&str]| ExecRestic::read(args.iter().map(OsString::from));

        let read = call(&[
            "agent",
            "exec-restic",
            "/spool/1",
            "/usr/bin/restic",
            "--json",
            "--config",
            "--",
            "/etc",
        ]);

        assert_eq!(read.unwrap().args, ["--json", "--config", "--", "/etc"]);
        assert_eq!(call(&["agent", "exec-restic", "relative", "/usr/bin/restic"]), None);
        assert_eq!(call(&["agent", "run"]), None);
    }
}
