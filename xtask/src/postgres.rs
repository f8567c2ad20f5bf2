//! A PostgreSQL server of our own for the tests: temporary directory, free port, gone at the end.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::account::Account;
use crate::background::{Background, Launch, Stop};
use crate::certificate;
use crate::process;
use crate::up::ports;

const READY_WITHIN: Duration = Duration::from_secs(30);
/// Nothing here outlives the run, so nothing needs to reach the disk.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=300",
    "ssl=on",
];
/// Beside the data, made by [`certificate::make`].
const CA: &str = "ca.pem";
const CERTIFICATE: &str = "server.pem";
const KEY: &str = "server.key";

/// A running PostgreSQL server that trusts every connection from this machine.
pub(crate) struct Postgres {
    // Dropped in this order: the server ends before its directory goes.
    _server: Background,
    directory: TempDir,
    port: u16,
    binaries: PathBuf,
    account: Option<Account>,
}

impl Postgres {
    /// Makes a new cluster and starts it.
    pub(crate) fn start() -> Result<Self> {
        let binaries = binaries().context("PostgreSQL's initdb was not found")?;
        let account = Account::unless_already_unprivileged()?;
        // Below the system's directory for temporary files, because a clone in root's home is closed to the account.
        let directory =
            TempDir::with_prefix("restic-manager-postgres-").context("could not make a temporary directory")?;
        let data = directory.path().join("data");
        fs::create_dir(&data).context("could not make the data directory")?;
        certificate::make(directory.path())?;
        if let Some(account) = account {
            for file in [CA, CERTIFICATE, KEY] {
                account.own(&directory.path().join(file))?;
            }
            account.own(directory.path())?;
            account.own(&data)?;
        }

        process::output(&mut initdb(&binaries, &data, account))?;
        let port = ports::free()?;
        let mut server = Background::start(Launch {
            name: "PostgreSQL",
            // "Fast": ends open connections instead of waiting for them.
            stop: Stop::Interrupt,
            account,
            words: server_words(&binaries, directory.path(), &data, port),
            variables: Vec::new(),
            log: directory.path().join("postgres.log"),
        })?;
        let mut ready = Command::new(binaries.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        server.wait_until(READY_WITHIN, || process::succeeds(&mut ready))?;
        Ok(Self {
            _server: server,
            directory,
            port,
            binaries,
            account,
        })
    }

    /// Says how tests make a cluster of their own, which they may stop.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env("RM_TEST_POSTGRES_BINARIES", &self.binaries);
        if let Some(account) = self.account {
            command.env("RM_TEST_POSTGRES_ACCOUNT", account.ids());
        }
    }

    /// The CA of its certificate, which names `localhost` alone.
    pub(crate) fn ca(&self) -> PathBuf {
        self.directory.path().join(CA)
    }

    /// The address of the maintenance database; tests make databases of their own beside it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

/// The folder of the newest PostgreSQL's programs. Debian keeps them off the search path.
pub(crate) fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let debian = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .max();
    if let Some((_, folder)) = debian {
        return Some(folder);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file())
}

fn initdb(binaries: &Path, data: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(binaries.join("initdb"));
    command
        .args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ])
        .arg(data);
    if let Some(account) = account {
        account.apply(&mut command);
    }
    // It must be a folder that the account may enter.
    command.current_dir(data);
    command
}

fn server_words(binaries: &Path, certificates: &Path, data: &Path, port: u16) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![binaries.join("postgres").into(), "-D".into(), data.into()];
    words.extend(["-p".into(), port.to_string().into(), "-k".into(), data.into()]);
    for (setting, file) in [("ssl_cert_file", CERTIFICATE), ("ssl_key_file", KEY)] {
        let value = format!("{setting}={}", certificates.join(file).display());
        words.extend(["-c".into(), value.into()]);
    }
    words.extend(SETTINGS.iter().flat_map(|setting| ["-c".into(), (*setting).into()]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_listens_on_loopback_only_and_keeps_its_socket_to_itself() {
        let words = server_words(Path::new("/bin"), Path::new("/"), Path::new("/data"), 4321);
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();

        assert!(
            words
                .windows(2)
                .any(|pair| pair == ["-c", "listen_addresses=127.0.0.1"])
        );
        assert!(words.windows(2).any(|pair| pair == ["-k", "/data"]));
        assert!(words.windows(2).any(|pair| pair == ["-p", "4321"]));
    }
}
