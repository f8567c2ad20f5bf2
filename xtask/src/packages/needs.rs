//! The list of what each command needs, by Debian's package names.

use std::path::Path;
use std::process::Command;

use crate::{postgres, process};

use super::newer_restic;

/// One thing that has to be on the machine.
pub(crate) struct Need {
    /// The Debian package that brings it.
    pub(crate) package: &'static str,
    /// What it is for, to complete "is needed to …".
    pub(crate) purpose: &'static str,
    /// Whether it is there, whoever installed it.
    pub(crate) present: fn() -> bool,
    /// Whether Debian's or Ubuntu's own package may be too old.
    pub(crate) may_be_too_old: bool,
}

const COMPILER: Need = need(
    "build-essential",
    "compile the C and assembly parts of SQLite and ring",
    has_compiler,
);
const RESTIC: Need = Need {
    may_be_too_old: true,
    ..need("restic", "make backups (0.17 or later)", newer_restic::is_recent)
};
const REST_SERVER: Need = Need {
    may_be_too_old: true,
    ..need(
        "restic-rest-server",
        "test against a real append-only repository",
        || process::on_path("restic-rest-server"),
    )
};
const POSTGRESQL: Need = need("postgresql", "test the store on PostgreSQL", || {
    postgres::binaries().is_some()
});
const OPENSSL: Need = need("openssl", "make certificates and requests for them in tests", || {
    process::on_path("openssl")
});
const CURL: Need = need("curl", "test the onboarding script", || process::on_path("curl"));
const JQ: Need = need("jq", "test the onboarding script", || process::on_path("jq"));
const SHELLCHECK: Need = need("shellcheck", "check the shell scripts", || {
    process::on_path("shellcheck")
});
const NODE: Need = need("nodejs", "run buf", || process::on_path("node"));
const NPM: Need = need("npm", "install buf at its pinned version", || process::on_path("npm"));
const CHROMIUM: Need = need("chromium", "test the console in a browser", || {
    process::on_path("chromium")
});
const PYTHON_VENV: Need = need(
    "python3-venv",
    "test a Python client and call every operation of the API",
    has_python_venv,
);

const FAKETIME: Need = need("faketime", "set the clock of a program under test", || {
    process::on_path("faketime")
});

const STRACE: Need = need("strace", "count how often an idle agent waits for the disk", || {
    process::on_path("strace")
});
const SS: Need = need("iproute2", "count what an idle agent sends and receives", || {
    process::on_path("ss")
});

/// For the figures of the performance page.
pub(crate) const FOR_BENCH: &[Need] = &[COMPILER, RESTIC, STRACE, SS, NODE, NPM, CHROMIUM];
/// For building and running on this machine.
pub(crate) const FOR_UP: &[Need] = &[COMPILER, RESTIC];
/// For format, lints and the contract's checks.
pub(crate) const FOR_CHECK: &[Need] = &[COMPILER, NODE, NPM, SHELLCHECK];
/// For buf alone.
pub(crate) const BUF: &[Need] = &[NODE, NPM];
/// For all tests.
pub(crate) const FOR_TEST: &[Need] = &[
    COMPILER,
    RESTIC,
    REST_SERVER,
    POSTGRESQL,
    OPENSSL,
    CURL,
    JQ,
    NODE,
    NPM,
    SHELLCHECK,
    PYTHON_VENV,
    FAKETIME,
    CHROMIUM,
];

const fn need(package: &'static str, purpose: &'static str, present: fn() -> bool) -> Need {
    Need {
        package,
        purpose,
        present,
        may_be_too_old: false,
    }
}

fn has_compiler() -> bool {
    // The C library's headers come in a package of their own, which a compiler alone does not pull in.
    let headers = ["/usr/include/stdio.h", "/Library/Developer/CommandLineTools"];
    process::on_path("cc") && headers.iter().any(|path| Path::new(path).exists())
}

fn has_python_venv() -> bool {
    process::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}
