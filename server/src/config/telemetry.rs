//! What is logged, and how.

use tracing_subscriber::EnvFilter;

use super::keys;
use super::reader::Reader;

/// Settings of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// Filter directives that are known to be valid.
    pub filter: String,
    /// How lines are written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let format = reader.required(&keys::LOG_FORMAT, |text| match text {
            "auto" => Some(LogFormat::Auto),
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        Self {
            filter: reader.required(&keys::LOG, filter),
            format,
        }
    }
}

fn filter(text: &str) -> Option<String> {
    // A lone word would be taken as the name of a module whose every line is logged: `inof` would log nothing else.
    let lone_words_are_levels = text.split(',').map(str::trim).all(|part| {
        part.contains('=')
            || ["off", "error", "warn", "info", "debug", "trace"]
                .iter()
                .any(|level| part.eq_ignore_ascii_case(level))
    });
    (lone_words_are_levels && EnvFilter::try_new(text).is_ok()).then(|| text.to_owned())
}
