//! Stored pieces of a log, unpacked.

use std::collections::VecDeque;
use std::io::Read as _;

use domain::job::{LogGap, LogLine};
use domain::session::LogChunk;
use proto::convert::{UnreadableLog, log_lines};

use crate::app::{Error, LogPart};

/// Largest window that a piece may be packed with, as a power of two: 8 MiB. The largest that agents use is smaller.
const WINDOW_LOG: u32 = 23;

/// Why a stored piece cannot be shown.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    /// It is not zstd, or larger than it may be.
    #[error("the log is not packed with zstd, or has more than 1 MiB")]
    Packed,
    /// What is inside are not its lines.
    #[error("the log does not hold its lines")]
    Lines(#[source] UnreadableLog),
}

/// Unpacks zstd; `None` when it is none, or more than `limit` bytes come out. Memory stays bounded whatever comes in.
pub(super) fn decompress(packed: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).ok()?;
    decoder.window_log_max(WINDOW_LOG).ok()?;
    let mut unpacked = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(one_more).read_to_end(&mut unpacked).ok()?;
    (unpacked.len() <= limit).then_some(unpacked)
}

/// Reads the lines of a stored piece.
pub fn lines_of(chunk: &LogChunk) -> Result<Vec<LogLine>, Error> {
    let unpacked = decompress(&chunk.lines_zstd, LogChunk::MAX_UNPACKED).ok_or(Unreadable::Packed);
    let lines =
        unpacked.and_then(|bytes| log_lines(chunk.first_line, chunk.line_count, &bytes).map_err(Unreadable::Lines));
    lines.map_err(|error| Error::failed("reading a log", error))
}

/// A page of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogPage {
    /// The lines that are wanted.
    pub lines: Vec<LogLine>,
    /// What is missing before, between and behind them.
    pub gaps: Vec<LogGap>,
    /// Where the next page begins: 0 when the log does not go on as yet.
    pub next_seq: u64,
}

/// Reads the lines that are wanted.
pub(super) fn page(part: LogPart) -> Result<LogPage, Error> {
    let LogPart {
        chunks,
        from,
        limit,
        bytes,
        extent,
    } = part;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut lines, mut gaps, mut size) = (Vec::new(), Vec::new(), 0_u64);
    let mut next = from.max(1);
    'chunks: for chunk in &chunks {
        for line in lines_of(chunk)?.into_iter().skip_while(|line| line.seq < from) {
            size += line.text.as_str().len() as u64;
            if lines.len() >= limit || (size > bytes && !lines.is_empty()) {
                break 'chunks;
            }
            gaps.extend(LogGap::before(line.seq, next));
            next = line.seq.saturating_add(1);
            lines.push(line);
        }
    }
    let goes_on = !lines.is_empty() && next <= extent.lines;
    if !goes_on {
        gaps.extend(extent.gap_at_end(next));
    }
    Ok(LogPage {
        lines,
        gaps,
        next_seq: if goes_on { next } else { 0 },
    })
}

/// Reads the last lines that are wanted, at most so many bytes of text.
pub(super) fn tail(part: LogPart) -> Result<Vec<LogLine>, Error> {
    let LogPart {
        chunks,
        from,
        limit,
        bytes,
        extent: _,
    } = part;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut lines, mut size) = (VecDeque::new(), 0_u64);
    'chunks: for chunk in chunks.iter().rev() {
        for line in lines_of(chunk)?.into_iter().rev().take_while(|line| line.seq >= from) {
            size += line.text.as_str().len() as u64;
            if lines.len() >= limit || size > bytes {
                break 'chunks;
            }
            lines.push_front(line);
        }
    }
    Ok(lines.into())
}

#[cfg(test)]
mod tests {
    use domain::id::JobId;
    use domain::job::LogExtent;
    use proptest::prelude::*;
    use prost::Message as _;
    use proto::agent::v1::LogRecord;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_page_begins_and_ends_where_it_was_asked_to() {
        for (from, limit, expected, next) in [
            (1, 3, vec![1, 2, 3], 4),
            (2, 100, vec![2, 3, 4, 7, 8], 0),
            (4, 2, vec![4, 7], 8),
            (5, 100, vec![7, 8], 0),
            (9, 100, vec![], 0),
        ] {
            let part = LogPart {
                chunks: vec![chunk(1, &["a"; 4]), chunk(7, &["b"; 2])],
                from,
                limit,
                bytes: 100,
                extent: extent(8, 8),
            };

            let page = page(part).unwrap();

            assert_eq!(
                (numbers(&page.lines), page.next_seq),
                (expected, next),
                "{from} {limit}"
            );
        }
    }

