//! A client in TypeScript, generated from the contract and compiled.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{process, programs, services};

/// A compiled client.
pub struct TypescriptClient {
    directory: PathBuf,
}

impl TypescriptClient {
    /// Generates its modules from the contract and compiles it. `None` where buf or the packages are missing.
    #[track_caller]
    pub fn build(directory: &Path) -> Option<Self> {
        let modules = services::given("RM_TEST_TYPESCRIPT", "the packages of the client in TypeScript")?;
        let buf = services::given("RM_TEST_BUF", "buf")?;
        let client = Self {
            directory: directory.join("typescript"),
        };
        fs::create_dir_all(&client.directory).expect("the temporary directory can be written");
        let source = programs::clone().join("integration-tests/clients/typescript");
        for file in ["package.json", "tsconfig.json", "buf.gen.yaml", "main_job.ts"] {
            fs::copy(source.join(file), client.directory.join(file)).expect("it lies in the clone");
        }
        symlink(&modules, client.directory.join("node_modules")).expect("the temporary directory can be written");

        let mut generate = client.command(Path::new(&buf));
        generate.args(["generate", "--template", "buf.gen.yaml"]);
        let plugins = client.directory.join("node_modules/.bin");
        let path = env::var("PATH").unwrap_or_default();
        generate.env("PATH", format!("{}:{path}", plugins.display()));
        process::stdout(&process::run(generate.arg(programs::clone().join("proto"))));
        process::stdout(&process::run(&mut client.node("node_modules/typescript/bin/tsc")));
        Some(client)
    }

    /// A command that runs the client.
    pub fn main_job(&self) -> Command {
        self.node("out/main_job.js")
    }

    fn node(&self, script: &str) -> Command {
        let mut command = self.command(Path::new("node"));
        command.arg(script);
        command
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = process::command(program, &self.directory);
        command.current_dir(&self.directory);
        command
    }
}
