//! [`Process`]: one restic under its wrapper, started by this agent or by an earlier life of it.
//!
//! Two things tell whether it lives. The file `lock` is locked by a descriptor that wrapper and restic inherit and nobody
//! else has, so it is free when both are gone, whatever happened in between. Process ids come with the start time of the
//! process and the machine's boot id, so a number that was used again is not taken for it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use domain::Secret;
use restic::{Exit, Invocation};
use rustix::fs::FlockOperation;
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::durable;
use crate::sysinfo::boot_id;

/// Under this number restic finds the pipe with its password.
pub(super) const PASSWORD_DESCRIPTOR: u32 = 3;
const LOCK_DESCRIPTOR: i32 = 4;

pub(super) const IDS: &str = "pid.json";
pub(super) const EXIT: &str = "exit.json";
const LOCK: &str = "lock";
const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

/// What the wrapper writes fits into this.
const RESERVED_BYTES: usize = 4096;

/// The wrapper writes its ids within milliseconds; a machine that swaps gets more.
const IDS_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
/// So often it is looked for what comes within milliseconds, after a start or a death.
const PATIENT_LOOKS: usize = 100;

/// The password goes through a pipe before anybody reads it, so it must fit. A page is what every pipe takes.
const MAX_PASSWORD_BYTES: usize = 4096;

/// restic could not be started or watched.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The directory of the run could not be made or read.
    #[error(transparent)]
    Step(durable::Error),
    /// There is a run of this name already.
    #[error("{} is in use by another restic", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The wrapper could not be started.
    #[error("could not start the process that watches restic")]
    Wrapper(#[source] io::Error),
    /// The wrapper could not start restic.
    #[error("could not start restic: {0}")]
    Restic(String),
    /// The wrapper was killed before it had started restic.
    #[error("the process that watches restic was killed before restic began")]
    Killed,
    /// The wrapper does not say whom it started.
    #[error("the process that watches restic does not answer")]
    NoAnswer,
    /// The password is too long for the pipe.
    #[error("the repository's password has more than {MAX_PASSWORD_BYTES} bytes")]
    Password,
}

/// What is needed to start restic.
pub(super) struct Launch<'a> {
    /// The agent's own program, for the wrapper.
    pub(super) wrapper: &'a Path,
    /// The directory of this run, which must not exist.
    pub(super) step: &'a Path,
    /// restic.
    pub(super) program: &'a Path,
    /// Its arguments and environment.
    pub(super) invocation: &'a Invocation,
    /// What it reads from the pipe.
    pub(super) password: &'a Secret<String>,
}

/// A restic under its wrapper.
#[derive(Debug)]
pub(super) struct Process {
    step: PathBuf,
    ids: Ids,
    /// The wrapper, when this agent started it and must reap it.
    child: Option<Child>,
    /// Becomes readable when the watched process ends: the wrapper, or restic when the wrapper is gone.
    watch: Option<AsyncFd<OwnedFd>>,
}

/// What became of a run that an earlier life of the agent may have begun.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing was started.
    Nothing,
    /// It is still there.
    Alive(Box<Process>),
    /// It has ended.
    Ended(Exit),
}

/// Who runs, as the wrapper writes it down.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Ids {
    pub(super) wrapper: ProcessId,
    pub(super) restic: ProcessId,
    pub(super) boot_id: String,
}

/// A process, told apart from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct ProcessId {
    pid: u32,
    /// Clock ticks since boot; `/proc/<pid>/stat`, field 22.
    start_time: Option<u64>,
}

/// How restic ended, as the wrapper writes it down.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// restic could not be started or waited for.
    pub(super) error: Option<String>,
}

impl Process {
    /// Starts restic. It is on disk who runs when this returns.
    pub(super) async fn launch(launch: Launch<'_>) -> Result<Self, Error> {
        let Launch {
            wrapper,
            step,
            program,
            invocation,
            password,
        } = launch;
        if step.exists() {
            return Err(Error::InUse { path: step.to_owned() });
        }
        durable::create_directory(step).map_err(Error::Step)?;
        // Whatever fills the disk meanwhile, it will be known who runs and how it ended.
        for file in [IDS, EXIT] {
            durable::reserve(&step.join(file), RESERVED_BYTES).map_err(Error::Step)?;
        }
        let create = |name: &str| {
            let path = step.join(name);
            durable::create_private(&path).map_err(|source| Error::Step(durable::Error::new("write", path, source)))
        };
        let (stdout, stderr, lock) = (create(STDOUT)?, create(STDERR)?, create(LOCK)?);
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Error::InUse { path: step.to_owned() })?;

