//! A machine to install on: a mount namespace in which the directories that an installation writes are the test's own.
//!
//! Everything in it is real but systemctl and sudo, whose stand-ins lie in the folder `machine` of this crate.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};

use crate::{process, programs, services, wait};

/// The directories of the machine that are its own, and their names below the test's directory.
const OWN: [(&str, &str); 4] = [
    ("/etc", "etc"),
    ("/usr/local/bin", "usr-local-bin"),
    ("/var/lib", "var-lib"),
    ("/var/cache", "var-cache"),
];

/// A machine without an agent. Dropping it ends the agent that was installed meanwhile.
pub struct Machine {
    directory: PathBuf,
}

impl Machine {
    /// Makes a machine below a directory. `None` where the system allows no mounts of one's own.
    #[track_caller]
    pub fn new(directory: &Path) -> Option<Self> {
        let machine = Self {
            directory: directory.join("machine"),
        };
        for (_, name) in OWN {
            fs::create_dir_all(machine.directory.join(name)).expect("the temporary directory can be written");
        }
        // Names, resolvers and certificates as they are here. What only root may read is not needed.
        let mut copy = Command::new("cp");
        process::run(copy.args(["-a", "/etc/."]).arg(machine.directory.join("etc")));
        for program in ["systemctl", "sudo"] {
            let source = programs::clone().join("integration-tests/machine").join(program);
            let content = fs::read_to_string(source).expect("it lies in the clone");
            machine.add_program(program, &content);
        }
        machine.set_init("running");
        if machine.run("true").status.success() {
            return Some(machine);
        }
        services::missing("the right to make a mount namespace");
        None
    }

    /// Runs a line of bash as root.
    pub fn run(&self, line: &str) -> Output {
        let mut command = process::command(Path::new("unshare"), &self.directory);
        command.arg("--mount");
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        let mounts = OWN.map(|(place, name)| format!("mount --bind {}/{name} {place}", self.directory.display()));
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.directory.join("bin").display()));
        command.args(["bash", "-c"]);
        // The line is an argument of its own, so that nothing in it needs quoting.
        command.arg(format!("set -e; {}; exec bash -c \"$0\"", mounts.join("; ")));
        process::run(command.arg(line))
    }

    /// Puts a program first on the search path.
    pub fn add_program(&self, name: &str, content: &str) {
        let program = self.directory.join("bin").join(name);
        fs::create_dir_all(self.directory.join("bin")).expect("the temporary directory can be written");
        fs::write(&program, content).expect("the temporary directory can be written");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it was just written");
    }

    /// What systemctl says of the system: `running`, or `offline` where something else starts services.
    pub fn set_init(&self, state: &str) {
        fs::write(self.directory.join("state"), state).expect("the temporary directory can be written");
    }

    /// Where a path of the machine is outside of it.
    pub fn outside(&self, path: &str) -> PathBuf {
        for (place, name) in OWN {
            if let Some(below) = path.strip_prefix(place) {
                return self.directory.join(name).join(below.trim_start_matches('/'));
            }
        }
        panic!("{path} is not in one of the machine's own directories")
    }

    /// A file of what the stand-ins answer.
    pub fn answers(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.directory.join("pid")).ok();
        let pid = pid.and_then(|pid| pid.trim().parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            end(pid);
        }
        if std::thread::panicking() {
            show(&self.directory.join("agent.log"));
        }
    }
}

/// Ends a process that is not our child, so nobody tells us when it has ended.
fn end(pid: Pid) {
    let deadline = wait::Deadline::after(wait::SHORTLY);
    let mut signal = Signal::TERM;
    // A signal fails when there is nobody left to get it.
    while lives(pid) && kill_process(pid, signal).is_ok() {
        if deadline.is_over() {
            signal = Signal::KILL;
        }
        // sleep: the pause between two looks at the process
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Whether it runs; one that has ended may still wait for its parent to notice.
fn lives(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

#[expect(clippy::print_stderr, reason = "shown by the test program together with the failure")]
fn show(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    eprintln!("── what the installed agent said:\n{text}\n");
}
