//! A job's log on disk: [`LogWriter`] appends lines while the job runs, [`LogReader`] reads them for sending.
//!
//! The lines are records as they travel, in segments of 4 MiB named by the number of their first line. Of a log that
//! grows beyond 32 MiB the first 24 MiB stay and of the rest the last 4 to 8; line numbers simply skip what went.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use crate::wire::{LogLine, LogStream, record_bytes, stream_of};

const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
const HEAD_SEGMENTS: usize = 6;
const TAIL_SEGMENTS: usize = 2;

/// Appends lines.
#[derive(Debug)]
pub struct LogWriter {
    directory: PathBuf,
    /// The first line of each segment on disk, ascending.
    segments: Vec<u64>,
    current: Option<File>,
    current_bytes: usize,
    next_line: u64,
    /// The last line that can be sent while the job runs: beyond it lines may still go.
    settled: Option<u64>,
}

/// How many lines of a log restic wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FromRestic {
    /// To standard output.
    pub stdout: u64,
    /// To standard error.
    pub stderr: u64,
}

/// Lines as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The number of the first.
    pub first_line: u64,
    /// The records.
    pub records: Vec<Vec<u8>>,
}

/// Reads lines in order, from where it stopped.
#[derive(Debug)]
pub struct LogReader {
    directory: PathBuf,
    position: Option<Position>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    segment: u64,
    /// The line that begins at `offset`.
    line: u64,
    offset: u64,
}

impl LogWriter {
    /// Goes on behind what is there. A line that a crash cut off is dropped.
    pub fn open(directory: PathBuf) -> io::Result<Self> {
        let mut writer = Self {
            segments: segments(&directory)?,
            directory,
            current: None,
            current_bytes: 0,
            next_line: 1,
            settled: None,
        };
        if let Some(last_head) = writer
            .segments
            .get(HEAD_SEGMENTS - 1)
            .filter(|_| writer.segments.len() > HEAD_SEGMENTS)
        {
            let (lines, _) = count(&writer.segment_path(*last_head))?;
            writer.settled = Some(last_head + lines - 1);
        }
        if let Some(last) = writer.segments.last().copied() {
            let path = writer.segment_path(last);
            let (lines, bytes) = count(&path)?;
            let file = OpenOptions::new().append(true).open(&path)?;
            file.set_len(bytes)?;
            writer.next_line = last + lines;
            writer.current_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            writer.current = Some(file);
        }
        Ok(writer)
    }

    /// Appends a line. An error costs this line; its number stays unused.
    pub fn append(&mut self, line: &LogLine) -> io::Result<()> {
        let record = record_bytes(line);
        let number = self.next_line;
        self.next_line += 1;
        if self.current.is_none() || self.current_bytes + record.len() > SEGMENT_BYTES {
            self.begin_segment(number)?;
        }
        if let Some(current) = &mut self.current {
            // A part of a record would make all behind it unreadable, so after an error a new segment begins.
            if let Err(error) = current.write_all(&record) {
                let whole = u64::try_from(self.current_bytes).unwrap_or(u64::MAX);
                let _ = current.set_len(whole);
                self.current = None;
                // Empty segments would count towards those that are kept.
                if whole == 0
                    && let Some(first) = self.segments.pop()
                {
                    let _ = fs::remove_file(self.segment_path(first));
                }
                return Err(error);
            }
            self.current_bytes += record.len();
        }
        Ok(())
    }

    /// Lines in all, those that went included.
    pub fn lines(&self) -> u64 {
        self.next_line - 1
    }

    /// How many of the lines behind `line` restic wrote, and to which stream. The agent's own do not count.
    pub fn restic_lines_behind(&self, line: u64) -> io::Result<FromRestic> {
        let mut found = FromRestic::default();
        let mut reader = LogReader::new(self.directory.clone());
        let mut next = line + 1;
        while let Some(lines) = reader.read(next, SEGMENT_BYTES)? {
            for record in &lines.records {
                match stream_of(record) {
                    Some(LogStream::Stdout) => found.stdout += 1,
                    Some(LogStream::Stderr) => found.stderr += 1,
                    Some(LogStream::Agent) | None => {}
                }
            }
            next = lines.first_line + u64::try_from(lines.records.len()).unwrap_or(u64::MAX);
        }
        Ok(found)
    }

    /// Lines that can be sent while the job runs.
    pub fn settled_lines(&self) -> u64 {
        self.settled.unwrap_or_else(|| self.lines())
    }

