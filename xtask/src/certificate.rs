//! A CA and a certificate of it, for a service that tests connect to.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Writes `ca.pem`, and `server.pem` with `server.key` for the name `localhost` alone, into a folder.
pub(crate) fn make(folder: &Path) -> Result<()> {
    let new_key = |name: &str| {
        let mut request = openssl(
            folder,
            &[
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ],
        );
        request.args(["-subj", &format!("/CN={name}"), "-keyout", &format!("{name}.key")]);
        request
    };
    process::output(new_key("ca").args(["-x509", "-days", "2", "-out", "ca.pem"]))?;
    process::output(new_key("server").args(["-out", "server.csr"]))?;
    let names = folder.join("names");
    fs::write(&names, "subjectAltName = DNS:localhost\n")
        .with_context(|| format!("could not write {}", names.display()))?;
    let mut sign = openssl(
        folder,
        &["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"],
    );
    sign.args([
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ]);
    process::output(&mut sign)?;
    Ok(())
}

fn openssl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments);
    command
}
