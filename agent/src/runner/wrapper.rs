//! `exec-restic`: the process between agent and restic.
//!
//! It outlives the agent, waits for restic and writes down how it ended, which nobody but its parent can know. Signals to
//! stop are meant for restic, which gets its own; the wrapper handles them only so that it stays to see the end. (An
//! ignored signal would be inherited by restic, a handled one is not.)

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::process::{self, EXIT, Ended, IDS, Ids, ProcessId};
use crate::durable;
use crate::exit::Exit;
use crate::sysinfo::boot_id;

/// Runs restic and writes `pid.json` and `exit.json` beside its output.
pub fn run(step: &Path, program: &Path, args: &[OsString]) -> Exit {
    let seen = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Without a handler the signal would end the wrapper; then the end of restic is judged by what it printed.
        let _ = signal_hook::flag::register(signal, Arc::clone(&seen));
    }
    let ended = match Command::new(program).args(args).spawn() {
        Err(error) => Ended {
            error: Some(error.to_string()),
            ..Ended::default()
        },
        Ok(mut child) => {
            let ids = Ids {
                wrapper: ProcessId::own(),
                restic: ProcessId::of(child.id()),
                boot_id: boot_id(),
            };
            // Without it the agent cannot know restic again, but restic itself is none the worse.
            let _ = write(&step.join(IDS), &ids);
            match child.wait() {
                Ok(status) => Ended {
                    code: status.code(),
                    signal: status.signal(),
                    error: None,
                },
                Err(error) => Ended {
                    error: Some(error.to_string()),
                    ..Ended::default()
                },
            }
        }
    };
    match write(&step.join(EXIT), &ended) {
        Ok(()) => Exit::Ok,
        Err(_) => Exit::Error,
    }
}

fn write(path: &Path, value: &impl serde::Serialize) -> Result<(), process::Error> {
    let content = serde_json::to_vec(value).unwrap_or_default();
    durable::write_reserved(path, &content).map_err(process::Error::Step)
}
