//! [`Event`]: the JSON lines that restic prints, by their `message_type`.

use domain::job::{BackupSummary, Progress};
use domain::{ByteSize, ResticRepositoryId};
use serde_json::Value;

use crate::fields::Fields;
use crate::{Redactor, Version};

/// One JSON line of restic. Every field may be missing in some version; then it is zero, empty or `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The numbers so far, twice a second.
    Status(Progress),
    /// One item that was looked at. Only with `-v=2`, which this crate does not ask for.
    VerboseStatus {
        /// What became of it, such as `new` or `unchanged`.
        action: String,
        /// Its path.
        item: String,
    },
    /// The final numbers.
    Summary(Summary),
    /// An item that could not be read. On stderr.
    Error(ItemError),
    /// Why restic ends (0.18). The last line on stderr.
    ExitError {
        /// The exit code to come.
        code: Option<i32>,
        /// The reason, of several lines.
        message: String,
    },
    /// A repository was made (0.15; 0.14 says it in a sentence).
    Initialized {
        /// What it is from now on.
        repository: Option<ResticRepositoryId>,
    },
    /// Which restic it is (0.18; 0.17 leaves out the type).
    Version(Option<Version>),
    /// A type that this crate does not know.
    Unknown {
        /// The type.
        message_type: String,
    },
}

/// restic's `summary` line of a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The numbers. `snapshot` is set when restic gave a full id (0.16) and the snapshot exists.
    pub backup: BackupSummary,
    /// The id as printed: eight digits in 0.14. `None` when no snapshot was made.
    pub snapshot_id: Option<String>,
}

/// restic's `error` line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemError {
    /// The path; not always what the file is called, since names that are not UTF-8 arrive changed.
    pub item: String,
    /// Why; empty when restic did not say (up to 0.16).
    pub message: String,
}

impl Event {
    /// What it says, for people: several lines where restic's reason has several. `None` when there is nothing that its
    /// numbers, shown elsewhere, do not say; and for a type that is not known.
    pub fn sentence(&self) -> Option<String> {
        match self {
            Self::Status(_) | Self::Version(_) | Self::Unknown { .. } => None,
            Self::VerboseStatus { action, item } => Some(format!("{action} {item}")),
            Self::Summary(summary) => Some(summary.sentence()),
            Self::Error(ItemError { item, message }) if message.is_empty() => {
                Some(format!("{item}: could not be read"))
            }
            Self::Error(ItemError { item, message }) => Some(format!("{item}: {message}")),
            Self::ExitError { message, .. } => Some(message.clone()),
            Self::Initialized { repository } => {
                let id = repository.map(|id| id.short()).unwrap_or_default();
                Some(format!("made the repository {id}"))
            }
        }
    }

    /// Reads a line; `None` when it is no object with a `message_type`.
    pub(crate) fn parse(line: &str, redactor: &Redactor) -> Option<Self> {
        if !line.starts_with('{') {
            return None;
        }
        let Ok(Value::Object(object)) = serde_json::from_str(line) else {
            return None;
        };
        let fields = Fields::new(&object, redactor);
        Some(match fields.raw("message_type")? {
            "status" => Self::Status(progress(fields)),
            "verbose_status" => Self::VerboseStatus {
                action: fields.text("action"),
                item: fields.text("item"),
            },
            "summary" => Self::Summary(summary(fields)),
            "error" => Self::Error(item_error(fields)),
            "exit_error" => Self::ExitError {
                code: fields.integer("code").and_then(|code| code.try_into().ok()),
                message: fields.text("message"),
            },
            "initialized" => Self::Initialized {
                repository: fields.raw("id").and_then(|id| id.parse().ok()),
            },
            "version" => Self::Version(fields.raw("version").and_then(|version| version.parse().ok())),
            other => Self::Unknown {
                message_type: redactor.redact(other).into_owned(),
            },
        })
    }
}

impl Summary {
    fn sentence(&self) -> String {
        let Self { backup, snapshot_id } = self;
        let saved = match snapshot_id {
            Some(id) => format!("snapshot {} saved", id.get(..8).unwrap_or(id)),
            None => "no snapshot saved".to_owned(),
        };
        format!(
            "{saved}: {} files new, {} changed, {} unmodified; {} looked at, {} added; {:.1} s",
            backup.files_new,
            backup.files_changed,
            backup.files_unmodified,
            backup.bytes_processed,
            backup.bytes_added,
            backup.duration.as_secs_f64()
        )
    }
}

fn progress(fields: Fields<'_>) -> Progress {
    Progress {
        elapsed: fields.seconds("seconds_elapsed"),
        remaining: fields
            .maybe_count("seconds_remaining")
            .map(std::time::Duration::from_secs),
        files_done: fields.count("files_done"),
        files_total: fields.count("total_files"),
        bytes_done: ByteSize::from_bytes(fields.count("bytes_done")),
        bytes_total: ByteSize::from_bytes(fields.count("total_bytes")),
        error_count: fields.count("error_count"),
        current_files: fields
            .texts("current_files")
            .into_iter()
            .take(2)
            .map(Into::into)
            .collect(),
        waiting_for_repository: false,
    }
}

