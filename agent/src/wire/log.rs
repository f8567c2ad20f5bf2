//! Log lines as the contract packs them: records behind their lengths, compressed.

use domain::Timestamp;
use domain::session::LogChunk;
use prost::Message as _;
use proto::agent::v1;
use proto::convert::to_timestamp;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// The most bytes of text in one line.
pub const MAX_LINE_BYTES: usize = LogChunk::MAX_LINE;
/// The most that a piece has before compression. Half of what the server takes: a piece is made in one go.
const MAX_RAW_BYTES: usize = LogChunk::MAX_UNPACKED / 2;
/// The server takes a ratio of 100. A log of one line over and over compresses further.
const MAX_RATIO: usize = LogChunk::MAX_RATIO - 10;

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was read.
    pub at: Timestamp,
    /// Where it came from.
    pub stream: LogStream,
    /// The text; cut at [`MAX_LINE_BYTES`].
    pub text: String,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// restic's results.
    Stdout,
    /// restic's errors and notices.
    Stderr,
    /// The agent's own words.
    Agent,
}

/// A piece of log, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Number of its first line, from 1.
    pub first_line: u64,
    /// How many lines.
    pub line_count: u32,
    /// The lines.
    pub zstd: Vec<u8>,
}

/// Writes a line as a record behind its length, as it is kept in the spool and sent.
pub fn record_bytes(line: &LogLine) -> Vec<u8> {
    let LogLine { at, stream, text } = line;
    let stream = match stream {
        LogStream::Stdout => v1::LogStream::Stdout,
        LogStream::Stderr => v1::LogStream::Stderr,
        LogStream::Agent => v1::LogStream::Agent,
    };
    let record = v1::LogRecord {
        ts: Some(to_timestamp(*at)),
        stream: stream.into(),
        payload: shortened(text).to_owned(),
    };
    record.encode_length_delimited_to_vec()
}

/// Where the line of a record came from; `None` when it is none of ours.
pub fn stream_of(record: &[u8]) -> Option<LogStream> {
    let record = v1::LogRecord::decode_length_delimited(record).ok()?;
    match record.stream() {
        v1::LogStream::Stdout => Some(LogStream::Stdout),
        v1::LogStream::Stderr => Some(LogStream::Stderr),
        v1::LogStream::Agent => Some(LogStream::Agent),
        v1::LogStream::Unspecified => None,
    }
}

/// Packs as many of the records as fit, from the first on. `None` when not even that one fits into `max_bytes`.
pub fn pack(first_line: u64, records: &[Vec<u8>], max_bytes: usize) -> Option<Packed> {
    let mut count = fitting(records, MAX_RAW_BYTES);
    while count > 0 {
        let raw = records[..count].concat();
        let zstd = compressed(&raw, max_bytes);
        if zstd.len() <= max_bytes {
            return Some(Packed {
                first_line,
                line_count: u32::try_from(count).unwrap_or(u32::MAX),
                zstd,
            });
        }
        count /= 2;
    }
    None
}

fn compressed(raw: &[u8], max_bytes: usize) -> Vec<u8> {
    let zstd = compress_to_vec(raw, CompressionLevel::Fastest);
    let is_suspicious = raw.len() / zstd.len().max(1) >= MAX_RATIO;
    if is_suspicious && raw.len() < max_bytes {
        return compress_to_vec(raw, CompressionLevel::Uncompressed);
    }
    if is_suspicious {
        // Too long to be sent as it is: as if it did not fit, so that fewer lines are tried.
        return vec![0; max_bytes + 1];
    }
    zstd
}

/// How many of the records have at most `max_bytes` together; at least one.
fn fitting(records: &[Vec<u8>], max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fit = records.iter().take_while(|record| {
        bytes += record.len();
        bytes <= max_bytes
    });
    fit.count().max(1).min(records.len())
}

fn shortened(text: &str) -> &str {
    let end = (0..=MAX_LINE_BYTES.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_packed_unpacks_to_the_same_lines() {
        let records: Vec<Vec<u8>> = (0..500).map(|number| record(&format!("line {number}"))).collect();

        let packed = pack(11, &records, 100_000).unwrap();

        assert_eq!((packed.first_line, packed.line_count), (11, 500));
        let raw = unpacked(&packed.zstd);
        let mut rest = raw.as_slice();
        let mut lines = Vec::new();
        while !rest.is_empty() {
            lines.push(v1::LogRecord::decode_length_delimited(&mut rest).unwrap().payload);
        }
        assert_eq!((lines.len(), lines[499].as_str()), (500, "line 499"));
    }

    #[test]
    fn fewer_lines_go_where_not_all_fit() {
        let records: Vec<Vec<u8>> = (0..64).map(|number| record(&noise(number, 1000))).collect();

        let packed = pack(1, &records, 20_000).unwrap();

        assert!(packed.zstd.len() <= 20_000);
        assert!((1..64).contains(&packed.line_count), "{}", packed.line_count);
        assert_eq!(pack(1, &records, 500), None);
    }

    #[test]
    fn a_line_over_and_over_stays_below_the_ratio_that_is_refused() {
        let records = vec![record(&"a".repeat(MAX_LINE_BYTES)); 20];

        let packed = pack(1, &records, 250_000).unwrap();

        let raw = unpacked(&packed.zstd);
        assert!(raw.len() / packed.zstd.len() < LogChunk::MAX_RATIO);
        assert!(packed.zstd.len() <= 250_000);
    }

    #[test]
    fn a_piece_stays_below_what_the_server_unpacks() {
        let records = vec![record(&noise(1, MAX_LINE_BYTES)); 100];

        let packed = pack(1, &records, 10_000_000).unwrap();

        assert!(unpacked(&packed.zstd).len() <= LogChunk::MAX_UNPACKED);
        assert!(packed.line_count < 100);
    }

    #[test]
    fn a_long_line_is_cut_at_a_character() {
        let line = record(&"ä".repeat(MAX_LINE_BYTES));

        let payload = v1::LogRecord::decode_length_delimited(line.as_slice()).unwrap().payload;

        assert_eq!(payload.len(), MAX_LINE_BYTES);
    }

    fn record(text: &str) -> Vec<u8> {
        record_bytes(&LogLine {
            at: Timestamp::UNIX_EPOCH,
            stream: LogStream::Stdout,
            text: text.to_owned(),
        })
    }

    /// Text that hardly compresses.
    fn noise(seed: u64, length: usize) -> String {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b' ' + u8::try_from(state % 95).unwrap())
        };
        (0..length).map(|_| next()).collect()
    }

    fn unpacked(zstd: &[u8]) -> Vec<u8> {
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(zstd).unwrap();
        let mut raw = Vec::new();
        decoder.read_to_end(&mut raw).unwrap();
        raw
    }
}
