//! Several versions of restic side by side, each from the package of another Debian release. Nothing is installed: the
//! packages are fetched with apt's lists and cache in a folder of their own, and unpacked there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;

use super::install::codename;
use super::newer_restic::KEYRING;
use super::{Consent, mirror, under_ci};

/// The oldest restic that is accepted, the one that tests use otherwise, and the newest there is. sid's moves.
const SUITES: [&str; 3] = ["bookworm", "trixie", "sid"];

/// Makes sure that each version is there and prints which they are. Outside of CI a machine that cannot have them goes
/// without, and says so: the tests about them are skipped.
pub(crate) fn ensure(root: &Path, consent: &Consent) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for suite in SUITES {
        match one(root, suite, consent) {
            Ok(program) => {
                let version = process::output(Command::new(&program).arg("version"))?;
                println!("{suite}: {}", version.trim());
                found.push(program);
            }
            Err(error) if under_ci() => {
                return Err(error.context(format!("restic of Debian {suite} cannot be had")));
            }
            Err(error) => println!("{suite}: left out, restic of this release cannot be had: {error:#}"),
        }
    }
    Ok(found)
}

fn one(root: &Path, suite: &str, consent: &Consent) -> Result<PathBuf> {
    let folder = root.join("target/restic").join(suite);
    let program = folder.join("unpacked/usr/bin/restic");
    if program.is_file() {
        return Ok(program);
    }
    ensure!(
        process::on_path("apt-get") && process::on_path("dpkg-deb"),
        "this system has no apt"
    );
    ensure!(
        Path::new(KEYRING).exists(),
        "Debian's archive keys are missing; install the package debian-archive-keyring"
    );
    let mirror = match &consent.debian_mirror {
        Some(mirror) => mirror.clone(),
        None => mirror::configured(&codename()?)
            .context("no Debian mirror is configured; name one with --debian-mirror URL")?,
    };
    fetch(&folder, suite, &mirror)?;
    ensure!(program.is_file(), "the package holds no restic");
    Ok(program)
}

fn fetch(folder: &Path, suite: &str, mirror: &str) -> Result<()> {
    let write = |what: &str| format!("could not write {what} in {}", folder.display());
    for part in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(folder.join(part)).with_context(|| write("folders"))?;
    }
    // sid's release file expires on a mirror that lags; what matters here is the signature.
    let source =
        format!("deb [signed-by={KEYRING} check-valid-until=no lang=none target=Packages] {mirror} {suite} main\n");
    fs::write(folder.join("sources.list"), source).with_context(|| write("the source"))?;
    // What is installed here would stand in the way of an older one.
    fs::write(folder.join("status"), "").with_context(|| write("the status"))?;
    process::run(apt(folder).arg("update"))?;
    process::run(apt(folder).args(["download", "restic"]).current_dir(folder))?;
    let package = fs::read_dir(folder)
        .with_context(|| format!("could not read {}", folder.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt downloaded no package")?;
    process::run(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(package)
            .arg(folder.join("unpacked")),
    )
}

/// apt with this folder's source, lists and cache, and nothing of the system's.
fn apt(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-q");
    for none in ["sourceparts", "preferences", "preferencesparts"] {
        command.arg("-o").arg(format!("Dir::Etc::{none}=/dev/null"));
    }
    for (option, part) in [
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::State::lists", "lists"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
    ] {
        command
            .arg("-o")
            .arg(format!("{option}={}", folder.join(part).display()));
    }
    command
}
