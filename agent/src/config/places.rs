//! [`Places`]: where the agent's files are.

use std::path::{Path, PathBuf};

/// The agent's directories and files. Several agents run on one machine when each has places of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    config: PathBuf,
    state: PathBuf,
    cache: PathBuf,
}

impl Places {
    /// Takes what the command line says. The state directory brings its own cache with it.
    pub fn new(config: Option<PathBuf>, state: Option<PathBuf>) -> Self {
        let config = config.unwrap_or_else(|| default_config_dir().join("agent.yaml"));
        match state {
            Some(state) => {
                let state = absolute(&state);
                Self {
                    config: absolute(&config),
                    cache: state.join("cache"),
                    state,
                }
            }
            None => Self {
                config: absolute(&config),
                state: default_state_dir(),
                cache: default_cache_dir(),
            },
        }
    }

    /// The settings.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// All that the agent keeps.
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// restic's cache, which can be removed at any time.
    pub fn cache_dir(&self) -> &Path {
        &self.cache
    }

    /// Key and certificate.
    pub fn identity_dir(&self) -> PathBuf {
        self.state.join("identity")
    }

    /// Where a machine that is enrolled already is enrolled anew, until that has come to an end.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            config: self.config.clone(),
            state: self.state.join("anew"),
            cache: self.cache.clone(),
        }
    }

    /// Certificates to trust for the server.
    pub fn ca_bundle(&self) -> PathBuf {
        self.state.join("ca-bundle.pem")
    }

    /// What opens the repositories, sealed.
    pub fn secrets(&self) -> PathBuf {
        self.state.join("secrets.enc")
    }

    /// The key that seals it.
    pub fn secrets_key(&self) -> PathBuf {
        self.state.join("secrets.key")
    }

    /// Outbox, inbox and desired state.
    pub fn database(&self) -> PathBuf {
        self.state.join("state.redb")
    }

    /// How the running agent stands, for the command line.
    pub fn status(&self) -> PathBuf {
        self.state.join("status.json")
    }

    /// Output of jobs.
    pub fn spool(&self) -> PathBuf {
        self.state.join("spool")
    }

    /// restic's temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.state.join("tmp")
    }

    /// What is never backed up: whoever could read it from a snapshot could open the repositories.
    pub fn own_paths(&self) -> Vec<PathBuf> {
        let mut paths = vec![self.state.clone()];
        if !self.cache.starts_with(&self.state) {
            paths.push(self.cache.clone());
        }
        paths
    }
}

/// Relative paths are meant from where the command was given; the agent itself may be started elsewhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(not(windows))]
fn default_config_dir() -> PathBuf {
    "/etc/restic-manager".into()
}

#[cfg(not(windows))]
fn default_state_dir() -> PathBuf {
    "/var/lib/restic-manager".into()
}

#[cfg(not(windows))]
fn default_cache_dir() -> PathBuf {
    "/var/cache/restic-manager".into()
}

#[cfg(windows)]
fn default_config_dir() -> PathBuf {
    let data = std::env::var_os("ProgramData").map_or_else(|| "C:\\ProgramData".into(), PathBuf::from);
    data.join("restic-manager")
}

#[cfg(windows)]
fn default_state_dir() -> PathBuf {
    default_config_dir().join("state")
}

#[cfg(windows)]
fn default_cache_dir() -> PathBuf {
    default_config_dir().join("cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_state_directory_brings_its_own_cache() {
        let usual = Places::new(None, None);
        let own = Places::new(None, Some("/tmp/agent-1".into()));

        assert_eq!(usual.config(), Path::new("/etc/restic-manager/agent.yaml"));
        assert_eq!(usual.cache_dir(), Path::new("/var/cache/restic-manager"));
        assert_eq!(own.cache_dir(), Path::new("/tmp/agent-1/cache"));
    }

    #[cfg(unix)]
    #[test]
    fn everything_of_the_agents_own_is_left_out_of_backups() {
        let usual = Places::new(None, None);
        let own = Places::new(None, Some("/tmp/agent-1".into()));

        assert_eq!(
            usual.own_paths(),
            ["/var/lib/restic-manager", "/var/cache/restic-manager"].map(PathBuf::from)
        );
        assert_eq!(own.own_paths(), [PathBuf::from("/tmp/agent-1")]);
    }
}
