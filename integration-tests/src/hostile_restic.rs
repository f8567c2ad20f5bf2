//! A restic that says everything it can say in words that were made to do harm.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::fake_restic;

/// What must reach nobody but as text: markup, addresses that run, template braces, terminal commands, marks that turn text
/// around or cannot be seen, quotes. `hit` is what it would set off.
pub const TEXTS: [&str; 14] = [
    "<script>hit('script')</script>",
    "<img src=x onerror=\"hit('img')\">",
    "<svg onload=hit('svg')><animate onbegin=hit('animate')>",
    "<a href=\"javascript:hit('link')\">x</a>",
    "javascript:hit('address')",
    "<iframe srcdoc=\"<script>parent.hit('frame')</script>\"></iframe>",
    "\"><style>*{display:none}</style>",
    "'\" onmouseover=hit('attribute') x='",
    "{{constructor.constructor(\"hit('braces')\")()}} ${hit('literal')} <%= 7*7 %>",
    "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7} \u{1b}]8;;javascript:hit('osc')\u{1b}\\link\u{1b}]8;;\u{1b}\\ \u{1b}[2J",
    "photo\u{202e}gpj.exe \u{2066}isolated\u{2069} \u{061c}mark",
    "zero\u{200b}width\u{feff} soft\u{ad}hyphen tag\u{e0041}",
    "=HYPERLINK(\"javascript:hit('cell')\")",
    "bell\u{7} back\u{8}space \u{9b}31mC1 null\u{0}byte del\u{7f}",
];

/// Writes the program into a directory. Its repository is a directory with the file `config`. A backup of a directory with
/// the file `waits` goes on, and numbers what it says, until that file is gone; one with the file `fails` fails.
#[track_caller]
pub fn install(directory: &Path) -> PathBuf {
    let word = "W".repeat(16 * 1024);
    let all = TEXTS.join(" ");
    let mut notes = String::new();
    let mut errors = String::new();
    for text in TEXTS.iter().copied().chain([word.as_str()]) {
        // Writing to a String cannot fail.
        let _ = writeln!(notes, "{text}");
        let item = format!("/srv/{text}");
        let error =
            json!({ "message_type": "error", "error": { "message": text }, "during": "archival", "item": item });
        let _ = writeln!(errors, "{error}");
    }
    let files: Vec<String> = TEXTS.iter().map(|text| format!("/srv/{text}")).collect();
    let status = json!({
        "message_type": "status", "percent_done": 0.5, "total_files": 9, "files_done": 4, "current_files": files,
    });
    let lock = json!({
        "time": "2026-01-01T00:00:00Z", "exclusive": true, "hostname": TEXTS[1], "username": TEXTS[8], "pid": 7,
    });
    let snapshot = json!({
        "time": "2026-01-01T00:00:00Z", "tree": "0".repeat(64), "paths": files, "hostname": TEXTS[0], "username": TEXTS[1],
        "tags": TEXTS, "id": "1".repeat(64), "short_id": "11111111", "program_version": TEXTS[2],
    });
    let exit = json!({ "message_type": "exit_error", "code": 1, "message": format!("Fatal: {all}") });
    for (name, text) in [
        ("notes", notes),
        ("errors", errors),
        ("status", format!("{status}\n")),
        ("lock", format!("{lock}\n")),
        ("snapshots", format!("[{snapshot}]\n")),
        ("exit", format!("{exit}\n")),
    ] {
        fs::write(directory.join(format!("hostile-{name}")), text).expect("the temporary directory can be written");
    }
    let script = SCRIPT.replace("HERE", &directory.display().to_string());
    fake_restic::program(directory, "hostile-restic", &script)
}

const SCRIPT: &str = r#"#!/bin/sh
set -eu
id=2222222222222222222222222222222222222222222222222222222222222222
case " $* " in
*" version "*)
    echo '{"message_type":"version","version":"0.18.0"}'
    ;;
*" init "*)
    mkdir -p "$RESTIC_REPOSITORY"
    echo "{\"version\":2,\"id\":\"$id\"}" > "$RESTIC_REPOSITORY/config"
    echo "{\"message_type\":\"initialized\",\"id\":\"$id\"}"
    ;;
*" cat config "*)
    if [ ! -e "$RESTIC_REPOSITORY/config" ]; then cat HERE/hostile-notes >&2; exit 10; fi
    cat "$RESTIC_REPOSITORY/config"
    ;;
*" snapshots "*)
    cat HERE/hostile-snapshots
    ;;
*" list locks "*)
    echo "$id"
    ;;
*" cat lock "*)
    cat HERE/hostile-lock
    ;;
*" stats "*)
    cat HERE/hostile-notes >&2
    echo '{"total_size":4096,"total_uncompressed_size":8192,"compression_ratio":2,"snapshots_count":1}'
    ;;
*" backup "*)
    cat HERE/hostile-status
    cat HERE/hostile-notes HERE/hostile-errors >&2
    for source; do :; done
    number=0
    while [ -e "$source/waits" ]; do
        number=$((number + 1))
        echo "note $number." >&2 || :
        sleep 0.2
    done
    if [ -e "$source/fails" ]; then cat HERE/hostile-exit >&2; exit 1; fi
    echo "{\"message_type\":\"summary\",\"files_new\":1,\"total_files_processed\":1,\"snapshot_id\":\"$(echo $id | tr 2 1)\"}"
    exit 3
    ;;
*)
    cat HERE/hostile-notes >&2
    exit 1
    ;;
esac
"#;