        let mut command = Command::new(wrapper);
        command
            .arg0("restic-manager-agent")
            .arg("exec-restic")
            .arg(step)
            .arg(program)
            .args(&invocation.args)
            .env_clear()
            .envs(invocation.env.vars())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0);
        command
            .fd_mappings(vec![
                FdMapping {
                    parent_fd: password_pipe(password)?,
                    child_fd: PASSWORD_DESCRIPTOR.cast_signed(),
                },
                FdMapping {
                    parent_fd: lock.into(),
                    child_fd: LOCK_DESCRIPTOR,
                },
            ])
            .map_err(|error| Error::Wrapper(io::Error::other(error)))?;
        let mut child = command.spawn().map_err(Error::Wrapper)?;
        // Our ends of the pipe and the lock live in the command.
        drop(command);

        let ids = ids_of(step, &mut child).await?;
        let watch = watch(ids.wrapper);
        Ok(Self {
            step: step.to_owned(),
            ids,
            child: Some(child),
            watch,
        })
    }

    /// Looks for a run that an earlier life of the agent began.
    pub(super) async fn find(step: &Path) -> Result<Found, Error> {
        let Ok(lock) = File::open(step.join(LOCK)) else {
            return Ok(Found::Nothing);
        };
        // While somebody holds it, the ids may be about to be written.
        for _ in 0..PATIENT_LOOKS {
            if is_free(&lock) {
                return Ok(Found::Ended(exit_of(step)));
            }
            if let Some(ids) = read::<Ids>(&step.join(IDS)) {
                return Ok(Self::known_again(step, ids));
            }
            tokio::time::sleep(POLL).await;
        }
        if let Some(ids) = ids_by_output(step) {
            tracing::warn!(
                "{} is damaged; restic was found by its output",
                step.join(IDS).display()
            );
            return Ok(Self::known_again(step, ids));
        }
        if is_free(&lock) {
            return Ok(Found::Ended(exit_of(step)));
        }
        Err(Error::NoAnswer)
    }

    fn known_again(step: &Path, ids: Ids) -> Found {
        let is_this_boot = ids.boot_id == boot_id();
        let alive = [ids.wrapper, ids.restic]
            .into_iter()
            .find(|process| is_this_boot && process.is_alive());
        match alive {
            Some(process) => Found::Alive(Box::new(Self {
                step: step.to_owned(),
                watch: watch(process),
                ids,
                child: None,
            })),
            // The lock is held by something that restic left behind, such as an ssh.
            None => Found::Ended(exit_of(step)),
        }
    }

    /// Waits for the end. Can be dropped and called again.
    pub(super) async fn ended(&mut self) -> Exit {
        loop {
            if let Some(watch) = &self.watch {
                // A descriptor that cannot be waited for counts as one that is readable.
                let _ = watch.readable().await;
            }
            self.watch = None;
            if self
                .child
                .as_mut()
                .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
            {
                tokio::time::sleep(POLL).await;
                continue;
            }
            self.child = None;
            let exit = exit_of(&self.step);
            // A wrapper that was killed leaves restic behind.
            if exit == Exit::Unknown && self.ids.restic.is_alive() {
                self.watch = watch(self.ids.restic);
                tokio::time::sleep(POLL).await;
                continue;
            }
            return exit;
        }
    }

    /// Asks restic alone to stop, as Ctrl-C would. Its ssh would otherwise go first and turn a clean stop into an error.
    pub(super) fn interrupt(&self) {
        self.ids.restic.send(Signal::INT);
    }

    /// Asks restic alone to stop, more firmly.
    pub(super) fn terminate(&self) {
        self.ids.restic.send(Signal::TERM);
    }

    /// Ends restic, its wrapper and all that they started.
    pub(super) fn kill(&self) {
        let group = self.ids.wrapper;
        if let Some(pid) = Pid::from_raw(group.pid.cast_signed()).filter(|_| group.is_alive()) {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
        self.ids.restic.send(Signal::KILL);
    }
}

