//! The built agent as a process.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::disk::Disk;
use crate::fake_time::FakeTime;
use crate::process::{self, Process};
use crate::{programs, sampling, wait};

/// An agent with a state directory of its own, running or stopped.
pub struct Agent {
    process: Option<Process>,
    directory: PathBuf,
    /// How to get to where it sees its disk.
    way_in: Vec<OsString>,
    variables: Vec<(String, String)>,
}

impl Agent {
    /// An agent that has neither enrolled nor started. `settings` are lines of its configuration file.
    pub fn new(directory: &Path, settings: &str) -> Self {
        fs::create_dir_all(directory).expect("the temporary directory can be written");
        let agent = Self {
            process: None,
            directory: directory.to_owned(),
            way_in: Vec::new(),
            variables: Vec::new(),
        };
        agent.set(settings);
        agent
    }

    /// Gives its state a disk of its own, of so many KiB. `None` where the system allows no mounts of one's own.
    #[track_caller]
    pub fn take_disk(&mut self, kibibytes: u32) -> Option<Disk> {
        let disk = Disk::mount(&self.state(), kibibytes)?;
        self.see(&disk);
        Some(disk)
    }

    /// Lets it see a disk at its place.
    pub fn see(&mut self, disk: &Disk) {
        self.way_in = disk.enter();
    }

    /// Lets it read this wall clock.
    pub fn read_time_of(&mut self, clock: &FakeTime) {
        let variables = clock
            .variables()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.variables.extend(variables);
    }

    /// Replaces its settings.
    pub fn set(&self, settings: &str) {
        fs::write(self.config_file(), settings).expect("the temporary directory can be written");
    }

    /// Enrolls with a token, which it reads from a file that is gone afterwards.
    #[track_caller]
    pub fn enroll(&self, server: &str, token: &str) {
        let file = self.directory.join("token");
        fs::write(&file, token).expect("the temporary directory can be written");
        let mut command = self.command();
        command.args(["enroll", "--server", server, "--token-file"]).arg(&file);
        let output = process::run(&mut command);
        fs::remove_file(&file).expect("it was just written");
        let said = process::stdout(&output);
        self.append_to_log(&said);
    }

    /// Starts it as a service manager does.
    #[track_caller]
    pub fn start(&mut self) {
        assert!(self.process.is_none(), "the agent runs already");
        let mut command = self.command();
        command.arg("run");
        self.process = Some(Process::start("the agent", command, &self.log_file()));
    }

    /// Asks it to end, as a service manager does, and sees that it ends well.
    #[track_caller]
    pub fn stop(&mut self) {
        let status = self.process.take().expect("the agent runs").stop();
        assert!(status.success(), "the agent ended with {status}");
    }

    /// Ends it as a crash does. What it started goes on.
    #[track_caller]
    pub fn kill(&mut self) {
        self.process.take().expect("the agent runs").kill();
    }

    /// Kills the wrappers around its restics, as somebody does who takes them for something else. Answers how many there
    /// were.
    pub fn kill_wrappers(&self) -> usize {
        self.kill_those(sampling::Seen::is_wrapper)
    }

    /// Kills its restics, as a system without memory does. Answers how many there were.
    pub fn kill_restics(&self) -> usize {
        self.kill_those(sampling::Seen::is_restic)
    }

    fn kill_those(&self, are_meant: impl Fn(&sampling::Seen) -> bool) -> usize {
        let state = self.state();
        let meant = sampling::processes().filter(|process| process.mentions(&state) && are_meant(process));
        let meant = meant.filter_map(|process| Pid::from_raw(process.id));
        // A failure is one that has just ended by itself.
        meant.filter(|pid| kill_process(*pid, Signal::KILL).is_ok()).count()
    }

    /// Kills what a killed agent left at work, and removes all that it knew of its work. What it is and what it opens its
    /// repositories with stay.
    #[track_caller]
    pub fn forget_work(&self) {
        assert!(self.process.is_none(), "a running agent holds its state");
        self.end_left_over();
        fs::remove_file(self.state().join("state.redb")).expect("an agent that ran has it");
        fs::remove_dir_all(self.state().join("spool")).expect("an agent that worked has it");
    }

    /// Its process id.
    #[track_caller]
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("the agent runs").id()
    }

    /// What the agent keeps.
    pub fn state(&self) -> PathBuf {
        self.directory.join("state")
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).expect("the agent has a log")
    }

    /// The file with its output.
    pub fn log_file(&self) -> PathBuf {
        self.directory.join("agent.log")
    }

    /// The command line of this agent, without a command.
    pub fn command(&self) -> Command {
        let mut command = process::command_in(&self.way_in, &programs::agent(), &self.directory);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.arg("--config").arg(self.config_file());
        command.arg("--state-dir").arg(self.state());
        command
    }

    fn config_file(&self) -> PathBuf {
        self.directory.join("agent.yaml")
    }

    fn append_to_log(&self, text: &str) {
        use std::io::Write as _;
        let file = fs::File::options().create(true).append(true).open(self.log_file());
        let mut file = file.expect("the temporary directory can be written");
        file.write_all(text.as_bytes())
            .expect("the temporary directory can be written");
    }

    /// Kills what is at work without an agent.
    fn end_left_over(&self) {
        let deadline = wait::Deadline::after(wait::SHORTLY);
        while !deadline.is_over() {
            let left_over = self.left_over();
            if left_over.is_empty() {
                break;
            }
            for pid in left_over {
                // Nothing to do about a failure: it has just ended, which is what was wanted.
                kill_process(pid, Signal::KILL).ok();
            }
            // sleep: the pause between two looks at the processes
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// The processes that the agent left running: restic is meant to outlive it.
    fn left_over(&self) -> Vec<Pid> {
        let state = self.state();
        let ours = sampling::processes().filter(|process| process.mentions(&state));
        ours.filter_map(|process| Pid::from_raw(process.id)).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.take());
        self.end_left_over();
    }
}
