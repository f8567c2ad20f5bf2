//! How often a process waits for the disk, as `strace` sees it. It slows the process down, so nothing else is measured then.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use restic_manager_integration_tests::process::Process;
use restic_manager_integration_tests::wait;

use crate::processes;

/// What a program calls when data has to be on disk.
const SYNCS: [&str; 6] = ["fsync", "fdatasync", "sync", "syncfs", "msync", "sync_file_range"];
/// What an agent calls to say something. An idle one says signs of life, so a trace without any saw nothing.
const SAYS: [&str; 4] = ["write", "writev", "sendto", "sendmsg"];

/// Watches a process and its threads for so long. Answers how many calls for the disk there were.
pub(crate) fn count(pid: u32, directory: &Path, time: Duration) -> f64 {
    let (trace, said) = (directory.join("trace"), directory.join("strace.log"));
    let mut strace = attach(pid, &trace, &said);
    processes::watch_for(time);
    assert!(strace.ended().is_none(), "strace went away");
    strace.stop();

    let trace = fs::read_to_string(trace).expect("strace has written it");
    assert!(calls(&trace, &SAYS) > 0, "strace saw no sign of life: {trace}");
    f64::from(calls(&trace, &SYNCS))
}

fn attach(pid: u32, trace: &PathBuf, said: &Path) -> Process {
    let mut command = Command::new("strace");
    command.args(["-f", "-e"]);
    command.arg(format!("trace={},{}", SYNCS.join(","), SAYS.join(",")));
    command.arg("-o").arg(trace).args(["-p", &pid.to_string()]);
    let strace = Process::start("strace", command, said);
    wait::until("strace at work", wait::SHORTLY, || {
        fs::read_to_string(said).ok()?.contains("attached").then_some(())
    });
    strace
}

/// How often one of these was called: each line names its call once, behind the thread that makes it.
fn calls(trace: &str, names: &[&str]) -> u32 {
    let called = trace
        .lines()
        .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('));
    let counted = called.filter(|(name, _)| names.contains(name)).count();
    u32::try_from(counted).expect("an idle process calls little")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_broken_off_in_the_trace_counts_once() {
        let trace = "12 fdatasync(7 <unfinished ...>\n\
                     13 write(5, \"\", 8) = 8\n\
                     12 <... fdatasync resumed>) = 0\n\
                     12 fsync(9) = 0\n\
                     12 +++ exited with 0 +++\n";

        assert_eq!((calls(trace, &SYNCS), calls(trace, &SAYS)), (2, 1));
    }
}
