//! Searching files for what must not be in them.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};

use crate::sampling::holds;

/// A secret that was planted.
#[derive(Debug, Clone)]
pub struct Canary {
    /// What it is, for a person.
    pub what: &'static str,
    /// The secret.
    pub value: String,
}

impl Canary {
    /// Whether bytes hold the secret as it is or in a form that everybody can read.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms().iter().any(|form| holds(bytes, form.as_bytes()))
    }

    /// The secret itself, percent-encoded, in hex, and in base64 for each place it can have in a longer text.
    fn forms(&self) -> Vec<String> {
        let value = self.value.as_bytes();
        let hex = HEXLOWER.encode(value);
        let percent = hex.as_bytes().chunks(2).map(|digits| [b"%", digits].concat());
        let percent = String::from_utf8_lossy(&percent.collect::<Vec<_>>().concat()).into_owned();
        let mut forms = vec![self.value.clone(), percent, hex];
        for skipped in 0..3 {
            // Whole groups of three bytes look the same whatever stands around them.
            let inner = &value[skipped..];
            let inner = &inner[..inner.len() / 3 * 3];
            forms.extend([BASE64_NOPAD.encode(inner), BASE64URL_NOPAD.encode(inner)]);
        }
        forms.push(BASE64.encode(value));
        forms
    }
}

/// All files below some folders, by path. What vanishes between listing and reading is passed over.
pub fn files(folders: &[&Path]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in folders {
        walk(folder, &mut found);
    }
    found.sort();
    found
}

fn walk(path: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    let Ok(kind) = fs::symlink_metadata(path).map(|metadata| metadata.file_type()) else {
        return;
    };
    if kind.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        for entry in entries {
            walk(&entry.path(), found);
        }
    } else if kind.is_file()
        && let Ok(bytes) = fs::read(path)
    {
        found.push((path.to_owned(), bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form_that_anybody_can_read() {
        let canary = Canary {
            what: "a secret",
            value: "canary-8c1f52".to_owned(),
        };

        for hidden in [
            "password: canary-8c1f52\n".to_owned(),
            BASE64.encode(b"user:canary-8c1f52"),
            BASE64URL_NOPAD.encode(b"xcanary-8c1f52yy"),
            HEXLOWER.encode(b"canary-8c1f52"),
            "%63%61%6e%61%72%79%2d%38%63%31%66%35%32".to_owned(),
        ] {
            assert!(canary.is_in(hidden.as_bytes()), "{hidden}");
        }
        assert!(!canary.is_in(b"canary-8c1f51"));
    }

    #[test]
    fn files_are_found_in_folders_of_folders() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("inner/file"), "text").unwrap();

        let files = files(&[folder.path()]);

        assert_eq!(files, [(folder.path().join("inner/file"), b"text".to_vec())]);
    }
}
