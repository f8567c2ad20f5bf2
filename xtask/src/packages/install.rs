//! Installing what is missing.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process;

use super::needs::Need;
use super::{Consent, mirror, newer_restic};

/// Makes sure that everything needed is on the machine. Prints nothing more than one line when it is.
pub(crate) fn ensure(needs: &[Need], consent: &Consent) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        println!("everything needed is installed");
        return Ok(());
    }

    println!("Not installed, or too old:");
    for Need { package, purpose, .. } in &missing {
        println!("  {package:<20} to {purpose}");
    }
    if !process::on_path("apt-get") {
        bail!("this system has no apt; install what is listed above with its own tools and run this again");
    }
    consent.ask("Install these with apt, as root?")?;

    apt(&["update"])?;
    if missing.iter().any(|need| need.may_be_too_old) {
        offer_newer_restic(consent)?;
    }
    let mut arguments = vec!["install", "--no-install-recommends"];
    arguments.extend(missing.iter().map(|need| need.package));
    apt(&arguments)?;

    let still: Vec<&str> = missing
        .iter()
        .filter(|need| !(need.present)())
        .map(|need| need.package)
        .collect();
    ensure!(
        still.is_empty(),
        "still missing or too old after installing: {}",
        still.join(", ")
    );
    Ok(())
}

/// Adds the source of a newer restic where apt's own would be too old.
fn offer_newer_restic(consent: &Consent) -> Result<()> {
    let policy = process::output(Command::new("apt-cache").args(["policy", "restic"]).env("LC_ALL", "C"))?;
    if newer_restic::candidate_is_recent(&policy) {
        return Ok(());
    }
    ensure!(
        Path::new(newer_restic::KEYRING).exists(),
        "this system's restic is older than 0.17 and it lacks Debian's archive keys to take a newer one; \
         install the package debian-archive-keyring, or restic 0.17 or later and restic-rest-server by hand"
    );
    let mirror = match &consent.debian_mirror {
        Some(mirror) => mirror.clone(),
        None => mirror::configured(&codename()?).context(
            "this system's restic is older than 0.17 and no Debian mirror is configured to take a newer one from; \
             name one with --debian-mirror URL, or install restic 0.17 or later and restic-rest-server by hand",
        )?,
    };

    println!(
        "This system's restic is older than 0.17; adding Debian trixie as a source for restic and restic-rest-server alone:"
    );
    println!("  {}\n  {}", newer_restic::SOURCE_FILE, newer_restic::PIN_FILE);
    // The pin first: the source alone would let other packages move.
    write_as_root(newer_restic::PIN_FILE, newer_restic::pin())?;
    write_as_root(newer_restic::SOURCE_FILE, &newer_restic::source(&mirror))?;
    apt(&["update"])
}

/// The name of this release, such as `bookworm`.
pub(super) fn codename() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("could not read /etc/os-release")?;
    let value = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    value
        .map(|name| name.trim_matches('"').to_owned())
        .context("/etc/os-release names no release")
}

/// Runs apt without further questions: the person has agreed to the list.
fn apt(arguments: &[&str]) -> Result<()> {
    // By `env`, because sudo passes no variables on.
    let mut command = as_root("env")?;
    // Another apt at work is waited for, not an error.
    command.args([
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-y",
        "-o",
        "DPkg::Lock::Timeout=300",
    ]);
    process::run_interactive(command.args(arguments))
}

fn write_as_root(path: &str, text: &str) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new().context("could not write a temporary file")?;
    file.write_all(text.as_bytes())
        .context("could not write a temporary file")?;
    process::run_interactive(as_root("install")?.args(["-m", "0644"]).arg(file.path()).arg(path))
}

/// A command that runs as root: as it is when we are root, else by sudo.
fn as_root(program: &str) -> Result<Command> {
    if rustix::process::geteuid().is_root() {
        return Ok(Command::new(program));
    }
    ensure!(
        process::on_path("sudo"),
        "{program} must run as root, and sudo is not installed; run this again as root"
    );
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}
