//! The lines of a job's log: as agents pack them, and as they are shown.

use domain::job::{LogGap, LogLine, LogStream};
use prost::Message as _;

use super::{from_timestamp, to_timestamp};
use crate::{agent, v1};

/// A stored piece of a log that does not hold what it says: damage, or a hand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableLog {
    /// The bytes are not records, each behind its length.
    #[error("the log holds bytes that are not a record")]
    Record,
    /// There are more or fewer lines than are said to be there.
    #[error("the log holds another number of lines than it should")]
    Count,
    /// Its last line would have no number.
    #[error("the lines of the log have numbers beyond what can be counted")]
    Number,
}

/// Reads the unpacked records of a stored chunk: each an encoded `LogRecord` behind its length as a varint. The first line
/// has the number `first_line`, and there must be `line_count`.
///
/// What an agent says within a record is taken as far as it makes sense: a line of a stream that is not known counts as the
/// agent's own, and a time that is none is left out.
pub fn log_lines(first_line: u64, line_count: u32, unpacked: &[u8]) -> Result<Vec<LogLine>, UnreadableLog> {
    let mut rest = unpacked;
    let mut lines = Vec::new();
    let end = first_line
        .checked_add(u64::from(line_count))
        .ok_or(UnreadableLog::Number)?;
    for seq in first_line..end {
        if rest.is_empty() {
            return Err(UnreadableLog::Count);
        }
        let record = agent::v1::LogRecord::decode_length_delimited(&mut rest).map_err(|_| UnreadableLog::Record)?;
        lines.push(log_line(seq, record));
    }
    if rest.is_empty() {
        Ok(lines)
    } else {
        Err(UnreadableLog::Count)
    }
}

fn log_line(seq: u64, record: agent::v1::LogRecord) -> LogLine {
    let agent::v1::LogRecord { ts, stream, payload } = record;
    let stream = match agent::v1::LogStream::try_from(stream) {
        Ok(agent::v1::LogStream::Stdout) => LogStream::Stdout,
        Ok(agent::v1::LogStream::Stderr) => LogStream::Stderr,
        Ok(agent::v1::LogStream::Agent | agent::v1::LogStream::Unspecified) | Err(_) => LogStream::Agent,
    };
    let ts = ts.and_then(|ts| from_timestamp("ts", &ts).ok());
    LogLine {
        seq,
        ts,
        stream,
        text: payload.into(),
    }
}

impl From<LogLine> for v1::LogLine {
    fn from(line: LogLine) -> Self {
        let LogLine { seq, ts, stream, text } = line;
        Self {
            seq,
            ts: ts.map(to_timestamp),
            stream: v1::LogStream::from(stream).into(),
            payload: text.to_string(),
        }
    }
}

impl From<LogGap> for v1::LogGap {
    fn from(gap: LogGap) -> Self {
        let LogGap { from, lines } = gap;
        Self { from_seq: from, lines }
    }
}

impl From<LogStream> for v1::LogStream {
    fn from(stream: LogStream) -> Self {
        match stream {
            LogStream::Stdout => Self::Stdout,
            LogStream::Stderr => Self::Stderr,
            LogStream::Agent => Self::Agent,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_get_their_numbers_and_lose_what_acts_on_a_terminal() {
        let bytes = packed(&[record("a\u{1b}[31m", 1), record("b\u{202e}\t", 3)]);

        let lines = log_lines(7, 2, &bytes).unwrap();

        let shown: Vec<_> = lines
            .iter()
            .map(|line| (line.seq, line.stream, line.text.as_str()))
            .collect();
        assert_eq!(shown, [(7, LogStream::Stdout, "a[31m"), (8, LogStream::Agent, "b ")]);
    }

    #[test]
    fn an_unknown_stream_and_an_impossible_time_do_not_hide_a_line() {
        let mut odd = record("a", 99);
        odd.ts = Some(pbjson_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        });

        let lines = log_lines(1, 1, &packed(&[odd])).unwrap();

        assert_eq!(
            (lines[0].stream, lines[0].ts, lines[0].text.as_str()),
            (LogStream::Agent, None, "a")
        );
    }

    #[test]
    fn what_does_not_hold_what_it_says_is_refused() {
        let two = packed(&[record("a", 1), record("b", 2)]);
        for (first, count, bytes, expected) in [
            (1, 1, two.as_slice(), UnreadableLog::Count),
            (1, 3, &two, UnreadableLog::Count),
            (u64::MAX, 2, &two, UnreadableLog::Number),
            (1, 2, &two[..two.len() - 1], UnreadableLog::Record),
        ] {
            assert_eq!(log_lines(first, count, bytes), Err(expected), "{first} {count}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0..5_u32) {
            let _ = log_lines(1, count, &bytes);
        }
    }

    fn record(text: &str, stream: i32) -> agent::v1::LogRecord {
        agent::v1::LogRecord {
            ts: Some(pbjson_types::Timestamp {
                seconds: 1_777_593_600,
                nanos: 0,
            }),
            stream,
            payload: text.to_owned(),
        }
    }

    fn packed(records: &[agent::v1::LogRecord]) -> Vec<u8> {
        records
            .iter()
            .flat_map(prost::Message::encode_length_delimited_to_vec)
            .collect()
    }
}
