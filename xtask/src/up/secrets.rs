//! The secrets that a run knows, and the search for them in what it leaves behind.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// What must not lie anywhere in clear.
#[derive(Default)]
pub(crate) struct Secrets(Vec<Secret>);

struct Secret {
    what: &'static str,
    value: String,
}

impl Secrets {
    /// Remembers a secret, to look for it later.
    pub(crate) fn add(&mut self, what: &'static str, value: &str) {
        self.0.push(Secret {
            what,
            value: value.to_owned(),
        });
    }

    /// Looks for all of them in every file below a folder. Fails naming what was found where.
    pub(crate) fn check_absent(&self, folder: &Path) -> Result<()> {
        let mut files = Vec::new();
        list(folder, &mut files)?;
        for file in &files {
            // The database's helpers come and go while the server runs.
            let Ok(bytes) = fs::read(file) else { continue };
            let found = self.0.iter().find(|secret| holds(&bytes, secret.value.as_bytes()));
            if let Some(Secret { what, .. }) = found {
                ensure!(false, "{what} lies in clear in {}; please report this", file.display());
            }
        }
        println!(
            "looked for {} secrets in {} files and found none",
            self.0.len(),
            files.len()
        );
        Ok(())
    }
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            list(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len().max(1)).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("inner/log"), "password: s3cret\n").unwrap();
        let mut secrets = Secrets::default();
        secrets.add("the token", "t0ken");
        secrets.check_absent(folder.path()).unwrap();

        secrets.add("the password", "s3cret");
        let error = secrets.check_absent(folder.path()).unwrap_err().to_string();

        assert!(error.starts_with("the password lies in clear in "), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