/// The file that holds restic's results.
pub(super) fn stdout_path(step: &Path) -> PathBuf {
    step.join(STDOUT)
}

/// The file that holds restic's errors and notices.
pub(super) fn stderr_path(step: &Path) -> PathBuf {
    step.join(STDERR)
}

/// Makes sure that nothing runs in a step and removes it.
pub(super) async fn clear(step: &Path) -> Result<(), Error> {
    if let Found::Alive(mut process) = Process::find(step).await? {
        process.kill();
        process.ended().await;
    }
    durable::remove_directory(step).map_err(Error::Step)
}

/// Whether the machine was started anew since the run began.
pub(super) fn is_of_another_boot(step: &Path) -> bool {
    read::<Ids>(&step.join(IDS)).is_some_and(|ids| ids.boot_id != boot_id())
}

impl ProcessId {
    pub(super) fn own() -> Self {
        Self::of(std::process::id())
    }

    pub(super) fn of(pid: u32) -> Self {
        Self {
            pid,
            start_time: start_time(pid),
        }
    }

    fn is_alive(self) -> bool {
        self.start_time.is_some() && start_time(self.pid) == self.start_time
    }

    fn pidfd(self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(self.pid.cast_signed())?;
        let descriptor = rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // Looked at after the descriptor is there: the number cannot have changed hands in between.
        self.is_alive().then_some(descriptor)
    }

    fn send(self, signal: Signal) {
        if let Some(descriptor) = self.pidfd() {
            let _ = rustix::process::pidfd_send_signal(descriptor, signal);
        }
    }
}

/// Finds who writes into the output of a run: its wrapper, if that lives, and its restic, which is the older one of the rest.
fn ids_by_output(step: &Path) -> Option<Ids> {
    let output = stdout_path(step).canonicalize().ok()?;
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let writers =
        processes.filter(|process| fs::read_link(process.path().join("fd/1")).is_ok_and(|file| file == output));
    let writers = writers.filter_map(|process| {
        let id = ProcessId::of(process.file_name().to_str()?.parse().ok()?);
        let command_line = fs::read(process.path().join("cmdline")).ok()?;
        let is_wrapper = command_line.split(|byte| *byte == 0).nth(1) == Some(b"exec-restic");
        Some((is_wrapper, id))
    });
    let (wrappers, mut others): (Vec<_>, Vec<_>) = writers.partition(|(is_wrapper, _)| *is_wrapper);
    others.sort_by_key(|(_, id)| (id.start_time, id.pid));
    let (_, restic) = *others.first()?;
    Some(Ids {
        wrapper: wrappers.first().map_or(restic, |(_, wrapper)| *wrapper),
        restic,
        boot_id: boot_id(),
    })
}

