//! Credentials that an older agent kept in clear in `agent.yaml`, moved once into the sealed file.
//!
//! First they are sealed and on the disk, then their keys go from the configuration by one rename. A crash in between
//! leaves both, and the next start comes to the same end. The server has to learn them from a person: the agent never
//! sends what opens a repository. Until its credentials are the same ones, these stay.

use std::path::PathBuf;

use domain::Secret;
use serde_yaml_ng::{Mapping, Value};
use zeroize::Zeroizing;

use crate::config::Places;
use crate::durable;
use crate::secrets::{self, Secrets};

const URL: &str = "repo_url";
const PASSWORD: &str = "repo_password";

/// Why the credentials are still where they were.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("could not move the repository's credentials out of the configuration")]
    File(#[source] durable::Error),
    /// They cannot be sealed.
    #[error("could not seal the repository's credentials that the configuration holds")]
    Secrets(#[source] secrets::Error),
    /// YAML takes the value for something else than text, and may have changed it.
    #[error("`{key}` in {} is not a text; put it in quotation marks", path.display())]
    NotText {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// Moves what is there to move; says whether there was anything.
pub fn migrate(places: &Places) -> Result<bool, Error> {
    let path = places.config();
    let Some(content) = durable::read(path).map_err(Error::File)?.map(Zeroizing::new) else {
        return Ok(false);
    };
    // What is no configuration at all is told by those who read it next.
    let Ok(mut settings) = serde_yaml_ng::from_slice::<Mapping>(&content) else {
        return Ok(false);
    };
    let mut take = |key: &'static str| match settings.remove(key) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(String::new())),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Bool(_) | Value::Number(_) | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_)) => {
            Err(Error::NotText {
                key,
                path: path.to_owned(),
            })
        }
    };
    let (url, password) = (take(URL)?, take(PASSWORD)?);
    if url.is_none() && password.is_none() {
        return Ok(false);
    }
    let (url, password) = (url.unwrap_or_default(), password.unwrap_or_default());
    if !(url.is_empty() && password.is_empty()) {
        durable::create_directory(places.state_dir()).map_err(Error::File)?;
        Secrets::new(places)
            .keep_older(url, &Secret::new(password))
            .map_err(Error::Secrets)?;
    }
    durable::replace(path, stripped(&content, &settings).as_bytes()).map_err(Error::File)?;
    Ok(true)
}

/// The text without the two keys. Comments stay where removing lines is enough.
fn stripped(content: &[u8], settings: &Mapping) -> String {
    let mut kept = String::new();
    let mut is_ours = false;
    for line in String::from_utf8_lossy(content).split_inclusive('\n') {
        let begins_a_key = !line.starts_with([' ', '\t', '\n', '\r', '#']);
        if begins_a_key {
            is_ours = [URL, PASSWORD].iter().any(|key| {
                let rest = line.strip_prefix(key);
                rest.is_some_and(|rest| rest.starts_with(':'))
            });
        }
        // A comment at the margin ends a value; what is indented belongs to it.
        is_ours &= !line.starts_with('#');
        if !is_ours {
            kept.push_str(line);
        }
    }
    let says_the_same = match serde_yaml_ng::from_str(&kept) {
        Ok(Value::Mapping(found)) => found == *settings,
        Ok(Value::Null) => settings.is_empty(),
        Ok(_) | Err(_) => false,
    };
    match serde_yaml_ng::to_string(settings) {
        Ok(written) if !says_the_same => written,
        Ok(_) | Err(_) => kept,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Config;

    const CONFIG: &str = "# by hand\nserver: https://a\nrepo_url: rest:https://backup.example.org/web-1\nrepo_password: \"canary\"\n# the end\nname: web-1\n";

    #[test]
    fn the_two_keys_move_and_all_else_stays() {
        let (_directory, places) = places(CONFIG);
        fs::set_permissions(places.config(), fs::Permissions::from_mode(0o640)).unwrap();

        assert!(migrate(&places).unwrap());
        assert!(!migrate(&places).unwrap());

        let left = fs::read_to_string(places.config()).unwrap();
        assert_eq!(left, "# by hand\nserver: https://a\n# the end\nname: web-1\n");
        assert_eq!(Config::read(places.config()).unwrap().name.as_deref(), Some("web-1"));
        assert_eq!(
            fs::metadata(places.config()).unwrap().permissions().mode() & 0o777,
            0o640
        );
        let (url, password) = Secrets::new(&places).older().unwrap().unwrap();
        assert_eq!(url, "rest:https://backup.example.org/web-1");
        assert_eq!(password.expose(), "canary");
        let sealed = fs::read(places.secrets()).unwrap();
        assert!(!sealed.windows(6).any(|bytes| bytes == b"canary"));
    }

    #[test]
    fn a_crash_between_the_two_steps_is_repeated_to_the_same_end() {
        let (_directory, places) = places(CONFIG);
        migrate(&places).unwrap();
        // As if the rename had not happened.
        fs::write(places.config(), CONFIG).unwrap();

        assert!(migrate(&places).unwrap());

        let (_, password) = Secrets::new(&places).older().unwrap().unwrap();
        assert_eq!(password.expose(), "canary");
        assert!(!fs::read_to_string(places.config()).unwrap().contains("canary"));
    }

    #[test]
    fn however_the_values_are_written_nothing_of_them_stays() {
        for config in [
            "repo_password: |-\n  ca\n\n  nary\nname: web-1\n",
            "name: web-1\n\"repo_password\": \"ca\n\n  nary\"\n",
            "{name: web-1, repo_password: \"ca\\nnary\"}\n",
            "name: web-1\nrepo_password: >-\n  ca\n\n\n  nary",
        ] {
            let (_directory, places) = places(config);

            migrate(&places).unwrap();

            let left = fs::read_to_string(places.config()).unwrap();
            assert!(!left.contains("nary"), "{config} left {left}");
            assert_eq!(
                Config::read(places.config()).unwrap().name.as_deref(),
                Some("web-1"),
                "{config}"
            );
            let (_, password) = Secrets::new(&places).older().unwrap().unwrap();
            assert!(password.expose().starts_with("ca\n"), "{config}");
        }
    }

    #[test]
    fn what_cannot_be_sealed_stays_where_it_is() {
        let (_directory, places) = places(CONFIG);
        durable::create_directory(places.state_dir()).unwrap();
        durable::write(&places.secrets(), b"damaged").unwrap();

        let refused = migrate(&places).unwrap_err();

        assert!(matches!(refused, Error::Secrets(_)), "{refused:?}");
        assert_eq!(fs::read_to_string(places.config()).unwrap(), CONFIG);
        assert_eq!(fs::read(places.secrets()).unwrap(), b"damaged");
    }

    #[test]
    fn a_number_is_not_taken_for_a_password() {
        let (_directory, places) = places("repo_password: 1230\n");

        let refused = migrate(&places).unwrap_err();

        assert!(matches!(refused, Error::NotText { key: PASSWORD, .. }), "{refused:?}");
        assert!(!refused.to_string().contains("1230"), "{refused}");
    }

    #[test]
    fn an_absent_an_empty_and_a_foreign_file_are_left_alone() {
        for config in ["", "# nothing\n", "server: https://a\n", "- a list\n", "{"] {
            let (_directory, places) = places(config);

            assert!(!migrate(&places).unwrap(), "{config}");

            assert_eq!(fs::read_to_string(places.config()).unwrap(), config);
            assert!(!places.secrets().exists());
        }
    }

    fn places(config: &str) -> (tempfile::TempDir, Places) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("agent.yaml");
        fs::write(&file, config).unwrap();
        let places = Places::new(Some(file), Some(directory.path().join("state")));
        (directory, places)
    }
}
