//! A restic that does as a test says: a shell script with one piece of code for each subcommand.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

pub const SUMMARY: &str = r#"echo '{"message_type":"summary","files_new":1,"total_files_processed":1,"snapshot_id":"abababababababababababababababababababababababababababababababab"}'"#;

/// What it does for each subcommand, as lines of shell. `$LEDGER` is a file beside it.
pub struct FakeRestic {
    pub version: &'static str,
    pub backup: String,
    pub init: String,
    pub config: String,
    pub snapshots: String,
    pub locks: String,
    pub unlock: String,
}

impl Default for FakeRestic {
    fn default() -> Self {
        Self {
            version: "0.18.0",
            backup: SUMMARY.to_owned(),
            init: r#"echo '{"message_type":"initialized","id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}'"#
                .to_owned(),
            config: r#"echo '{"version":2,"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}'"#.to_owned(),
            snapshots: "echo '[]'".to_owned(),
            locks: String::new(),
            unlock: String::new(),
        }
    }
}

impl FakeRestic {
    /// Writes the script and returns its path. Each call adds its subcommand and process id to `ledger` beside it.
    pub fn install(&self, directory: &Path) -> PathBuf {
        let path = directory.join("fake-restic");
        let Self {
            version,
            backup,
            init,
            config,
            snapshots,
            locks,
            unlock,
        } = self;
        let ledger = directory.join("ledger");
        let ledger = ledger.display();
        let script = format!(
            r#"#!/bin/sh
LEDGER='{ledger}'
case " $* " in
*" version "*) echo '{{"message_type":"version","version":"{version}"}}' ;;
*" backup "*) echo "backup $$" >> "$LEDGER"
{backup}
;;
*" init "*) echo "init $$" >> "$LEDGER"
{init}
;;
*" cat config "*) echo "config $$" >> "$LEDGER"
{config}
;;
*" snapshots "*) echo "snapshots $$" >> "$LEDGER"
{snapshots}
;;
*" list locks "*) echo "locks $$" >> "$LEDGER"
{locks}
;;
*" unlock "*) echo "unlock $$" >> "$LEDGER"
{unlock}
;;
esac
"#
        );
        // Written beside and moved: a script that is open for writing cannot be started.
        let temporary = directory.join("fake-restic.new");
        std::fs::write(&temporary, script).unwrap();
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&temporary, &path).unwrap();
        path
    }
}

/// The calls that were made, without process ids.
pub fn calls(directory: &Path) -> Vec<String> {
    let ledger = std::fs::read_to_string(directory.join("ledger")).unwrap_or_default();
    let calls = ledger.lines().filter_map(|line| line.split(' ').next());
    calls.map(str::to_owned).collect()
}
