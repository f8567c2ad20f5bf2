//! Where a run finds its programs and keeps its state.

use std::path::{Path, PathBuf};

use crate::root;

/// The folders of one run.
pub(crate) struct Place {
    /// The built programs.
    programs: PathBuf,
    /// All that is kept for the next run.
    state: PathBuf,
    /// What is backed up: real files that every clone has.
    pub(crate) sources: Vec<PathBuf>,
}

impl Place {
    /// `target/up` with the programs as they are shipped.
    pub(crate) fn of_clone(root: &Path) -> Self {
        let target = root::target(root);
        Self::new(root, target.join("release"), target.join("up"))
    }

    /// A folder elsewhere with the programs of another build.
    pub(crate) fn new(root: &Path, programs: PathBuf, state: PathBuf) -> Self {
        Self {
            programs,
            state,
            sources: ["docs", "crates"].map(|folder| root.join(folder)).into(),
        }
    }

    /// The server.
    pub(crate) fn server_program(&self) -> PathBuf {
        self.programs.join("restic-manager-server")
    }

    /// The agent.
    pub(crate) fn agent_program(&self) -> PathBuf {
        self.programs.join("restic-manager-agent")
    }

    /// The folder of everything kept.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// The server's database and keys.
    pub(crate) fn server_data(&self) -> PathBuf {
        self.state.join("server")
    }

    /// The server's output.
    pub(crate) fn server_log(&self) -> PathBuf {
        self.state.join("server.log")
    }

    /// The agent's keys, credentials and queues.
    pub(crate) fn agent_state(&self) -> PathBuf {
        self.state.join("agent")
    }

    /// The agent's settings.
    pub(crate) fn agent_config(&self) -> PathBuf {
        self.state.join("agent.yaml")
    }

    /// The agent's output.
    pub(crate) fn agent_log(&self) -> PathBuf {
        self.state.join("agent.log")
    }

    /// The repository that the backups go to.
    pub(crate) fn repository(&self) -> PathBuf {
        self.state.join("repository")
    }
}