async fn ids_of(step: &Path, child: &mut Child) -> Result<Ids, Error> {
    let patience = tokio::time::Instant::now() + IDS_WITHIN;
    loop {
        // The exit is looked at first: whoever has ended has written all there is.
        let ended = child.try_wait().map_err(Error::Wrapper)?;
        if let Some(ids) = read::<Ids>(&step.join(IDS)) {
            return Ok(ids);
        }
        if ended.is_some() {
            return match read::<Ended>(&step.join(EXIT)).and_then(|ended| ended.error) {
                Some(said) => Err(Error::Restic(said)),
                None => left_behind(step).await,
            };
        }
        if tokio::time::Instant::now() >= patience {
            // The group and not the wrapper alone: a restic that it has started already would run on, unknown to anybody.
            if let Some(wrapper) = Pid::from_raw(child.id().cast_signed()) {
                let _ = rustix::process::kill_process_group(wrapper, Signal::KILL);
            }
            let _ = child.wait();
            return Err(Error::NoAnswer);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Finds the restic of a wrapper that was killed before it could say whom it had started.
async fn left_behind(step: &Path) -> Result<Ids, Error> {
    let lock = File::open(step.join(LOCK)).map_err(Error::Wrapper)?;
    // While somebody holds the lock it may be a process that is about to become restic.
    for _ in 0..PATIENT_LOOKS {
        if let Some(ids) = ids_by_output(step) {
            return Ok(ids);
        }
        if is_free(&lock) {
            return Err(Error::Killed);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(Error::NoAnswer)
}

fn is_free(lock: &File) -> bool {
    rustix::fs::flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// A pipe that holds the password and ends behind it.
fn password_pipe(password: &Secret<String>) -> Result<OwnedFd, Error> {
    if password.expose().len() > MAX_PASSWORD_BYTES {
        return Err(Error::Password);
    }
    let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
    let (reader, writer) = pipe.map_err(|error| Error::Wrapper(error.into()))?;
    File::from(writer)
        .write_all(password.expose().as_bytes())
        .map_err(Error::Wrapper)?;
    Ok(reader)
}

#[expect(
    deprecated,
    reason = "deprecated for types that could close their descriptor; this one owns it, and the replacement is unsafe code"
)]
fn watch(process: ProcessId) -> Option<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(process.pidfd()?, Interest::READABLE).ok()
}

fn exit_of(step: &Path) -> Exit {
    let Some(ended) = read::<Ended>(&step.join(EXIT)) else {
        return Exit::Unknown;
    };
    match (ended.code, ended.signal) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// `None` for a process that is gone or a zombie.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let (_, behind_name) = stat.rsplit_once(") ")?;
    let mut fields = behind_name.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    // The state is field 3.
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use restic::{Access, Capabilities, Limits, Places, Version};

    use super::*;

    #[test]
    fn a_process_is_known_by_number_and_start() {
        let own = ProcessId::own();
        let other = ProcessId {
            start_time: own.start_time.map(|ticks| ticks + 1),
            ..own
        };

        assert!(own.is_alive() && own.pidfd().is_some());
        assert!(!other.is_alive() && other.pidfd().is_none());
    }

    #[tokio::test]
    async fn a_wrapper_that_is_killed_at_once_has_started_nothing() {
        let directory = tempfile::tempdir().unwrap();

        let launched = launch_under(directory.path(), "kill -9 $$").await;

        assert!(matches!(launched, Err(Error::Killed)), "{launched:?}");
    }

    #[tokio::test]
    async fn what_a_killed_wrapper_has_started_is_found_and_watched() {
        let directory = tempfile::tempdir().unwrap();

        let mut process = launch_under(directory.path(), "sleep 600 & kill -9 $$").await.unwrap();

        assert!(process.ids.restic.is_alive());
        process.kill();
        assert_eq!(process.ended().await, Exit::Unknown);
        assert!(!process.ids.restic.is_alive());
    }

    /// Launches with a wrapper that does what the script says.
    async fn launch_under(directory: &Path, script: &str) -> Result<Process, Error> {
        use std::os::unix::fs::PermissionsExt as _;

        let wrapper = directory.join("wrapper");
        fs::write(&wrapper, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o700)).unwrap();
        let access = Access::new("/srv/repository".parse().unwrap(), Secret::new("secret".to_owned())).unwrap();
        let places = Places {
            cache: directory.to_owned(),
            temporary: directory.to_owned(),
            home: directory.to_owned(),
            password_descriptor: PASSWORD_DESCRIPTOR,
        };
        let capabilities = Capabilities::of(Version::new(0, 18, 0));
        let invocation = restic::Command::Init.invocation(&capabilities, &access, &places, Limits::default());
        let launch = Launch {
            wrapper: &wrapper,
            step: &directory.join("step"),
            program: Path::new("/usr/bin/true"),
            invocation: &invocation,
            password: &Secret::new("secret".to_owned()),
        };
        Process::launch(launch).await
    }

    #[test]
    fn a_zombie_counts_as_gone() {
        let mut child = Command::new("true").spawn().unwrap();
        let id = ProcessId::of(child.id());
        let watch =
            rustix::process::pidfd_open(Pid::from_raw(child.id().cast_signed()).unwrap(), PidfdFlags::empty()).unwrap();
        let mut ended = [rustix::event::PollFd::new(&watch, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut ended, None).unwrap();

        assert!(!id.is_alive());
        child.wait().unwrap();
    }
}
