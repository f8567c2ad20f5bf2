//! Where the agent's files are ([`Places`]) and what `agent.yaml` says ([`Config`]).
//!
//! Defaults, then the file, then `RM_*`, then flags. The file holds settings only: keys, certificates and credentials lie
//! in the state directory.

pub mod env;
mod places;

use std::path::{Path, PathBuf};

pub use places::Places;

use crate::durable;

/// The settings in `agent.yaml`. Each may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// URL of the web server, such as `https://backup.example.org`. For people and for enrolling; the agent itself
    /// connects to the agent port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// URL of the agent port, when it is another than the server said at enrolling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_url: Option<String>,
    /// What the machine calls itself, when that is not its host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The restic to use, when it is not the one on the search path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restic_path: Option<PathBuf>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(durable::Error),
    /// The file is not YAML, or has a key that nobody knows.
    #[error("{} is not a valid configuration", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why reading stopped.
        #[source]
        source: serde_yaml_ng::Error,
    },
    /// Values that cannot be right.
    #[error("the configuration is not valid: {}", problems.join("; "))]
    Values {
        /// All of them, each naming its key.
        problems: Vec<String>,
    },
}

impl Config {
    /// Reads the file, which may be absent, and lays `RM_RESTIC` over it.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let mut config = Self::read(path)?;
        if let Some(restic) = std::env::var_os(env::RESTIC).filter(|value| !value.is_empty()) {
            config.restic_path = Some(restic.into());
        }
        config.validate()?;
        Ok(config)
    }

    /// Reads the file alone; the default when it is absent.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let Some(content) = durable::read(path).map_err(Error::File)? else {
            return Ok(Self::default());
        };
        // A file of comments only is an empty document.
        let config: Option<Self> = serde_yaml_ng::from_slice(&content).map_err(|source| Error::Syntax {
            path: path.to_owned(),
            source,
        })?;
        Ok(config.unwrap_or_default())
    }

    /// Writes the file unless it says the same already. Its comments go.
    pub fn store(&self, path: &Path) -> Result<(), Error> {
        if path.exists() && Self::read(path)? == *self {
            return Ok(());
        }
        let yaml = serde_yaml_ng::to_string(self).map_err(|source| Error::Syntax {
            path: path.to_owned(),
            source,
        })?;
        durable::create_directory(durable::parent(path))
            .and_then(|()| durable::write(path, yaml.as_bytes()))
            .map_err(Error::File)
    }

    /// Checks every value and reports all that are wrong.
    pub fn validate(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        if let Some(server) = &self.server {
            check_url(&mut problems, "server", server, &["https", "http"]);
        }
        if let Some(agent_url) = &self.agent_url {
            check_url(&mut problems, "agent_url", agent_url, &["https"]);
        }
        if self
            .name
            .as_ref()
            .is_some_and(|name| name.parse::<domain::name::Hostname>().is_err())
        {
            problems.push(format!("`name`: {}", domain::name::InvalidHostname));
        }
        if self.restic_path.as_ref().is_some_and(|path| !path.is_absolute()) {
            problems.push("`restic_path` is not an absolute path".to_owned());
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Values { problems })
        }
    }
}

fn check_url(problems: &mut Vec<String>, key: &str, text: &str, schemes: &[&str]) {
    let parsed: Option<http::Uri> = text.parse().ok();
    let is_right = parsed.is_some_and(|uri| {
        uri.scheme_str().is_some_and(|scheme| schemes.contains(&scheme))
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@'))
    });
    if !is_right {
        problems.push(format!(
            "`{key}` is not a URL that begins with {}://",
            schemes.join(":// or ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_or_empty_file_is_the_default() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.yaml");

        assert_eq!(Config::read(&path).unwrap(), Config::default());
        std::fs::write(&path, "# nothing yet\n").unwrap();
        assert_eq!(Config::read(&path).unwrap(), Config::default());
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("etc/agent.yaml");
        let config = Config {
            server: Some("https://backup.example.org".to_owned()),
            restic_path: Some("/opt/restic".into()),
            ..Config::default()
        };

        config.store(&path).unwrap();

        assert_eq!(Config::read(&path).unwrap(), config);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "server: https://backup.example.org\nrestic_path: /opt/restic\n"
        );
    }

    #[test]
    fn a_file_that_says_the_same_keeps_its_comments() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.yaml");
        std::fs::write(&path, "# by hand\nname: web-1\n").unwrap();

        let config = Config::read(&path).unwrap();
        config.store(&path).unwrap();

        assert!(std::fs::read_to_string(&path).unwrap().starts_with("# by hand"));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.yaml");
        std::fs::write(&path, "restic_password: hunter2\n").unwrap();

        let error = Config::read(&path).unwrap_err();

        let Error::Syntax { source, .. } = error else {
            panic!("{error:?}")
        };
        assert!(source.to_string().contains("restic_password"), "{source}");
    }

    #[test]
    fn all_wrong_values_are_reported_together() {
        let config = Config {
            server: Some("ftp://backup.example.org".to_owned()),
            agent_url: Some("http://backup.example.org:8443".to_owned()),
            name: Some("two words".to_owned()),
            restic_path: Some("restic".into()),
        };

        let Err(Error::Values { problems }) = config.validate() else {
            panic!("accepted")
        };

        let keys: Vec<bool> = ["server", "agent_url", "name", "restic_path"]
            .iter()
            .zip(&problems)
            .map(|(key, problem)| problem.contains(&format!("`{key}`")))
            .collect();
        assert_eq!(keys, [true; 4], "{problems:?}");
    }
}
