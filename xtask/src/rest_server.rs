//! restic's rest-server twice over the same data: once append-only, as hosts see it, and once with every right.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::background::{Background, Launch, Stop};
use crate::http;
use crate::up::ports;

const READY_WITHIN: Duration = Duration::from_secs(15);

/// The one user of both servers. Its repositories are all paths below `/fleet/`.
pub(crate) const USER: &str = "fleet";
/// Its password: no secret, because the servers listen on loopback for the length of one test run.
pub(crate) const PASSWORD: &str = "fleet-backend-password";
/// `user:{SHA}` and the base64 form of the password's SHA-1, as rest-server reads it.
const HTPASSWD: &str = "fleet:{SHA}QQdATnHIvvQ0sPdFVr5BPPF18d4=\n";

/// The two running servers.
pub(crate) struct RestServers {
    // Dropped in this order: the servers end before their directory goes.
    everyday: Server,
    admin: Server,
    _directory: TempDir,
}

struct Server {
    process: Background,
    port: u16,
}

impl RestServers {
    /// Starts both on an empty data directory.
    pub(crate) fn start() -> Result<Self> {
        let directory = TempDir::with_prefix("restic-manager-rest-").context("could not make a temporary directory")?;
        fs::write(directory.path().join("htpasswd"), HTPASSWD).context("could not write the password file")?;
        Ok(Self {
            everyday: Server::start(
                "rest-server (append-only)",
                directory.path(),
                "everyday.log",
                &["--append-only"],
            )?,
            admin: Server::start("rest-server (admin)", directory.path(), "admin.log", &[])?,
            _directory: directory,
        })
    }

    /// The base address of the append-only server, without user info.
    pub(crate) fn everyday_url(&self) -> String {
        self.everyday.url()
    }

    /// The base address of the server that may delete, without user info.
    pub(crate) fn admin_url(&self) -> String {
        self.admin.url()
    }
}

impl Server {
    fn start(name: &'static str, directory: &Path, log: &str, further: &[&str]) -> Result<Self> {
        let port = ports::free()?;
        let listen = format!("127.0.0.1:{port}");
        let mut words: Vec<OsString> = vec!["restic-rest-server".into(), "--private-repos".into()];
        words.extend(["--listen".into(), listen.into()]);
        words.extend(["--path".into(), directory.join("data").into()]);
        words.extend(["--htpasswd-file".into(), directory.join("htpasswd").into()]);
        words.extend(further.iter().map(OsString::from));

        let log = directory.join(log);
        let launch = Launch {
            name,
            stop: Stop::Terminate,
            account: None,
            words,
            variables: Vec::new(),
            log,
        };
        let mut server = Self {
            process: Background::start(launch)?,
            port,
        };
        let url = server.url();
        // 401 is the answer of a server that is up and knows its users.
        server
            .process
            .wait_until(READY_WITHIN, || http::status(&url).is_ok_and(|status| status == 401))?;
        Ok(server)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
