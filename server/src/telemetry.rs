//! The log: text for a person at a terminal, JSON lines for everything else, always to standard error.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogFormat, Telemetry};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is none. A loaded configuration holds only valid ones.
    #[error("the log filter is not valid")]
    Filter {
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// Something else in this process has set up a log before.
    #[error("the log is set up already")]
    AlreadySet {
        /// The refusal.
        #[source]
        source: SetGlobalDefaultError,
    },
}

/// Sets up the log of this process. Lines before this call go nowhere.
pub fn init(config: &Telemetry) -> Result<(), Error> {
    let look = Look::of(config.format, io::stderr().is_terminal());
    let subscriber = subscriber(config, look, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|source| Error::AlreadySet { source })
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Json,
    Plain,
    Coloured,
}

impl Look {
    fn of(format: LogFormat, terminal: bool) -> Self {
        match (format, terminal) {
            (LogFormat::Json, _) | (LogFormat::Auto, false) => Self::Json,
            (LogFormat::Text, false) => Self::Plain,
            (LogFormat::Text | LogFormat::Auto, true) => Self::Coloured,
        }
    }
}

fn subscriber<W>(config: &Telemetry, look: Look, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.filter).map_err(|source| Error::Filter { source })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match look {
        // The fields of all enclosing spans, so that each line stands alone: the request id is on the outermost.
        Look::Json => Box::new(builder.json().flatten_event(true).with_current_span(false).finish()),
        Look::Plain => Box::new(builder.with_ansi(false).finish()),
        Look::Coloured => Box::new(builder.with_ansi(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_terminal_gets_text_and_everything_else_json_unless_told_otherwise() {
        for (format, terminal, look) in [
            (LogFormat::Auto, true, Look::Coloured),
            (LogFormat::Auto, false, Look::Json),
            (LogFormat::Text, true, Look::Coloured),
            (LogFormat::Text, false, Look::Plain),
            (LogFormat::Json, true, Look::Json),
            (LogFormat::Json, false, Look::Json),
        ] {
            assert_eq!(Look::of(format, terminal), look, "{format:?} {terminal}");
        }
    }

    #[test]
    fn a_json_line_stands_alone_with_its_fields_and_those_of_its_spans() {
        let written = written("info", Look::Json, || {
            let _request = tracing::info_span!("request", request.id = "r-1").entered();
            tracing::info!(job.id = "j-1", "job finished");
        });

        let line: serde_json::Value = serde_json::from_str(written.trim_end()).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "job finished");
        assert_eq!(line["job.id"], "j-1");
        assert_eq!(line["spans"][0]["request.id"], "r-1");
    }

    #[test]
    fn the_filter_decides_what_is_written() {
        let log = || {
            tracing::info!(target: "server::store", "quiet");
            tracing::warn!(target: "server::store", "loud");
        };

        let written = written("info,server::store=warn", Look::Plain, log);

        assert!(written.contains("loud") && !written.contains("quiet"), "{written}");
        assert!(!written.contains('\u{1b}'), "no colours outside a terminal");
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        let config = Telemetry {
            filter: "server=loud".to_owned(),
            format: LogFormat::Auto,
        };

        assert!(matches!(
            subscriber(&config, Look::Json, io::sink),
            Err(Error::Filter { .. })
        ));
    }

    fn written(filter: &str, look: Look, log: impl FnOnce()) -> String {
        let config = Telemetry {
            filter: filter.to_owned(),
            format: LogFormat::Auto,
        };
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(&config, look, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
