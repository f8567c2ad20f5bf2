//! Taking a secret out of a file that somebody else is still writing.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Overwrites each occurrence of a secret in a file with stars. The file keeps its length, so that a program that is
/// writing its end is not disturbed.
pub(crate) fn blank(path: &Path, secret: &str) -> Result<()> {
    let text = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .with_context(|| format!("could not open {}", path.display()))?;
    let stars = "*".repeat(secret.len());
    for (at, _) in text
        .windows(secret.len().max(1))
        .enumerate()
        .filter(|(_, window)| *window == secret.as_bytes())
    {
        file.write_all_at(stars.as_bytes(), at as u64)
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_occurrence_is_overwritten_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "token s3cret, again s3cret.\nsecret\n").unwrap();

        blank(file.path(), "s3cret").unwrap();

        assert_eq!(
            fs::read_to_string(file.path()).unwrap(),
            "token ******, again ******.\nsecret\n"
        );
    }
}
