//! What a person runs on a host to install the agent and enroll it: shell words, never text glued together.
//!
//! The served scripts themselves are static files; these few lines give them their two values. Whatever goes in is quoted
//! for the shell that will read it, whether it needs that or not being decided by an allow-list of characters.

use std::fmt;

use domain::Secret;
use domain::name::Hostname;

/// The two values that the installer needs.
#[derive(Debug)]
pub(super) struct Installation<'a> {
    /// The host to be.
    pub(super) hostname: &'a Hostname,
    /// Address of the web port.
    pub(super) server: &'a str,
    /// The enrollment token.
    pub(super) token: &'a Secret<String>,
}

impl Installation<'_> {
    /// One line for a Linux host, for a person who may use sudo.
    pub(super) fn linux_command(&self) -> Secret<String> {
        let script = format!("{}/install/install.sh", self.server);
        Secret::new(format!(
            "curl -fsSL {} | sudo RM_SERVER={} RM_TOKEN={} bash",
            Posix(&script),
            Posix(self.server),
            Posix(self.token.expose()),
        ))
    }

    /// One line for an elevated PowerShell.
    pub(super) fn windows_command(&self) -> Secret<String> {
        let script = format!("{}/install/install.ps1", self.server);
        Secret::new(format!(
            "$env:RM_SERVER = {}; $env:RM_TOKEN = {}; Invoke-RestMethod {} | Invoke-Expression",
            PowerShell(self.server),
            PowerShell(self.token.expose()),
            PowerShell(&script),
        ))
    }

    /// The same for Linux as a file, which keeps the token out of the shell's history and of the list of processes.
    pub(super) fn linux_script(&self) -> Secret<String> {
        Secret::new(format!(
            "#!/usr/bin/env bash\n\
             # Installs the restic-manager agent on {hostname} and enrolls it there; run it as root.\n\
             # It holds a token that works once. Delete it afterwards.\n\
             set -euo pipefail\n\
             export RM_SERVER={server}\n\
             export RM_TOKEN={token}\n\
             installer=$(curl -fsSL \"$RM_SERVER/install/install.sh\")\n\
             exec bash -c \"$installer\"\n",
            hostname = self.hostname,
            server = Posix(self.server),
            token = Posix(self.token.expose()),
        ))
    }
}

/// A word of a POSIX shell.
struct Posix<'a>(&'a str);

impl fmt::Display for Posix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
        if !self.0.is_empty() && self.0.bytes().all(is_plain) {
            return f.write_str(self.0);
        }
        write!(f, "'{}'", self.0.replace('\'', r"'\''"))
    }
}

/// A string of PowerShell. It takes several quotation marks of typography for `'`.
struct PowerShell<'a>(&'a str);

impl fmt::Display for PowerShell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for character in self.0.chars() {
            if matches!(character, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
                write!(f, "{character}")?;
            }
            write!(f, "{character}")?;
        }
        f.write_str("'")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn the_commands_are_the_documented_ones() {
        let (hostname, token) = values();
        let installation = Installation {
            hostname: &hostname,
            server: "https://backup.example.org",
            token: &token,
        };

        assert_eq!(
            installation.linux_command().expose(),
            "curl -fsSL https://backup.example.org/install/install.sh | sudo RM_SERVER=https://backup.example.org \
             RM_TOKEN=rme1_0a_bc bash"
        );
        assert_eq!(
            installation.windows_command().expose(),
            "$env:RM_SERVER = 'https://backup.example.org'; $env:RM_TOKEN = 'rme1_0a_bc'; Invoke-RestMethod \
             'https://backup.example.org/install/install.ps1' | Invoke-Expression"
        );
    }

    #[test]
    fn powershell_sees_no_end_of_a_string_inside_it() {
        assert_eq!(PowerShell("a'b\u{2019}c").to_string(), "'a''b\u{2019}\u{2019}c'");
    }

    /// Real shells read what is written, for values that no parser before this one would let through.
    #[test]
    fn a_shell_reads_every_value_as_it_was() {
        for value in [
            "plain",
            "",
            "a b",
            "$(touch /tmp/x)",
            "`id`",
            "a'b\"c",
            "http://[::1]:8080",
            "-x",
            "a\\b;c&d|e>f*?",
        ] {
            let echoed = Command::new("bash")
                .arg("-c")
                .arg(format!("printf %s {}", Posix(value)))
                .output()
                .unwrap();

            assert_eq!(String::from_utf8(echoed.stdout).unwrap(), value);
        }
    }

    #[test]
    fn the_script_gives_the_installer_its_two_values() {
        let (hostname, token) = values();
        let installation = Installation {
            hostname: &hostname,
            server: "http://[::1]:8080",
            token: &token,
        };
        let directory = tempfile::tempdir().unwrap();
        // Stands in for the network: answers with an installer that shows what it got.
        let curl = directory.path().join("curl");
        std::fs::write(
            &curl,
            "#!/bin/sh\necho 'printf \"%s|%s|'\"$2\"'\" \"$RM_SERVER\" \"$RM_TOKEN\"'\n",
        )
        .unwrap();
        std::fs::set_permissions(&curl, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", directory.path().display(), std::env::var("PATH").unwrap());

        let shown = Command::new("bash")
            .arg("-c")
            .arg(installation.linux_script().expose())
            .env("PATH", path)
            .output()
            .unwrap();

        assert_eq!(
            String::from_utf8(shown.stdout).unwrap(),
            "http://[::1]:8080|rme1_0a_bc|http://[::1]:8080/install/install.sh",
            "{}",
            String::from_utf8_lossy(&shown.stderr)
        );
    }

    fn values() -> (Hostname, Secret<String>) {
        ("web-01".parse().unwrap(), Secret::new("rme1_0a_bc".to_owned()))
    }
}
