//! [`Lines`]: cuts what restic writes into lines, whole or in pieces, and reads each as a [`Line`].

use std::borrow::Cow;

use crate::{Event, Redactor};

/// The most that is kept of one line. What is longer is cut and says so.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// One line of restic, without secrets and without escape sequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// An object with a `message_type`.
    Event {
        /// What it says.
        event: Event,
        /// The line as it was printed, for the log.
        text: String,
    },
    /// Anything else.
    Text(String),
}

/// Turns chunks of bytes of one stream into lines. Holds at most one line, and of that at most [`MAX_LINE_BYTES`].
#[derive(Debug)]
pub struct Lines {
    redactor: Redactor,
    pending: Vec<u8>,
    cut: u64,
}

impl Line {
    /// Reads one line without its end.
    pub fn parse(bytes: &[u8], redactor: &Redactor) -> Self {
        let clean = clean(&String::from_utf8_lossy(bytes));
        let text = redactor.redact(&clean).into_owned();
        match Event::parse(clean.trim(), redactor) {
            Some(event) => Self::Event { event, text },
            None => Self::Text(text),
        }
    }

    /// What it tells people, for the log; `None` for what is shown elsewhere. JSON of an unknown type stays as it is.
    pub fn for_people(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Event {
                event: Event::Unknown { .. },
                text,
            }
            | Self::Text(text) => Some(text.into()),
            Self::Event { event, .. } => event.sentence().map(Cow::Owned),
        }
    }

    /// The line as it was printed.
    pub fn text(&self) -> &str {
        match self {
            Self::Event { text, .. } | Self::Text(text) => text,
        }
    }
}

impl Lines {
    /// Starts at the beginning of a line.
    pub fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            pending: Vec::new(),
            cut: 0,
        }
    }

    /// Takes the next bytes and hands on each line that ended within them. Empty lines are passed over.
    pub fn feed(&mut self, chunk: &[u8], mut take: impl FnMut(Line)) {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.append(end);
                    self.end_line(&mut take);
                }
                None => self.append(piece),
            }
        }
    }

    /// Hands on the last line when it has no end: the stream is over.
    pub fn finish(mut self, mut take: impl FnMut(Line)) {
        self.end_line(&mut take);
    }

    /// Bytes that were taken of a line that has not ended: how far a reader that starts again must go back.
    pub fn unfinished(&self) -> u64 {
        u64::try_from(self.pending.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.cut)
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_BYTES - self.pending.len();
        let kept = bytes.len().min(room);
        self.pending.extend_from_slice(&bytes[..kept]);
        let cut = u64::try_from(bytes.len() - kept).unwrap_or(u64::MAX);
        self.cut = self.cut.saturating_add(cut);
    }

    fn end_line(&mut self, take: &mut impl FnMut(Line)) {
        let cut = std::mem::take(&mut self.cut);
        if !self.pending.is_empty() {
            let line = Line::parse(&self.pending, &self.redactor);
            self.pending.clear();
            if cut > 0 {
                take(Line::Text(format!("{} … ({cut} more bytes were cut)", line.text())));
            } else if !line.text().trim().is_empty() {
                take(line);
            }
        }
    }
}

/// Drops terminal escape sequences and control characters other than the tab.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_csi(&mut rest),
            '\t' => clean.push('\t'),
            other if other.is_control() => {}
            other => clean.push(other),
        }
    }
    clean
}

/// ECMA-48: `ESC [` up to a final byte, `ESC ]` up to BEL or `ESC \`, other escapes are one character long.
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => skip_csi(rest),
        Some(']') => {
            let mut before = '\0';
            for character in rest {
                if character == '\u{7}' || (before == '\u{1b}' && character == '\\') {
                    break;
                }
                before = character;
            }
        }
        Some(_) | None => {}
    }
}

fn skip_csi(rest: &mut std::str::Chars<'_>) {
    for character in rest {
        if ('@'..='~').contains(&character) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_and_carriage_returns_are_dropped() {
        for (bytes, expected) in [
            (
                &b"\x1b[2Ksignal interrupt received, cleaning up"[..],
                "signal interrupt received, cleaning up",
            ),
            (b"\rsignal terminated received", "signal terminated received"),
            (b"\x1b]0;title\x07after", "after"),
            (b"\x1b]0;title\x1b\\after", "after"),
            (b"a\x1b[1;31mred\x1b[0m\tb", "ared\tb"),
            (b"broken \xff name", "broken \u{fffd} name"),
            (b"cut short \x1b[", "cut short "),
        ] {
            assert_eq!(
                Line::parse(bytes, &Redactor::default()),
                Line::Text(expected.to_owned())
            );
        }
    }

    #[test]
    fn a_json_line_behind_an_escape_sequence_is_an_event() {
        let line = Line::parse(b"\x1b[2K{\"message_type\":\"version\"}\r", &Redactor::default());

        assert_eq!(
            line,
            Line::Event {
                event: Event::Version(None),
                text: r#"{"message_type":"version"}"#.to_owned()
            }
        );
    }

    #[test]
    fn a_line_beyond_the_limit_is_cut_and_says_so() {
        let mut lines = Lines::new(Redactor::default());
        let mut taken = Vec::new();

        for _ in 0..3 {
            lines.feed(&vec![b'x'; MAX_LINE_BYTES / 2], |line| taken.push(line));
        }
        let unfinished = lines.unfinished();
        lines.feed(b"tail\nnext\n", |line| taken.push(line));

        assert_eq!(unfinished, 3 * 512 * 1024);
        assert_eq!(taken.len(), 2);
        assert!(
            taken[0]
                .text()
                .ends_with(&format!("xxx … ({} more bytes were cut)", 512 * 1024 + 4))
        );
        assert_eq!(taken[1], Line::Text("next".to_owned()));
    }

    #[test]
    fn the_last_line_needs_no_end() {
        let mut lines = Lines::new(Redactor::default());
        let mut taken = Vec::new();

        lines.feed(b"one\n\ntw", |line| taken.push(line.text().to_owned()));
        assert_eq!(lines.unfinished(), 2);
        lines.finish(|line| taken.push(line.text().to_owned()));

        assert_eq!(taken, ["one", "tw"]);
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            cuts in prop::collection::vec(0_usize..300, 0..6),
        ) {
            prop_assert_eq!(read(&bytes, &cuts), read(&bytes, &[]));
        }

        #[test]
        fn no_line_is_printed_with_control_characters(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for line in read(&bytes, &[]) {
                prop_assert!(!line.text().chars().any(|character| character.is_control() && character != '\t'));
            }
        }
    }

    fn read(bytes: &[u8], cuts: &[usize]) -> Vec<Line> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.min(&bytes.len())).collect();
        cuts.sort_unstable();
        let mut lines = Lines::new(Redactor::default());
        let mut taken = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([bytes.len()]) {
            lines.feed(&bytes[from..cut], |line| taken.push(line));
            from = cut;
        }
        lines.finish(|line| taken.push(line));
        taken
    }
}
