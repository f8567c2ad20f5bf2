//! `buf curl`: a client that knows nothing but what the server's reflection tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::rest::Rest;
use crate::{process, services};

/// The program and the server it asks.
pub struct Buf {
    program: PathBuf,
    base: String,
    directory: PathBuf,
}

impl Buf {
    /// `None` where buf is missing. The directory is empty of contracts and serves as home.
    #[track_caller]
    pub fn new(directory: &Path, server: &Rest) -> Option<Self> {
        let program = services::given("RM_TEST_BUF", "buf")?;
        let directory = directory.join("buf");
        fs::create_dir_all(&directory).expect("the temporary directory can be written");
        Some(Self {
            program: program.into(),
            base: server.base().to_owned(),
            directory,
        })
    }

    /// The methods that reflection names, such as `restic_manager.v1.HostService/ListHosts`.
    #[track_caller]
    pub fn methods(&self) -> Vec<String> {
        let output = self.run(&["--list-methods"], None, "");
        process::stdout(&output).lines().map(str::to_owned).collect()
    }

    /// Calls a method and gives everything that came back, with the metadata before the message.
    pub fn call(&self, method: &str, request: &Value, session: Option<&str>) -> Output {
        let data = request.to_string();
        self.run(&["--verbose", "--emit-defaults", "--data", &data], session, method)
    }

    fn run(&self, arguments: &[&str], session: Option<&str>, method: &str) -> Output {
        let mut command = process::command(&self.program, &self.directory);
        command.current_dir(&self.directory);
        command
            .args(["curl", "--protocol", "grpc", "--timeout", "60s"])
            .args(arguments);
        if let Some(session) = session {
            // By a file, because arguments are for all the machine to see.
            let file = self.directory.join("headers");
            let written = fs::write(&file, format!("authorization: Bearer {session}\n"));
            written.expect("the temporary directory can be written");
            command.arg("--header").arg(format!("@{}", file.display()));
        }
        process::run(command.arg(format!("{}/{method}", self.base)))
    }
}
