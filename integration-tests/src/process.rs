//! Programs that run beside a test and end with it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// How long a program may take to end by itself after it was asked to.
const GRACE: Duration = Duration::from_secs(45);
/// How much of a log a failed test shows.
const LOG_TAIL_LINES: usize = 60;

/// A running program. Dropping it asks the program to end, waits, and kills it at last.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with its output appended to a file.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log);
        let file = file.unwrap_or_else(|error| panic!("could not write {}: {error}", log.display()));
        let copy = file.try_clone().expect("a file can be shared");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn();
        Self {
            name: name.to_owned(),
            child: child.unwrap_or_else(|error| panic!("could not start {name}: {error}")),
            log: log.to_owned(),
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file with its output.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be waited for")
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait::until(&what, limit, || self.ended())
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(GRACE)
    }

    /// Ends it without giving it a chance to do anything, as a crash does.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("our own child can be waited for");
    }

    fn signal(&mut self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (None, Some(pid)) = (self.ended(), pid) {
            // Nothing to do about a failure: it has just ended, which is what was wanted.
            kill_process(pid, signal).ok();
        }
    }

    #[expect(clippy::print_stderr, reason = "shown by the test program together with the failure")]
    fn show_log(&self) {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        eprintln!("── last lines of {}:\n{}\n", self.name, tail.join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = wait::Deadline::after(GRACE);
        while self.ended().is_none() {
            if deadline.is_over() {
                self.kill();
                break;
            }
            // sleep: the pause between two looks at the process
            std::thread::sleep(Duration::from_millis(20));
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

/// A command that sees nothing of the environment these tests run in but the search path.
pub fn command(program: &Path, home: &Path) -> Command {
    command_in(&[], program, home)
}

/// The same, where a way in is told by what the command line begins with.
pub fn command_in(way_in: &[OsString], program: &Path, home: &Path) -> Command {
    let mut words = way_in.iter().map(OsString::as_os_str).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap_or(program.as_os_str()));
    command.args(words);
    command.env_clear().env("HOME", home);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs a program to its end and gives what it printed.
pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("could not start {command:?}: {error}"))
}

/// Standard output of a program that must succeed.
#[track_caller]
pub fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