    #[test]
    fn a_page_ends_at_its_bytes_but_never_without_a_line() {
        let part = |bytes| LogPart {
            chunks: vec![chunk(1, &["12345"; 4])],
            from: 1,
            limit: 100,
            bytes,
            extent: extent(4, 4),
        };

        for (bytes, expected, next) in [(10, vec![1, 2], 3), (1, vec![1], 2)] {
            let page = page(part(bytes)).unwrap();

            assert_eq!((numbers(&page.lines), page.next_seq), (expected, next), "{bytes}");
        }
    }

    #[test]
    fn a_page_names_what_is_missing() {
        for (from, limit, expected) in [
            (1, 100, vec![(5, 2), (9, 3)]),
            (1, 5, vec![(5, 2)]),
            (1, 4, vec![]),
            (6, 100, vec![(6, 1), (9, 3)]),
            (9, 100, vec![(9, 3)]),
            (12, 100, vec![]),
        ] {
            let part = LogPart {
                chunks: vec![chunk(1, &["a"; 4]), chunk(7, &["b"; 2])],
                from,
                limit,
                bytes: 100,
                extent: extent(8, 11),
            };

            let gaps = page(part).unwrap().gaps;

            let found: Vec<_> = gaps.iter().map(|gap| (gap.from, gap.lines)).collect();
            assert_eq!(found, expected, "{from} {limit}");
        }
    }

    #[test]
    fn the_end_of_a_log_keeps_its_last_lines() {
        let part = |limit, bytes| LogPart {
            chunks: vec![chunk(1, &["12345"; 4]), chunk(9, &["12345"; 2])],
            from: 3,
            limit,
            bytes,
            extent: extent(10, 10),
        };

        assert_eq!(numbers(&tail(part(100, 1000)).unwrap()), [3, 4, 9, 10]);
        assert_eq!(numbers(&tail(part(3, 1000)).unwrap()), [4, 9, 10]);
        assert_eq!(numbers(&tail(part(100, 12)).unwrap()), [9, 10]);
    }

    #[test]
    fn a_bomb_or_nonsense_is_a_failure() {
        let bomb = zstd::encode_all(vec![0_u8; 2 * LogChunk::MAX_UNPACKED].as_slice(), 19).unwrap();
        for bytes in [bomb, b"not zstd".to_vec(), Vec::new()] {
            let broken = LogChunk {
                lines_zstd: bytes,
                ..chunk(1, &["a"])
            };

            assert!(matches!(lines_of(&broken), Err(Error::Failed { .. })));
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out_whole(bytes in proptest::collection::vec(any::<u8>(), 0..5_000)) {
            let packed = zstd::encode_all(bytes.as_slice(), 1).unwrap();

            prop_assert_eq!(decompress(&packed, bytes.len()), Some(bytes.clone()));
            prop_assert_eq!(decompress(&packed, bytes.len().saturating_sub(1)).is_some(), bytes.is_empty());
        }
    }

    fn numbers(lines: &[LogLine]) -> Vec<u64> {
        lines.iter().map(|line| line.seq).collect()
    }

    fn extent(lines: u64, written: u64) -> LogExtent {
        LogExtent {
            lines,
            truncated: false,
            written: Some(written),
            removed_at: None,
        }
    }

    fn chunk(first_line: u64, texts: &[&str]) -> LogChunk {
        let record = |text: &&str| LogRecord {
            ts: None,
            stream: 1,
            payload: (*text).to_owned(),
        };
        let bytes: Vec<u8> = texts
            .iter()
            .flat_map(|text| record(text).encode_length_delimited_to_vec())
            .collect();
        LogChunk {
            job: JobId::from_uuid(Uuid::nil()),
            first_line,
            line_count: u32::try_from(texts.len()).unwrap(),
            text_bytes: texts.iter().map(|text| text.len() as u64).sum(),
            follows_line: None,
            lines_zstd: zstd::encode_all(bytes.as_slice(), 1).unwrap(),
        }
    }
}
