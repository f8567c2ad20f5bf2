//! What `/proc` knows of one process.

use std::fs;
use std::time::Duration;

/// Processor time, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    /// Of the process itself.
    pub(crate) own: f64,
    /// Of the children that it has waited for, and theirs.
    pub(crate) children: f64,
}

/// The processor time of a process so far.
pub(crate) fn cpu(pid: u32) -> Cpu {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    let (_, behind_name) = stat.rsplit_once(") ").expect("the name stands in parentheses");
    // Field 3 comes first here; 14 to 17 are utime, stime, cutime and cstime.
    let ticks: Vec<u32> = behind_name
        .split(' ')
        .skip(11)
        .take(4)
        .map(|field| field.parse().expect("times are numbers"))
        .collect();
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second()).expect("it is small");
    let seconds = |ticks: u32| f64::from(ticks) / f64::from(per_second);
    Cpu {
        own: seconds(ticks[0] + ticks[1]),
        children: seconds(ticks[2] + ticks[3]),
    }
}

/// Memory that a process holds, in KiB.
pub(crate) fn resident_kib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u32>().ok());
    f64::from(kib.expect("a running process has memory"))
}

/// KiB that a process has written to disk so far.
pub(crate) fn written_kib(pid: u32) -> f64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).expect("the process runs and is ours");
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    let bytes: u64 = line.and_then(|line| line.parse().ok()).expect("bytes are numbers");
    f64::from(u32::try_from(bytes / 1024).expect("an idle process writes little"))
}

/// Lets a process be for a while.
pub(crate) fn watch_for(time: Duration) {
    // sleep: what an idle process uses is measured over a time
    std::thread::sleep(time);
}
