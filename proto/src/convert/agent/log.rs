//! Looking into a piece of a job's log before it is kept.

use domain::session::LogChunk;
use prost::Message as _;
use prost::bytes::Buf as _;

use crate::agent::v1;

/// What a piece of log holds, as counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackedLog {
    /// Lines.
    pub lines: u64,
    /// Bytes of text in them.
    pub text_bytes: u64,
}

/// Why a piece of log is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLog {
    /// It is not zstd, or is larger than allowed when unpacked.
    #[error("not zstd, or more than 1 MiB or 100 times its size when unpacked")]
    Packed,
    /// What is inside are not records.
    #[error("not a sequence of log records")]
    Records,
    /// A line is longer than allowed.
    #[error("a line has more than 16 KiB")]
    Line,
}

/// What a line costs beside its text, wherever it is kept or shown. Without it a log of empty lines would have no limit.
const LINE_OVERHEAD: u64 = 16;

/// Counts lines and text of a piece of log. `decompress` gets the packed bytes and the most that may come out of them.
pub fn unpack_log(
    packed: &[u8],
    decompress: impl FnOnce(&[u8], usize) -> Option<Vec<u8>>,
) -> Result<UnpackedLog, InvalidLog> {
    let most = packed
        .len()
        .saturating_mul(LogChunk::MAX_RATIO)
        .min(LogChunk::MAX_UNPACKED);
    let records = decompress(packed, most).ok_or(InvalidLog::Packed)?;
    let mut rest = records.as_slice();
    let mut counted = UnpackedLog {
        lines: 0,
        text_bytes: 0,
    };
    while rest.has_remaining() {
        let v1::LogRecord {
            ts: _,
            stream: _,
            payload,
        } = v1::LogRecord::decode_length_delimited(&mut rest).map_err(|_| InvalidLog::Records)?;
        if payload.len() > LogChunk::MAX_LINE {
            return Err(InvalidLog::Line);
        }
        counted.lines += 1;
        counted.text_bytes += LINE_OVERHEAD + payload.len() as u64;
    }
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_text_are_counted() {
        let packed = records(&["one", "", "three"]);

        assert_eq!(
            unpack_log(&packed, as_it_is),
            Ok(UnpackedLog {
                lines: 3,
                text_bytes: 3 * LINE_OVERHEAD + 8
            })
        );
    }

    #[test]
    fn what_is_no_record_or_too_long_is_refused() {
        let long = "x".repeat(LogChunk::MAX_LINE + 1);

        assert_eq!(unpack_log(b"\xff\xff", as_it_is), Err(InvalidLog::Records));
        assert_eq!(unpack_log(&[5, 1], as_it_is), Err(InvalidLog::Records));
        assert_eq!(unpack_log(&records(&[&long]), as_it_is), Err(InvalidLog::Line));
        assert_eq!(unpack_log(b"x", |_, _| None), Err(InvalidLog::Packed));
    }

    #[test]
    fn the_most_that_may_come_out_depends_on_what_goes_in() {
        for (packed, most) in [(0, 0), (10, 1_000), (20_000, LogChunk::MAX_UNPACKED)] {
            let mut asked = None;
            let _ = unpack_log(&vec![0; packed], |_, limit| {
                asked = Some(limit);
                None
            });

            assert_eq!(asked, Some(most), "{packed}");
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "stands in for a decompressor")]
    fn as_it_is(packed: &[u8], _: usize) -> Option<Vec<u8>> {
        Some(packed.to_vec())
    }

    fn records(lines: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for payload in lines {
            let record = v1::LogRecord {
                payload: (*payload).to_owned(),
                ..v1::LogRecord::default()
            };
            record.encode_length_delimited(&mut bytes).unwrap();
        }
        bytes
    }
}
