//! [`ReportedText`]: text that a host said, made safe to keep and show.

use std::fmt;

/// One line of at most `MAX_BYTES` bytes, without control characters and without characters that reorder text.
///
/// A host may be hostile, and what it says (paths, messages, names) ends up in pages, terminals and spreadsheets. Line
/// breaks and tabs become spaces, other control characters go away, and what is too long ends in `…`. The text is still
/// only text: whoever shows it escapes it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(from = "String")]
pub struct ReportedText<const MAX_BYTES: usize>(String);

impl<const MAX_BYTES: usize> ReportedText<MAX_BYTES> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX_BYTES: usize> From<&str> for ReportedText<MAX_BYTES> {
    fn from(text: &str) -> Self {
        const ELLIPSIS: char = '…';
        let mut kept = String::new();
        // The last length at which the ellipsis still fits.
        let mut cut = 0;
        for character in text.chars().filter_map(harmless) {
            if kept.len() + character.len_utf8() > MAX_BYTES {
                kept.truncate(cut);
                if ELLIPSIS.len_utf8() <= MAX_BYTES {
                    kept.push(ELLIPSIS);
                }
                break;
            }
            kept.push(character);
            if kept.len() + ELLIPSIS.len_utf8() <= MAX_BYTES {
                cut = kept.len();
            }
        }
        Self(kept)
    }
}

impl<const MAX_BYTES: usize> From<String> for ReportedText<MAX_BYTES> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<const MAX_BYTES: usize> fmt::Display for ReportedText<MAX_BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX_BYTES: usize> fmt::Debug for ReportedText<MAX_BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn harmless(character: char) -> Option<char> {
    match character {
        '\n' | '\r' | '\t' => Some(' '),
        // Marks, embeddings, overrides and isolates of bidirectional text, and the line and paragraph separators.
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        other if other.is_control() => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_and_reordering_characters_go_away() {
        let text: ReportedText<100> = "a\u{1b}[31mred\n\u{202e}gnp.exe\0".into();

        assert_eq!(text.as_str(), "a[31mred gnp.exe");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(ReportedText::<8>::from("12345678").as_str(), "12345678");
        assert_eq!(ReportedText::<8>::from("123456789").as_str(), "12345…");
        assert_eq!(ReportedText::<8>::from("ääääääää").as_str(), "ää…");
        assert_eq!(ReportedText::<2>::from("123").as_str(), "");
    }

    proptest! {
        #[test]
        fn no_input_exceeds_the_limit_and_cleaning_twice_changes_nothing(input in ".{0,60}") {
            let once: ReportedText<20> = input.as_str().into();
            let twice: ReportedText<20> = once.as_str().into();

            prop_assert!(once.as_str().len() <= 20);
            prop_assert_eq!(once, twice);
        }
    }
}
