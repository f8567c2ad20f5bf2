//! Real repositories, and restic itself to look into them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::{process, services};

/// A restic repository with what opens it.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its location as restic writes it.
    pub url: String,
    /// User name at its server; empty when there is none.
    pub username: String,
    /// Login password at its server; empty when there is none.
    pub backend_password: String,
    /// What encrypts it.
    pub password: String,
    home: PathBuf,
}

impl Repository {
    /// A place in a directory of this machine, where nothing is yet.
    pub fn local(directory: &Path, name: &str) -> Self {
        Self {
            url: directory.join(name).display().to_string(),
            username: String::new(),
            backend_password: String::new(),
            password: format!("the password of {name}"),
            home: home(directory),
        }
    }

    /// A place on the append-only rest-server that `cargo xtask test` runs, where nothing is yet. The directory serves
    /// restic's cache only, and its name makes the place unique.
    ///
    /// `None` where there is no such server.
    #[track_caller]
    pub fn on_rest_server(directory: &Path, name: &str) -> Option<Self> {
        let what = "restic's rest-server";
        let base = services::given("RM_TEST_REST_SERVER", what)?;
        let username = services::given("RM_TEST_REST_SERVER_USER", what)?;
        let password = services::given("RM_TEST_REST_SERVER_PASSWORD", what)?;
        let text = |value: std::ffi::OsString| value.into_string().expect("it is text");
        let (base, username) = (text(base), text(username));
        let unique = directory
            .file_name()
            .expect("a temporary directory has a name")
            .to_string_lossy();
        let unique = unique.trim_start_matches('.');
        Some(Self {
            url: format!("rest:{base}/{username}/{unique}-{name}"),
            username,
            backend_password: text(password),
            password: format!("the password of {name}"),
            home: home(directory),
        })
    }

    /// The fields of a request that names this repository.
    pub fn fields(&self) -> Value {
        let mut fields = json!({ "repo_url": self.url, "repo_password": self.password });
        if !self.username.is_empty() {
            fields["repo_username"] = self.username.clone().into();
            fields["backend_password"] = self.backend_password.clone().into();
        }
        fields
    }

    /// Makes the repository with restic alone, as somebody would have done before restic-manager came.
    #[track_caller]
    pub fn init(&self) {
        process::stdout(&process::run(self.restic().arg("init")));
    }

    /// The ids of its snapshots as restic lists them, oldest first.
    #[track_caller]
    pub fn snapshot_ids(&self) -> Vec<String> {
        let snapshots = self.snapshots();
        let ids = snapshots
            .iter()
            .map(|snapshot| snapshot["id"].as_str().map(str::to_owned));
        ids.collect::<Option<_>>().expect("each snapshot has an id")
    }

    /// Its snapshots as restic lists them, oldest first.
    #[track_caller]
    pub fn snapshots(&self) -> Vec<Value> {
        let text = process::stdout(&process::run(self.restic().args(["snapshots", "--json"])));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The ids of the locks that are there.
    #[track_caller]
    pub fn locks(&self) -> Vec<String> {
        let text = process::stdout(&process::run(self.restic().args(["list", "locks", "--no-lock"])));
        text.lines().map(str::to_owned).collect()
    }

    /// Has restic read the repository's structure; it must find nothing wrong.
    #[track_caller]
    pub fn check(&self) {
        process::stdout(&process::run(self.restic().arg("check")));
    }

    /// What a file holds in a snapshot.
    #[track_caller]
    pub fn dump(&self, snapshot: &str, file: &Path) -> String {
        process::stdout(&process::run(self.restic().args(["dump", snapshot]).arg(file)))
    }

    /// restic on this repository, as a person runs it.
    pub fn restic(&self) -> Command {
        let mut command = process::command(Path::new("restic"), &self.home);
        command
            .env("RESTIC_REPOSITORY", &self.url)
            .env("RESTIC_PASSWORD", &self.password);
        if !self.username.is_empty() {
            command.env("RESTIC_REST_USERNAME", &self.username);
            command.env("RESTIC_REST_PASSWORD", &self.backend_password);
        }
        command
    }
}

fn home(directory: &Path) -> PathBuf {
    let home = directory.join("home");
    fs::create_dir_all(&home).expect("the temporary directory can be written");
    home
}
