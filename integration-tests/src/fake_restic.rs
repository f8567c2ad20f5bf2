//! Programs that play a restic that this machine does not have.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A restic that knows its version and nothing else.
pub fn of_version(directory: &Path, version: &str) -> PathBuf {
    let text = format!(
        "#!/bin/sh\n\
         case \"$*\" in\n\
         *version*) echo 'restic {version} compiled with go1.19 on linux/amd64' ;;\n\
         *) echo 'this restic must not be used' >&2; exit 1 ;;\n\
         esac\n"
    );
    program(directory, &format!("restic-{version}"), &text)
}

fn program(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("the temporary directory can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file can be changed");
    path
}
