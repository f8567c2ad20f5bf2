//! A server with its first admin, and hosts that enroll with it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::agent::Agent;
use crate::disk::Disk;
use crate::repository::Repository;
use crate::rest::{Answer, Rest};
use crate::server::Server;
use crate::wait;

/// The first admin's password, where a test does not choose one.
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// A server in a temporary directory, and its first admin.
pub struct Fleet {
    // Dropped in this order: the server ends before its directory goes.
    /// The server.
    pub server: Server,
    /// A client that is signed in as the first admin.
    pub admin: Rest,
    directory: TempDir,
}

/// A host that has enrolled.
pub struct Host {
    /// Its id.
    pub id: String,
    /// Its agent.
    pub agent: Agent,
    client: Rest,
}

impl Fleet {
    /// Starts a server as it is configured by itself.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(&[], ADMIN_PASSWORD)
    }

    /// Starts a server with further `RM_*` settings, and makes an admin with this password.
    #[track_caller]
    pub fn start_with(settings: &[(&str, &str)], admin_password: &str) -> Self {
        let directory = temporary();
        let server = Server::start(&directory.path().join("server"), settings);
        Self::of(server, directory, admin_password)
    }

    /// Starts a server whose data directory is a disk of its own, of so many KiB. `None` where the system allows no mounts of
    /// one's own.
    #[track_caller]
    pub fn start_on_disk(kibibytes: u32) -> Option<(Self, Disk)> {
        let directory = temporary();
        let (server, disk) = Server::start_on_disk(&directory.path().join("server"), kibibytes)?;
        Some((Self::of(server, directory, ADMIN_PASSWORD), disk))
    }

    #[track_caller]
    fn of(server: Server, directory: TempDir, admin_password: &str) -> Self {
        let admin = server.bootstrap(admin_password);
        Self {
            server,
            admin,
            directory,
        }
    }

    /// The temporary directory of this fleet.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A place in a local directory where no repository is yet.
    pub fn local_repository(&self) -> Repository {
        Repository::local(self.directory(), "repository")
    }

    /// A folder with two small files to back up.
    pub fn data(&self) -> PathBuf {
        let data = self.directory().join("data");
        fs::create_dir_all(data.join("inner")).expect("the temporary directory can be written");
        fs::write(data.join("greeting"), "hello").expect("the temporary directory can be written");
        fs::write(data.join("inner/answer"), "world!").expect("the temporary directory can be written");
        data
    }

    /// A file of so many MiB that restic can neither compress nor find again elsewhere.
    pub fn large_file(&self, mebibytes: usize) -> PathBuf {
        let path = self.directory().join("large");
        let mut source = fs::File::open("/dev/urandom").expect("this system has randomness");
        let mut file = fs::File::create(&path).expect("the temporary directory can be written");
        let size = u64::try_from(mebibytes).expect("it is small") << 20;
        let mut source = std::io::Read::take(&mut source, size);
        std::io::copy(&mut source, &mut file).expect("the temporary directory can be written");
        path
    }

    /// Enrolls a host with a repository, and waits until it is online and the repository ready.
    #[track_caller]
    pub fn host(&self, name: &str, repository: &Repository) -> Host {
        let host = self.enroll(name, &repository.fields(), "");
        host.is_ready();
        host
    }

    /// Enrolls a host and starts its agent. `fields` are those of the enrollment token beside the name, `settings` the
    /// lines of the agent's configuration file.
    #[track_caller]
    pub fn enroll(&self, name: &str, fields: &Value, settings: &str) -> Host {
        let agent = Agent::new(&self.directory().join(name), settings);
        self.enroll_with(name, agent, &self.token(name, fields))
    }

    /// Enrolls a host with a token that was made before, and starts its agent.
    #[track_caller]
    pub fn enroll_with(&self, name: &str, agent: Agent, token: &str) -> Host {
        agent.enroll(&self.server.url(), token);
        let mut host = Host {
            id: self.host_id(name),
            agent,
            client: self.admin.clone(),
        };
        host.agent.start();
        host
    }

    /// Makes an enrollment token.
    #[track_caller]
    pub fn token(&self, name: &str, fields: &Value) -> String {
        let mut body = fields.clone();
        body["hostname"] = name.into();
        let made = self.admin.post("/api/enrollment-tokens", &body).ok();
        made["token"].as_str().expect("the answer holds the token").to_owned()
    }

    /// The id of an enrolled host.
    #[track_caller]
    pub fn host_id(&self, name: &str) -> String {
        let hosts = self.admin.get("/api/hosts").ok();
        let mut hosts = hosts.as_array().expect("a list is an array").iter();
        let host = hosts.find(|host| host["hostname"] == name);
        let id = host.and_then(|host| host["id"].as_str());
        id.unwrap_or_else(|| panic!("{name} is not among the hosts")).to_owned()
    }
}

