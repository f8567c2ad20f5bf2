//! A client in Python, generated from the contract.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{process, programs, services};

/// Modules made from the `.proto` files, and a Python that can run them.
pub struct PythonClient {
    python: PathBuf,
    modules: PathBuf,
}

impl PythonClient {
    /// Generates the modules into a directory. `None` where Python or its packages are missing.
    #[track_caller]
    pub fn generate(directory: &Path) -> Option<Self> {
        let python = services::given("RM_TEST_PYTHON", "a Python with the packages grpcio and grpcio-tools")?;
        let client = Self {
            python: python.into(),
            modules: directory.join("modules"),
        };
        fs::create_dir_all(&client.modules).expect("the temporary directory can be written");
        let proto = programs::clone().join("proto");
        let third_party = proto.join("third_party");
        let mut files = Vec::new();
        contracts(&proto, Path::new("restic_manager"), &mut files);
        contracts(&third_party, Path::new("google"), &mut files);

        let mut compiler = client.python();
        compiler.args(["-m", "grpc_tools.protoc"]);
        compiler.arg("-I").arg(&proto).arg("-I").arg(&third_party);
        for option in ["--python_out", "--grpc_python_out"] {
            let mut argument = OsString::from(format!("{option}="));
            argument.push(&client.modules);
            compiler.arg(argument);
        }
        process::stdout(&process::run(compiler.args(files)));
        Some(client)
    }

    /// A command that runs a script of the folder `clients/python` with the generated modules.
    pub fn script(&self, name: &str) -> Command {
        let script = programs::clone().join("integration-tests/clients/python").join(name);
        let mut command = self.python();
        command.env("PYTHONPATH", &self.modules).arg(script);
        command
    }

    fn python(&self) -> Command {
        let mut command = process::command(&self.python, &self.modules);
        // Nothing is written beside the scripts, which lie in the clone.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// The contract's files below a folder, as paths from `root`: the compiler tells files apart by those.
fn contracts(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(root.join(folder));
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.filter_map(Result::ok) {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            contracts(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
}
