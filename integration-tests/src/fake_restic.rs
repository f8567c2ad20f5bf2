//! Programs that play a restic that this machine does not have, or one that can be told apart run by run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// How many lines a backup of [`Ledger`]'s restic writes to standard error, each with its number.
pub const NOTES: usize = 40;

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

/// A restic that takes about a second for a backup and keeps a ledger: which sources it began and which it saved. Its
/// repository is a directory with the files `config`, `begun` and `saved` and the directories `locks` and `snapshots`.
///
/// Like restic it takes a lock, gives it back on SIGINT, leaves it when it is killed, removes locks of dead processes on
/// `unlock`, and does not mind when what it prints cannot be written.
#[derive(Debug)]
pub struct Ledger {
    /// The program.
    pub program: PathBuf,
}

impl Ledger {
    /// Writes the program into a directory.
    pub fn install(directory: &Path) -> Self {
        let program = program(directory, "ledger-restic", SCRIPT);
        Self { program }
    }

    /// Writes one that takes about twenty seconds, and says much: more than 300 KiB.
    pub fn install_slow(directory: &Path) -> Self {
        let more = "head -c 8192 /dev/zero | tr '\\0' x >&2 || :; echo >&2 || :; sleep 0.5";
        let program = program(directory, "ledger-restic", &SCRIPT.replace("sleep 0.025", more));
        Self { program }
    }

    /// Puts so many snapshots of others into a repository that was made.
    #[track_caller]
    pub fn add_snapshots(repository: &Path, count: usize) {
        for number in 0..count {
            let id = format!("{number:064x}");
            let snapshot = format!(
                "{{\"time\":\"2026-01-01T00:00:00Z\",\"tree\":\"{id}\",\"paths\":[\"/srv/other/{number}\"],\"hostname\":\"ledger\",\
                 \"id\":\"{id}\",\"short_id\":\"{}\"}}\n",
                &id[..8]
            );
            fs::write(repository.join("snapshots").join(id), snapshot).expect("the repository can be written");
        }
    }

    /// How often a backup of this source was begun.
    #[track_caller]
    pub fn begun(repository: &Path, source: &Path) -> usize {
        count(&repository.join("begun"), source)
    }

    /// How often a backup of this source came to its end.
    #[track_caller]
    pub fn saved(repository: &Path, source: &Path) -> usize {
        count(&repository.join("saved"), source)
    }

    /// The ids of the locks that are there.
    pub fn locks(repository: &Path) -> Vec<PathBuf> {
        let locks = fs::read_dir(repository.join("locks")).expect("a repository has locks");
        locks.map(|lock| lock.expect("it can be listed").path()).collect()
    }
}

/// One JSON object a line, as restic 0.18 writes them; the shell's own tools only, since restic's `PATH` is fixed.
const SCRIPT: &str = r#"#!/bin/sh
set -eu
version=0.18.0
new_id() { head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n'; }
is_made() { [ -e "$RESTIC_REPOSITORY/config" ]; }
must_be_made() { is_made || { echo 'Fatal: repository does not exist' >&2; exit 10; }; }

case " $* " in
*" version "*)
    echo "{\"message_type\":\"version\",\"version\":\"$version\"}"
    ;;
*" init "*)
    if is_made; then echo 'Fatal: create repository failed: config file already exists' >&2; exit 1; fi
    mkdir -p "$RESTIC_REPOSITORY/locks" "$RESTIC_REPOSITORY/snapshots"
    id=$(new_id)
    echo "{\"version\":2,\"id\":\"$id\"}" > "$RESTIC_REPOSITORY/config"
    echo "{\"message_type\":\"initialized\",\"id\":\"$id\"}"
    ;;
*" cat config "*)
    must_be_made
    cat "$RESTIC_REPOSITORY/config"
    ;;
*" snapshots "*)
    must_be_made
    separator=''
    printf '['
    for snapshot in "$RESTIC_REPOSITORY"/snapshots/*; do
        [ -e "$snapshot" ] || continue
        printf '%s' "$separator"
        cat "$snapshot"
        separator=','
    done
    echo ']'
    ;;
*" list locks "*)
    must_be_made
    ls "$RESTIC_REPOSITORY/locks"
    ;;
*" cat lock "*)
    must_be_made
    for id; do :; done
    echo "{\"time\":\"2026-01-01T00:00:00Z\",\"exclusive\":false,\"hostname\":\"$(hostname)\",\"username\":\"root\",\"pid\":$(cat "$RESTIC_REPOSITORY/locks/$id")}"
    ;;
*" unlock "*)
    must_be_made
    removed=0
    for lock in "$RESTIC_REPOSITORY"/locks/*; do
        [ -e "$lock" ] || continue
        if ! kill -0 "$(cat "$lock")" 2> /dev/null; then rm "$lock"; removed=$((removed + 1)); fi
    done
    echo "successfully removed $removed locks"
    ;;
*" backup "*)
    must_be_made
    for source; do :; done
    lock="$RESTIC_REPOSITORY/locks/$(new_id)"
    echo $$ > "$lock"
    trap 'rm -f "$lock"; exit 130' INT TERM
    echo "$source" >> "$RESTIC_REPOSITORY/begun"
    note=0
    while [ "$note" -lt 40 ]; do
        note=$((note + 1))
        echo "note $note of 40" >&2 || :
        echo "{\"message_type\":\"status\",\"percent_done\":0.5,\"total_files\":40,\"files_done\":$note}" || :
        sleep 0.025
    done
    id=$(new_id)
    snapshot="{\"time\":\"$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)\",\"tree\":\"$id\",\"paths\":[\"$source\"],\"hostname\":\"ledger\",\"id\":\"$id\",\"short_id\":\"$(echo "$id" | cut -c1-8)\"}"
    echo "$snapshot" > "$RESTIC_REPOSITORY/snapshots/$id"
    echo "$source" >> "$RESTIC_REPOSITORY/saved"
    rm -f "$lock"
    echo "{\"message_type\":\"summary\",\"files_new\":1,\"total_files_processed\":1,\"snapshot_id\":\"$id\"}" || :
    ;;
*)
    echo "this restic does not know: $*" >&2
    exit 1
    ;;
esac
"#;

#[track_caller]
fn count(ledger: &Path, source: &Path) -> usize {
    let text = fs::read_to_string(ledger).unwrap_or_default();
    let source = source.display().to_string();
    text.lines().filter(|line| *line == source).count()
}

/// Writes a program into a directory.
#[track_caller]
pub(crate) fn program(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("the temporary directory can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file can be changed");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_writes_as_many_notes_as_it_says() {
        assert!(SCRIPT.contains(&format!("\"$note\" -lt {NOTES} ")));
        assert!(SCRIPT.contains(&format!("note $note of {NOTES}\"")));
        assert!(SCRIPT.contains("sleep 0.025"));
    }
}