fn temporary() -> TempDir {
    TempDir::with_prefix("restic-manager-test-").expect("there is a place for temporary files")
}

impl Host {
    /// The host as the server sees it.
    #[track_caller]
    pub fn get(&self) -> Value {
        self.client.get(&self.path("")).ok()
    }

    /// Waits until the server sees the host so.
    #[track_caller]
    pub fn becomes(&self, what: &str, as_wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let seen = wait::until_or(wait::SHORTLY, || {
            last = self.get();
            as_wanted(&last).then(|| last.clone())
        });
        seen.unwrap_or_else(|| panic!("waited in vain until the host is {what}; at last it was {last:#}"))
    }

    /// Waits until it is online and its repository ready.
    #[track_caller]
    pub fn is_ready(&self) -> Value {
        self.becomes("online with its repository ready", |host| {
            host["status"] == "online" && host["repo_status"] == "ready"
        })
    }

    /// Asks for a job.
    pub fn ask(&self, body: &Value) -> Answer {
        self.client.post(&self.path("/jobs"), body)
    }

    /// Starts a job and gives its id.
    #[track_caller]
    pub fn start(&self, body: &Value) -> String {
        let job = self.ask(body).ok();
        job["id"].as_str().expect("a job has an id").to_owned()
    }

    /// Starts a backup of some paths and gives its id.
    #[track_caller]
    pub fn start_backup(&self, paths: &[&Path]) -> String {
        self.start(&json!({ "kind": "backup", "args": paths }))
    }

    /// Runs a job to its end.
    #[track_caller]
    pub fn run(&self, body: &Value) -> Value {
        self.end_of(&self.start(body))
    }

    /// Backs up some paths and waits for the end.
    #[track_caller]
    pub fn back_up(&self, paths: &[&Path]) -> Value {
        self.end_of(&self.start_backup(paths))
    }

    /// A job as the server sees it.
    #[track_caller]
    pub fn job(&self, id: &str) -> Value {
        self.client.get(&format!("/api/jobs/{id}")).ok()
    }

    /// Waits until the server sees a job so.
    #[track_caller]
    pub fn job_becomes(&self, id: &str, what: &str, as_wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let seen = wait::until_or(wait::JOB, || {
            last = self.job(id);
            as_wanted(&last).then(|| last.clone())
        });
        seen.unwrap_or_else(|| panic!("waited in vain until the job is {what}; at last it was {last:#}"))
    }

    /// Waits until a job has ended, well or not.
    #[track_caller]
    pub fn end_of(&self, id: &str) -> Value {
        self.job_becomes(id, "at its end", |job| job["finished_at"].is_string())
    }

    /// The lines of a job's log so far, over all pages.
    #[track_caller]
    pub fn log(&self, id: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        let mut from = 1;
        loop {
            let page = self.client.get(&format!("/api/jobs/{id}/log?from_seq={from}"));
            let mut page_lines = page.ok().as_array().expect("a list is an array").clone();
            lines.append(&mut page_lines);
            let next = page.headers.get("x-next-seq").and_then(|next| next.to_str().ok());
            match next.and_then(|next| next.parse().ok()) {
                Some(next) if next > from => from = next,
                Some(_) | None => return lines,
            }
        }
    }

    /// The snapshots in the server's list, newest first.
    #[track_caller]
    pub fn snapshots(&self) -> Vec<Value> {
        let list = self.client.get(&self.path("/snapshots")).ok();
        list.as_array().expect("a list is an array").clone()
    }

    /// Changes what an operator may change.
    #[track_caller]
    pub fn update(&self, mut changes: Value) -> Value {
        changes["version"] = self.get()["version"].clone();
        self.client.patch(&self.path(""), &changes).ok()
    }

    /// Changes the credentials of its repository.
    #[track_caller]
    pub fn set_credentials(&self, fields: &Value) -> Value {
        self.client.put(&self.path("/repo-credentials"), fields).ok()
    }

    /// Its path, and what comes below it.
    fn path(&self, below: &str) -> String {
        format!("/api/hosts/{}{below}", self.id)
    }
}
