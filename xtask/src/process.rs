//! Running other programs in the foreground: shown before they start, and stopped with us.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::interrupt;

/// How often a wait looks at the signal flag.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// Runs a program with our own streams, printing its command line first. A non-zero end is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = wait(&mut spawn(command)?)?;
    succeeded(command, status)
}

/// Runs a program on the terminal's own process group, so that it may ask the person something.
pub(crate) fn run_interactive(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| could_not_start(command))?;
    interrupt::check()?;
    succeeded(command, status)
}

/// Runs a program and hands over each line of its standard output as it comes; standard error stays ours.
///
/// Returns how the program ended, because callers judge a failure together with what they read.
pub(crate) fn run_lines(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<ExitStatus> {
    announce(command);
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    let stdout = child.stdout.take().context("the program's output is not connected")?;

    let (sender, lines) = mpsc::sync_channel::<Vec<u8>>(64);
    let reader = thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => on_line(&String::from_utf8_lossy(&line)),
            Err(RecvTimeoutError::Timeout) if interrupt::requested() => break,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = wait(&mut child)?;
    drop(lines);
    if reader.join().is_err() {
        bail!("reading the output of {} failed", shown(command));
    }
    Ok(status)
}

/// Runs a program quietly and returns its standard output. A non-zero end is an error that carries its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| could_not_start(command))?;
    judge(command, &output)
}

/// As [`output`], with a text on the program's standard input: what must not be an argument.
pub(crate) fn output_for(command: &mut Command, input: &str) -> Result<String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| could_not_start(command))?;
    let mut stdin = child.stdin.take().context("the program's input is not connected")?;
    // A program that ends without reading all says why itself.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    let output = child.wait_with_output().with_context(|| could_not_start(command))?;
    judge(command, &output)
}

/// Takes the settings of our own programs out of a command's environment: they come from its caller alone, not from the
/// shell this runs in.
pub(crate) fn forget_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RM_")) {
        command.env_remove(name);
    }
}

/// Whether a program starts and ends with success. A program that is not there counts as "no".
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Whether a program of this name is on the search path.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn judge(command: &Command, output: &Output) -> Result<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} ended with {}: {}",
        shown(command),
        output.status,
        stderr.trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits for a program and passes a request to stop on to it and its children.
fn wait(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().context("could not wait for a program")? {
            interrupt::check()?;
            return Ok(status);
        }
        if interrupt::requested() {
            signal_group(child, Signal::INT);
            child.wait().context("could not wait for a program")?;
            bail!("stopped on request");
        }
        thread::sleep(POLL);
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    // A group of its own: Ctrl-C reaches us alone, and we decide what it means for the others.
    command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| could_not_start(command))
}

/// Sends a signal to a program that leads its own process group. One that has ended already is left alone.
pub(crate) fn signal_group(child: &Child, signal: Signal) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // Nothing to do about a failure: the group is gone, which is what was wanted.
        kill_process_group(group, signal).ok();
    }
}

fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

fn could_not_start(command: &Command) -> String {
    format!("could not start {}", shown(command))
}

/// The command line as a person would type it, without the variables that were set for it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
