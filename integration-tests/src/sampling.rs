//! Looking at the processes of this machine, as any of its users can.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What `/proc` shows of one process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its id.
    pub id: i32,
    /// Its arguments, each ended by a zero byte.
    pub arguments: Vec<u8>,
    /// Its environment at its start, each variable ended by a zero byte; empty when it may not be read.
    pub environment: Vec<u8>,
}

impl Seen {
    /// Whether arguments or environment hold this path.
    pub fn mentions(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_bytes();
        holds(&self.arguments, path) || holds(&self.environment, path)
    }

    /// Whether it is the agent's program that watches one restic.
    pub fn is_wrapper(&self) -> bool {
        self.arguments.split(|byte| *byte == 0).nth(1) == Some(b"exec-restic")
    }

    /// Whether it is a restic.
    pub fn is_restic(&self) -> bool {
        let program = self.arguments.split(|byte| *byte == 0).next().unwrap_or_default();
        program.rsplit(|byte| *byte == b'/').next() == Some(b"restic")
    }

    /// The arguments as a person would type them.
    pub fn command_line(&self) -> String {
        String::from_utf8_lossy(&self.arguments).replace('\0', " ")
    }
}

/// All processes at this moment, without this one.
pub fn processes() -> impl Iterator<Item = Seen> {
    let entries = fs::read_dir("/proc").expect("this system has /proc");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let own = std::process::id();
    // A process may end between being listed and being read.
    ids.filter(move |id: &i32| u32::try_from(*id) != Ok(own))
        .filter_map(|id| {
            let folder = Path::new("/proc").join(id.to_string());
            let seen = Seen {
                id,
                arguments: fs::read(folder.join("cmdline")).ok()?,
                environment: fs::read(folder.join("environ")).unwrap_or_default(),
            };
            (!seen.arguments.is_empty()).then_some(seen)
        })
}

/// How long a process has kept a processor busy so far.
#[track_caller]
pub fn processor_time(id: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("the process runs");
    // The name stands in parentheses and may hold anything. What follows begins with field 3.
    let (_, behind_name) = stat.rsplit_once(") ").expect("a name is in parentheses");
    let fields: Vec<&str> = behind_name.split(' ').collect();
    let ticks: u64 = fields[11..=12]
        .iter()
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// Looks at all processes again and again, in the background.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<Seen>>,
}

impl Sampler {
    /// Begins to look.
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !stopped.load(Ordering::Relaxed) {
                seen.extend(processes());
                // sleep: the pause between two samples
                thread::sleep(Duration::from_millis(5));
            }
            seen
        });
        Self { stop, thread }
    }

    /// All that was seen, each different look of a process once.
    pub fn stop(self) -> BTreeSet<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("looking at processes does not fail")
    }
}

/// Whether bytes occur within others.
pub fn holds(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len().max(1)).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_seen_with_its_arguments_and_environment() {
        let mut child = Command::new("tail")
            .args(["-f", "/dev/null"])
            .env("RM_SAMPLE", "here")
            .spawn()
            .unwrap();

        let id = i32::try_from(child.id()).unwrap();
        let seen = crate::wait::until("the process", crate::wait::SHORTLY, || {
            processes().find(|seen| seen.id == id && seen.mentions(Path::new("/dev/null")))
        });
        child.kill().unwrap();
        child.wait().unwrap();

        assert_eq!(seen.command_line().trim_end(), "tail -f /dev/null");
        assert!(holds(&seen.environment, b"RM_SAMPLE=here"));
    }
}