    fn begin_segment(&mut self, first_line: u64) -> io::Result<()> {
        self.current = None;
        let file = crate::durable::create_private(&self.segment_path(first_line))?;
        if self.segments.len() == HEAD_SEGMENTS {
            self.settled = Some(first_line - 1);
        }
        self.segments.push(first_line);
        self.current = Some(file);
        self.current_bytes = 0;
        if self.segments.len() > HEAD_SEGMENTS + TAIL_SEGMENTS {
            let gone = self.segments.remove(HEAD_SEGMENTS);
            fs::remove_file(self.segment_path(gone))?;
        }
        Ok(())
    }

    fn segment_path(&self, first_line: u64) -> PathBuf {
        self.directory.join(segment_name(first_line))
    }
}

impl LogReader {
    /// Reads the log in this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            position: None,
        }
    }

    /// Reads lines from `from_line` on, up to about `max_bytes` but at least one, all without a gap. When `from_line` is
    /// not there any more, the first one behind it. `None` when there is none.
    pub fn read(&mut self, from_line: u64, max_bytes: usize) -> io::Result<Option<Lines>> {
        let segments = segments(&self.directory)?;
        let at = segments.partition_point(|first| *first <= from_line);
        // The segment that may hold the line, and the ones behind it should it end before.
        for first in segments.into_iter().skip(at.saturating_sub(1)) {
            if let Some(lines) = self.read_segment(first, from_line, max_bytes)? {
                return Ok(Some(lines));
            }
        }
        Ok(None)
    }

    fn read_segment(&mut self, first: u64, from_line: u64, max_bytes: usize) -> io::Result<Option<Lines>> {
        let mut file = File::open(self.directory.join(segment_name(first)))?;
        let from = match self.position {
            Some(known) if known.segment == first && known.line <= from_line => known,
            Some(_) | None => Position {
                segment: first,
                line: first,
                offset: 0,
            },
        };
        file.seek(SeekFrom::Start(from.offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut rest = bytes.as_slice();
        let mut line = from.line;
        let mut offset = from.offset;
        let mut found = Lines {
            first_line: line.max(from_line),
            records: Vec::new(),
        };
        let mut size = 0;
        while let Some(record) = take_record(&mut rest) {
            if line >= from_line {
                size += record.len();
                if size > max_bytes && !found.records.is_empty() {
                    break;
                }
                found.records.push(record.to_vec());
            }
            line += 1;
            offset += u64::try_from(record.len()).unwrap_or(u64::MAX);
        }
        if found.records.is_empty() {
            return Ok(None);
        }
        self.position = Some(Position {
            segment: first,
            line,
            offset,
        });
        Ok(Some(found))
    }
}

/// Cuts the first whole record off, its length included.
fn take_record<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut behind_length = *rest;
    let length = prost::decode_length_delimiter(&mut behind_length).ok()?;
    let whole = (rest.len() - behind_length.len()).checked_add(length)?;
    let (record, behind) = rest.split_at_checked(whole)?;
    *rest = behind;
    Some(record)
}

/// Whole records in a segment, and their bytes.
fn count(path: &std::path::Path) -> io::Result<(u64, u64)> {
    let content = fs::read(path)?;
    let mut rest = content.as_slice();
    let mut lines = 0;
    while take_record(&mut rest).is_some() {
        lines += 1;
    }
    let bytes = u64::try_from(content.len() - rest.len()).unwrap_or(u64::MAX);
    Ok((lines, bytes))
}

/// The first lines of the segments in a directory, ascending.
fn segments(directory: &std::path::Path) -> io::Result<Vec<u64>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log"));
        segments.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    segments.sort_unstable();
    Ok(segments)
}

