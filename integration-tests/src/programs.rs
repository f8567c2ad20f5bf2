//! Where the programs under test are.

use std::env;
use std::path::PathBuf;

/// The built server.
pub fn server() -> PathBuf {
    built("restic-manager-server")
}

/// The built agent.
pub fn agent() -> PathBuf {
    built("restic-manager-agent")
}

/// The root of the clone.
pub fn clone() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the crate lies in the workspace").to_owned()
}

/// The folder of this build, such as `target/debug` or `target/release`.
pub fn build_folder() -> PathBuf {
    let program = env::current_exe().expect("the system knows where this program is");
    let folder = program.parent().expect("a program lies in a folder");
    // Tests lie in …/<profile>/deps, programs in …/<profile>.
    let folder = match folder.parent() {
        Some(profile) if folder.ends_with("deps") => profile,
        Some(_) | None => folder,
    };
    folder.to_owned()
}

fn built(name: &str) -> PathBuf {
    let program = build_folder().join(name);
    assert!(
        program.is_file(),
        "{} has not been built; run these tests with `cargo xtask test -p restic-manager-integration-tests`",
        program.display()
    );
    program
}
