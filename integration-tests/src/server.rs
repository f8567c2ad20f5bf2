//! The built server as a process.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::disk::Disk;
use crate::process::{self, Process};
use crate::rest::Rest;
use crate::{ports, programs, wait};

/// The name of the first admin.
pub const ADMIN: &str = "admin";

/// How long a start may take. A database of thousands of hosts may have to be computed anew.
const STARTING: Duration = Duration::from_mins(2);

/// A server with a data directory of its own, running or stopped.
pub struct Server {
    process: Option<Process>,
    directory: PathBuf,
    web_port: u16,
    agent_port: u16,
    settings: Vec<(String, String)>,
    /// How to get to where it sees its disk.
    way_in: Vec<OsString>,
}

impl Server {
    /// Starts a server in a directory, with further `RM_*` settings, and waits until it is ready.
    #[track_caller]
    pub fn start(directory: &Path, settings: &[(&str, &str)]) -> Self {
        let mut server = Self::new(directory, settings);
        server.start_again();
        server
    }

    /// Starts a server whose data directory is a disk of its own, of so many KiB. `None` where the system allows no mounts of
    /// one's own.
    #[track_caller]
    pub fn start_on_disk(directory: &Path, kibibytes: u32) -> Option<(Self, Disk)> {
        let mut server = Self::new(directory, &[]);
        let disk = Disk::mount(&server.data(), kibibytes)?;
        server.way_in = disk.enter();
        server.start_again();
        Some((server, disk))
    }

    fn new(directory: &Path, settings: &[(&str, &str)]) -> Self {
        fs::create_dir_all(directory).expect("the temporary directory can be written");
        Self {
            process: None,
            directory: directory.to_owned(),
            web_port: ports::free(),
            agent_port: ports::free(),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            way_in: Vec::new(),
        }
    }

    /// Starts a stopped server on its ports and data, and waits until it is ready.
    #[track_caller]
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let mut command = self.command();
        command.arg("serve");
        let mut process = Process::start("the server", command, &self.log_file());
        let client = self.client();
        wait::until("the server to be ready", STARTING, || {
            assert!(process.ended().is_none(), "the server ended while it started");
            client.is_ready().then_some(())
        });
        self.process = Some(process);
    }

    /// Starts a stopped server that must not come up, and gives what it says.
    #[track_caller]
    pub fn fails_to_start(&self) -> String {
        assert!(self.process.is_none(), "the server runs already");
        let mut command = self.command();
        command
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server's program starts");
        let ended = wait::until_or(wait::SHORTLY, || child.try_wait().expect("it is our own child"));
        // Nothing to do about a failure: it has ended already, which is what was wanted.
        child.kill().ok();
        let output = child.wait_with_output().expect("it is our own child");
        let said = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        assert!(ended.is_some_and(|status| !status.success()), "{ended:?}: {said}");
        said
    }

    /// Makes the first admin and signs in.
    #[track_caller]
    pub fn bootstrap(&self, password: &str) -> Rest {
        let token = self.setup_token();
        let mut client = self.client();
        client
            .post(
                "/api/bootstrap",
                &json!({ "token": token, "username": ADMIN, "password": password }),
            )
            .ok();
        client.sign_in("/api/auth/login", &credentials(ADMIN, password));
        client
    }

    /// What makes the first admin, while there is no user.
    #[track_caller]
    pub fn setup_token(&self) -> String {
        let token = fs::read_to_string(self.token_file()).expect("the server has written its setup token");
        token.trim().to_owned()
    }

    /// Makes another user from the command line. The server must be stopped.
    #[track_caller]
    pub fn create_user(&self, name: &str, role: &str, password: &str) {
        assert!(self.process.is_none(), "the command line needs the database for itself");
        let file = self.directory.join("password");
        fs::write(&file, password).expect("the temporary directory can be written");
        let mut command = self.command();
        command.args(["user", "create", name, "--role", role]);
        command.stdin(fs::File::open(&file).expect("it was just written"));
        let output = command.output().expect("the server's command line starts");
        fs::remove_file(&file).expect("it was just written");
        process::stdout(&output);
    }

    /// Asks it to end, as a service manager does, and sees that it ends well.
    #[track_caller]
    pub fn stop(&mut self) {
        let status = self.process.take().expect("the server runs").stop();
        assert!(status.success(), "the server ended with {status}");
    }

    /// Ends it as a crash does.
    #[track_caller]
    pub fn kill(&mut self) {
        self.process.take().expect("the server runs").kill();
    }

    /// A client without a session.
    pub fn client(&self) -> Rest {
        Rest::new(self.url())
    }

    /// The address of the web port.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.web_port)
    }

    /// Host and port of the web port.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.web_port)
    }

    /// Host and port of the agent port.
    pub fn agent_authority(&self) -> String {
        format!("127.0.0.1:{}", self.agent_port)
    }

    /// Its process id.
    #[track_caller]
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).expect("the server has a log")
    }

    /// Where database and keys are.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The file with its output.
    pub fn log_file(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    fn token_file(&self) -> PathBuf {
        self.directory.join("setup-token")
    }

    fn command(&self) -> Command {
        let mut command = process::command_in(&self.way_in, &programs::server(), &self.directory);
        command
            .env("RM_CONFIG", self.directory.join("server.yaml"))
            .env("RM_DATA_DIR", self.data())
            .env("RM_LISTEN", self.authority())
            .env("RM_AGENT_LISTEN", self.agent_authority())
            .env("RM_BASE_URL", self.url())
            .env("RM_AGENT_URL", format!("https://{}", self.agent_authority()))
            .env("RM_BOOTSTRAP_TOKEN_FILE", self.token_file())
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The body that signs in.
pub fn credentials(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}
