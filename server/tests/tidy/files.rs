//! Reading the tree.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what others made or what a build left.
const NOT_OURS: &[&str] = &["target", "node_modules", "dist", ".git", "third_party", "replay"];

/// One text file of the project.
pub(crate) struct Source {
    /// Relative to the workspace's root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the server lies in the workspace")
        .to_owned()
}

/// All files below `folder` with one of these extensions, sorted by path, without those in folders that are not ours.
pub(crate) fn all_under(folder: &Path, extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    walk(folder, folder, extensions, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn walk(root: &Path, folder: &Path, extensions: &[&str], found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                walk(root, &path, extensions, found);
            }
            continue;
        }
        let wanted = path
            .extension()
            .and_then(|end| end.to_str())
            .is_some_and(|end| extensions.contains(&end));
        // A file may be gone again between listing and reading, when somebody works in the tree.
        if let (true, Ok(text), Ok(relative)) = (wanted, fs::read_to_string(&path), path.strip_prefix(root)) {
            found.push(Source {
                path: relative.to_string_lossy().replace('\\', "/"),
                text,
            });
        }
    }
}
