//! Programs that run beside a command and end with it, whatever way it ends.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::account::Account;
use crate::interrupt;
use crate::process::{self, POLL};

/// How long a program may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(15);
/// How much of a program's log a failure shows.
const LOG_TAIL_LINES: usize = 20;

/// How a program is asked to end.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Stop {
    fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
        }
    }

    /// The signal as setpriv spells it; it knows names only.
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
        }
    }
}

/// What to start in the background.
pub(crate) struct Launch {
    /// What a person calls it.
    pub(crate) name: &'static str,
    pub(crate) stop: Stop,
    /// The account to run under, when not our own.
    pub(crate) account: Option<Account>,
    /// Program and arguments.
    pub(crate) words: Vec<OsString>,
    /// Variables set on top of our own environment.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// Where its output goes.
    pub(crate) log: PathBuf,
}

/// A running program. Dropping it asks the program to end, waits, and kills it at last.
pub(crate) struct Background {
    name: &'static str,
    stop: Stop,
    child: Child,
    log: PathBuf,
}

impl Background {
    /// Starts a program with its output in the launch's log file.
    pub(crate) fn start(launch: Launch) -> Result<Self> {
        let Launch {
            name,
            stop,
            account,
            words,
            variables,
            log,
        } = launch;
        let mut private = File::options();
        private.write(true).create(true).truncate(true).mode(0o600);
        let output = private
            .open(&log)
            .with_context(|| format!("could not write {}", log.display()))?;
        let errors = output.try_clone().context("could not share the log file")?;

        let mut command = supervised(stop);
        process::forget_settings(&mut command);
        command.args(words).envs(variables);
        command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        if let Some(account) = account {
            account.apply(&mut command);
            command.current_dir("/");
        }
        let child = command.spawn().with_context(|| format!("could not start {name}"))?;
        Ok(Self { name, stop, child, log })
    }

    /// Waits until `ready` answers yes. Fails when the program ends first or the time is over, showing its last lines.
    pub(crate) fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let mut waited = Duration::ZERO;
        while !ready() {
            self.check()?;
            interrupt::check()?;
            if waited >= limit {
                bail!(
                    "{} was not ready within {} s\n{}",
                    self.name,
                    limit.as_secs(),
                    self.log_tail()
                );
            }
            thread::sleep(POLL);
            waited += POLL;
        }
        Ok(())
    }

    /// Fails when the program has ended, showing its last lines.
    pub(crate) fn check(&mut self) -> Result<()> {
        let ended = self
            .child
            .try_wait()
            .with_context(|| format!("could not look after {}", self.name))?;
        if let Some(status) = ended {
            bail!("{} ended by itself with {status}\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// The file that receives the program's output.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        format!("last lines of {}:\n  {}", self.log.display(), tail.join("\n  "))
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (false, Some(pid)) = (self.has_ended(), pid) {
            // The program itself and not its group: PostgreSQL ends its own children in the right order.
            kill_process(pid, self.stop.signal()).ok();
        }
        let mut waited = Duration::ZERO;
        while !self.has_ended() && waited < GRACE {
            thread::sleep(POLL);
            waited += POLL;
        }
        if !self.has_ended() {
            eprintln!("{} did not end within {} s and is killed", self.name, GRACE.as_secs());
            process::signal_group(&self.child, Signal::KILL);
            self.child.wait().ok();
        }
    }
}

/// The beginning of a command line under which a program is told to end when we are killed, where the system offers that.
fn supervised(stop: Stop) -> Command {
    if !process::on_path("setpriv") {
        return Command::new("env");
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--pdeathsig={}", stop.name())).arg("--");
    command
}