fn segment_name(first_line: u64) -> String {
    format!("{first_line}.log")
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use prost::Message as _;
    use proto::agent::v1::LogRecord;

    use super::*;

    #[test]
    fn lines_are_read_in_order_from_any_line() {
        let (_directory, mut writer, mut reader) = log();
        append(&mut writer, 1..=100, 10);

        assert_eq!(
            numbers(&reader.read(1, 100_000).unwrap().unwrap()),
            (1..=100).collect::<Vec<_>>()
        );
        assert_eq!(
            numbers(&reader.read(40, 100_000).unwrap().unwrap()),
            (40..=100).collect::<Vec<_>>()
        );
        assert!(reader.read(101, 100_000).unwrap().is_none());
        append(&mut writer, 101..=101, 10);
        assert_eq!(numbers(&reader.read(101, 100_000).unwrap().unwrap()), [101]);
    }

    #[test]
    fn a_read_is_bounded_but_never_empty() {
        let (_directory, mut writer, mut reader) = log();
        append(&mut writer, 1..=10, 1000);

        let some = reader.read(1, 2500).unwrap().unwrap();
        let one = reader.read(3, 10).unwrap().unwrap();

        assert_eq!(numbers(&some), [1, 2]);
        assert_eq!(numbers(&one), [3]);
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_dropped_and_its_number_used_again() {
        let (directory, mut writer, mut reader) = log();
        append(&mut writer, 1..=3, 10);
        drop(writer);
        let path = directory.path().join(segment_name(1));
        let length = fs::metadata(&path).unwrap().len();
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length - 4)
            .unwrap();

        let mut writer = LogWriter::open(directory.path().to_owned()).unwrap();
        assert_eq!(writer.lines(), 2);
        append(&mut writer, 3..=4, 10);

        assert_eq!(numbers(&reader.read(1, 100_000).unwrap().unwrap()), [1, 2, 3, 4]);
    }

    #[test]
    fn the_lines_of_restic_behind_a_line_are_counted_by_stream() {
        let (_directory, mut writer, _) = log();
        for stream in [
            LogStream::Stderr,
            LogStream::Agent,
            LogStream::Stdout,
            LogStream::Stderr,
        ] {
            let line = LogLine {
                at: Timestamp::UNIX_EPOCH,
                stream,
                text: "line".to_owned(),
            };
            writer.append(&line).unwrap();
        }

        let counted = |line| {
            let FromRestic { stdout, stderr } = writer.restic_lines_behind(line).unwrap();
            (stdout, stderr)
        };

        assert_eq!(
            [counted(0), counted(1), counted(3), counted(4)],
            [(1, 2), (1, 1), (0, 1), (0, 0)]
        );
    }

    #[test]
    fn a_log_beyond_the_limit_keeps_head_and_tail_and_skips_the_numbers_between() {
        let (directory, mut writer, mut reader) = log();
        // About 4,000 lines of 10 KiB: 40 MiB.
        append(&mut writer, 1..=4000, 10_000);

        let settled = writer.settled_lines();
        let mut seen = Vec::new();
        let mut next = 1;
        while let Some(lines) = reader.read(next, 1_000_000).unwrap() {
            next = lines.first_line + u64::try_from(lines.records.len()).unwrap();
            seen.extend(numbers(&lines));
        }

        let gap = seen.windows(2).position(|pair| pair[1] != pair[0] + 1).unwrap();
        assert_eq!(seen[gap], settled);
        assert_eq!((seen[0], *seen.last().unwrap(), writer.lines()), (1, 4000, 4000));
        let bytes: u64 = segments(directory.path())
            .unwrap()
            .into_iter()
            .map(|first| fs::metadata(directory.path().join(segment_name(first))).unwrap().len())
            .sum();
        assert!((28 << 20..=32 << 20).contains(&bytes), "{bytes}");
        let reopened = LogWriter::open(directory.path().to_owned()).unwrap();
        assert_eq!((reopened.settled_lines(), reopened.lines()), (settled, 4000));
    }

    fn log() -> (tempfile::TempDir, LogWriter, LogReader) {
        let directory = tempfile::tempdir().unwrap();
        let writer = LogWriter::open(directory.path().to_owned()).unwrap();
        let reader = LogReader::new(directory.path().to_owned());
        (directory, writer, reader)
    }

    /// Each line says its number and is padded.
    fn append(writer: &mut LogWriter, numbers: std::ops::RangeInclusive<u64>, length: usize) {
        for number in numbers {
            let line = LogLine {
                at: Timestamp::UNIX_EPOCH,
                stream: LogStream::Stdout,
                text: format!("{number:<length$}"),
            };
            writer.append(&line).unwrap();
        }
    }

    fn numbers(lines: &Lines) -> Vec<u64> {
        let read = |record: &Vec<u8>| {
            let record = LogRecord::decode_length_delimited(record.as_slice()).unwrap();
            record.payload.trim().parse().unwrap()
        };
        let numbers: Vec<u64> = lines.records.iter().map(read).collect();
        assert_eq!(numbers[0], lines.first_line);
        numbers
    }
}
