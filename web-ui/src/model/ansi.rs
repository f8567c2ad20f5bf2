//! Colours in log lines: the sixteen of terminals become classes, every other escape is dropped.

use super::untrusted::visible;

const ESCAPE: char = '\u{1b}';

/// Some text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// CSS classes: `a0` to `a15` for the colour, `ab` for bold; empty for plain text.
    pub class: String,
    /// The text, with what is left of control characters made visible.
    pub text: String,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Style {
    bold: bool,
    colour: Option<u32>,
}

/// Splits a line into spans. Of what a carriage return overwrites only the last text stays.
pub fn spans(line: &str) -> Vec<Span> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut spans = Vec::new();
    let mut style = Style::default();
    let mut plain = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != ESCAPE {
            plain.push(c);
            continue;
        }
        let (after, next) = escape(rest.clone(), style);
        rest = after;
        if next != style {
            flush(&mut spans, &mut plain, style);
            style = next;
        }
    }
    flush(&mut spans, &mut plain, style);
    spans
}

/// The text of a line without its colours.
pub fn plain(line: &str) -> String {
    spans(line).into_iter().map(|span| span.text).collect()
}

fn flush(spans: &mut Vec<Span>, plain: &mut String, style: Style) {
    if plain.is_empty() {
        return;
    }
    let colour = style.colour.map(|colour| format!("a{colour}"));
    let bold = style.bold.then(|| "ab".to_owned());
    let class: Vec<String> = bold.into_iter().chain(colour).collect();
    spans.push(Span {
        class: class.join(" "),
        text: visible(plain),
    });
    plain.clear();
}

/// Reads what follows an escape sign: the rest of the line, and the style from there on.
fn escape(rest: std::str::Chars<'_>, style: Style) -> (std::str::Chars<'_>, Style) {
    let mut after = rest.clone();
    match after.next() {
        Some('[') => {}
        // Titles of windows and the like end with a bell or a string terminator.
        Some(']') => {
            let text = after.as_str();
            let end = text.find(['\u{7}', ESCAPE]).map_or(text.len(), |at| at + 1);
            let text = &text[end..];
            return (text.strip_prefix('\\').unwrap_or(text).chars(), style);
        }
        Some(_) => return (after, style),
        None => return (rest, style),
    }
    let text = after.as_str();
    let Some(end) = text.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)) else {
        return ("".chars(), style);
    };
    let (codes, last) = text.split_at(end);
    let next = if last.starts_with('m') {
        select(codes, style)
    } else {
        style
    };
    (last[1..].chars(), next)
}

fn select(codes: &str, mut style: Style) -> Style {
    let mut numbers = codes.split([';', ':']).map(|code| match code {
        "" => Some(0),
        _ => code.parse::<u32>().ok(),
    });
    while let Some(number) = numbers.next() {
        match number {
            Some(0) => style = Style::default(),
            Some(1) => style.bold = true,
            Some(22) => style.bold = false,
            Some(number @ 30..=37) => style.colour = Some(number - 30),
            Some(number @ 90..=97) => style.colour = Some(number - 90 + 8),
            Some(39) => style.colour = None,
            // 256 and true colours are not shown; their numbers must not be read as styles.
            Some(38 | 48) => {
                let skip = if numbers.next() == Some(Some(5)) { 1 } else { 3 };
                numbers.by_ref().take(skip).for_each(drop);
            }
            Some(_) | None => {}
        }
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_everything_else_goes() {
        let cases: [(&str, &[(&str, &str)]); 10] = [
            ("plain", &[("", "plain")]),
            ("\u{1b}[31merror\u{1b}[0m: x", &[("a1", "error"), ("", ": x")]),
            ("\u{1b}[1;92mok\u{1b}[22m!", &[("ab a10", "ok"), ("a10", "!")]),
            ("\u{1b}[38;5;31mx\u{1b}[48;2;1;31;3my", &[("", "xy")]),
            ("\u{1b}[2K\u{1b}[1Ago\u{1b}(Bne", &[("", "goBne")]),
            ("\u{1b}]0;title\u{7}text", &[("", "text")]),
            ("\u{1b}]0;title\u{1b}\\text", &[("", "text")]),
            ("10 %\r20 %\r", &[("", "20 %")]),
            ("a\u{8}b", &[("", "a\u{2408}b")]),
            ("cut\u{1b}[3", &[("", "cut")]),
        ];
        for (line, expected) in cases {
            let found: Vec<(String, String)> = spans(line).into_iter().map(|span| (span.class, span.text)).collect();
            let expected: Vec<(String, String)> = expected
                .iter()
                .map(|(class, text)| ((*class).to_owned(), (*text).to_owned()))
                .collect();
            assert_eq!(found, expected, "{line:?}");
        }
    }

    #[test]
    fn no_line_makes_it_fail() {
        let signs = ["\u{1b}", "[", "]", "m", ";", "3", "8", "\u{7}", "\\", "ä", "\r", "x"];
        let mut state = 1_usize;
        for _ in 0..20_000 {
            let line: String = (0..12)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    signs[(state >> 33) % signs.len()]
                })
                .collect();

            assert!(!plain(&line).contains(ESCAPE), "{line:?}");
        }
    }
}