fn summary(fields: Fields<'_>) -> Summary {
    // A dry run prints an id, of a snapshot that does not exist.
    let made = !fields.flag("dry_run");
    let snapshot_id = fields.raw("snapshot_id").filter(|id| made && !id.is_empty());
    Summary {
        backup: BackupSummary {
            snapshot: snapshot_id.and_then(|id| id.parse().ok()),
            files_new: fields.count("files_new"),
            files_changed: fields.count("files_changed"),
            files_unmodified: fields.count("files_unmodified"),
            dirs_new: fields.count("dirs_new"),
            dirs_changed: fields.count("dirs_changed"),
            dirs_unmodified: fields.count("dirs_unmodified"),
            files_processed: fields.count("total_files_processed"),
            bytes_processed: ByteSize::from_bytes(fields.count("total_bytes_processed")),
            bytes_added: ByteSize::from_bytes(fields.count("data_added")),
            bytes_packed: fields.maybe_count("data_added_packed").map(ByteSize::from_bytes),
            duration: fields.seconds("total_duration"),
        },
        snapshot_id: snapshot_id.map(str::to_owned),
    }
}

fn item_error(fields: Fields<'_>) -> ItemError {
    let message = match fields.object("error") {
        Some(error) => {
            let message = error.text("message");
            if message.is_empty() { errno_text(error) } else { message }
        }
        None => fields.text("error"),
    };
    ItemError {
        item: fields.text("item"),
        message,
    }
}

/// Up to 0.16 restic prints Go's bare error value: `{"Op":"open","Path":"/a","Err":13}`.
fn errno_text(error: Fields<'_>) -> String {
    let Some(number) = error.integer("Err") else {
        return String::new();
    };
    let reason = match number {
        1 => "operation not permitted".to_owned(),
        2 => "no such file or directory".to_owned(),
        5 => "input/output error".to_owned(),
        13 => "permission denied".to_owned(),
        other => format!("error {other} of the operating system"),
    };
    match error.text("Op").as_str() {
        "" => reason,
        operation => format!("{operation}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn fields_of_the_wrong_type_do_not_cost_the_line() {
        let line = r#"{"message_type":"summary","files_new":"many","dirs_new":-1,"data_added":1.5,
            "total_duration":-9223372036.854776,"files_changed":3,"snapshot_id":"16a50796"}"#;

        let event = parse(line);

        let Some(Event::Summary(summary)) = event else {
            panic!("{event:?}")
        };
        assert_eq!(summary.backup.files_changed, 3);
        assert_eq!((summary.backup.files_new, summary.backup.dirs_new), (0, 0));
        assert_eq!(summary.backup.duration, Duration::ZERO);
        assert_eq!(
            (summary.backup.snapshot, summary.snapshot_id.as_deref()),
            (None, Some("16a50796"))
        );
    }

    #[test]
    fn an_error_reads_the_same_in_every_shape() {
        for (error, message) in [
            (
                r#"{"message":"open /a: permission denied"}"#,
                "open /a: permission denied",
            ),
            (r#"{"Op":"open","Path":"/a","Err":13}"#, "open: permission denied"),
            (
                r#"{"Op":"lstat","Path":"/a","Err":107}"#,
                "lstat: error 107 of the operating system",
            ),
            ("{}", ""),
            (r#""plain text""#, "plain text"),
            ("7", ""),
        ] {
            let event = parse(&format!(r#"{{"message_type":"error","error":{error},"item":"/a"}}"#));

            let expected = ItemError {
                item: "/a".to_owned(),
                message: message.to_owned(),
            };
            assert_eq!(event, Some(Event::Error(expected)), "{error}");
        }
    }

    #[test]
    fn events_are_told_to_people_in_words() {
        for (line, said) in [
            (
                r#"{"message_type":"summary","files_new":3,"total_bytes_processed":11,"data_added":7,"total_duration":1.25,
                    "snapshot_id":"16a507961234"}"#,
                Some("snapshot 16a50796 saved: 3 files new, 0 changed, 0 unmodified; 11 B looked at, 7 B added; 1.2 s"),
            ),
            (r#"{"message_type":"status","percent_done":1}"#, None),
            (
                r#"{"message_type":"error","error":{"message":"permission denied"},"item":"/a"}"#,
                Some("/a: permission denied"),
            ),
            (
                r#"{"message_type":"error","error":{},"item":"/a"}"#,
                Some("/a: could not be read"),
            ),
            (
                r#"{"message_type":"exit_error","code":1,"message":"Fatal: no"}"#,
                Some("Fatal: no"),
            ),
            (r#"{"message_type":"telemetry"}"#, None),
        ] {
            let event = parse(line).unwrap();

            assert_eq!(event.sentence().as_deref(), said, "{line}");
        }
    }

    #[test]
    fn a_dry_run_has_no_snapshot() {
        let event = parse(r#"{"message_type":"summary","files_new":1,"snapshot_id":"092cf660","dry_run":true}"#);

        assert!(
            matches!(&event, Some(Event::Summary(summary)) if summary.snapshot_id.is_none()),
            "{event:?}"
        );
    }

    #[test]
    fn an_unknown_type_is_an_event_and_other_json_is_not() {
        assert_eq!(
            parse(r#"{"message_type":"telemetry","x":1}"#),
            Some(Event::Unknown {
                message_type: "telemetry".to_owned()
            })
        );
        for line in [
            r#"{"version":2}"#,
            "[]",
            "17",
            "{",
            "",
            r#"{"message_type":3}"#,
            "Fatal: no",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn secrets_are_hidden_even_when_json_spells_them_oddly() {
        let redactor = Redactor::new([&domain::Secret::from("storage-key".to_owned())]);
        let line = r#"{"message_type":"exit_error","code":1,"message":"bad \u0073torage-key at http://u:p@h/"}"#;

        let event = Event::parse(line, &redactor);

        assert_eq!(
            event,
            Some(Event::ExitError {
                code: Some(1),
                message: "bad *** at http://***@h/".to_owned()
            })
        );
    }

    fn parse(line: &str) -> Option<Event> {
        Event::parse(line, &Redactor::default())
    }
}
