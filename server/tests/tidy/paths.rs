//! Finding the paths that a Rust source names, in `use` declarations and in the code.
//!
//! A reader of text, not a compiler: comments and strings are skipped, groups are expanded, and macros are read like
//! other code. That is enough for module and crate names, which is all the layering rules ask about.

/// A path such as `crate::store::hosts`, with the line it starts on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

/// All paths of two or more segments, and those of one that a `use` names, in the order of the text.
pub(crate) fn named(text: &str) -> Vec<Named> {
    let mut reader = Reader {
        tokens: tokens(text),
        at: 0,
        found: Vec::new(),
    };
    let mut in_use = false;
    while let Some(token) = reader.next() {
        match token.kind {
            Kind::Word if token.text == "use" => in_use = true,
            Kind::Word => {
                reader.at -= 1;
                reader.path(&[], in_use);
                in_use = false;
            }
            Kind::Separator => {}
            Kind::Sign => in_use = in_use && token.text == "{",
        }
    }
    reader.found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// `::`
    Separator,
    Sign,
}

#[derive(Clone, Copy)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    line: usize,
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    found: Vec<Named>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn next_is(&self, text: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.text == text)
    }

    /// Reads one path that starts at a word, below `prefix`.
    fn path(&mut self, prefix: &[String], always: bool) {
        let mut segments = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        while let Some(word) = self.tokens.get(self.at).filter(|token| token.kind == Kind::Word) {
            segments.push(word.text.to_owned());
            self.at += 1;
            if !self.next_is("::") {
                break;
            }
            self.at += 1;
            if self.next_is("{") {
                self.at += 1;
                self.group(&segments);
                return;
            }
        }
        if self.next_is("as") {
            self.at += 2;
        }
        if always || segments.len() > 1 {
            self.found.push(Named { line, segments });
        }
    }

    /// Reads the rest of a `{…}` whose members all start with `prefix`.
    fn group(&mut self, prefix: &[String]) {
        while let Some(token) = self.next() {
            match token.text {
                "}" => return,
                _ if token.kind == Kind::Word => {
                    self.at -= 1;
                    self.path(prefix, true);
                }
                _ => {}
            }
        }
    }
}

/// Cuts a source into words, `::` and other signs, leaving out comments, strings and numbers' insides.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, kind) = match first {
            _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), None),
            _ if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |end| end + 2), None),
            _ if rest.starts_with("::") => (2, Some(Kind::Separator)),
            '"' => (string(rest), None),
            'r' | 'b' | 'c' if raw_string(rest).is_some() => (raw_string(rest).unwrap_or(1), None),
            '\'' => (character(rest), None),
            _ if first.is_alphanumeric() || first == '_' => (word(rest), Some(Kind::Word)),
            _ if first.is_whitespace() => (first.len_utf8(), None),
            _ => (first.len_utf8(), Some(Kind::Sign)),
        };
        if let Some(kind) = kind {
            found.push(Token {
                kind,
                text: &rest[..length],
                line,
            });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

/// The length of a string that starts here, with its quotes.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string that starts here, if one does.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let marks = after.len() - after.trim_start_matches('#').len();
    let body = after[marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    let start = rest.len() - body.len();
    Some(body.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// The length of a character, or of a lifetime's quote alone.
fn character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    let is_escape = rest[1..].starts_with('\\');
    if is_escape {
        return rest[2..]
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == '\'')
            .map_or(1, |(at, _)| at + 3);
    }
    match (characters.next(), characters.next()) {
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_expanded() {
        check(
            "use crate::{app::{App, caller::Caller as C}, store};\nuse tonic;",
            &["crate::app::App", "crate::app::caller::Caller", "crate::store", "tonic"],
        );
    }

    #[test]
    fn paths_in_the_code_count_as_well() {
        check(
            "fn f() -> sea_orm::Value { let x: Vec::<u8> = super::g(y); x }",
            &["sea_orm::Value", "super::g"],
        );
    }

    #[test]
    fn comments_strings_and_characters_are_skipped() {
        check(
            "// a::b\n/* c::d\n */ let s = \"e::f \\\" g::h\"; let r = r#\"i::j \" k::l\"#; let c = '\"'; fn m<'a>() { n::o('\\''); p::q }",
            &["n::o", "p::q"],
        );
    }

    #[test]
    fn a_path_knows_its_line() {
        let lines: Vec<usize> = named("use a::b;\n\n/* x\n */\nuse c::{\n    d,\n    e,\n};")
            .iter()
            .map(|n| n.line)
            .collect();

        assert_eq!(lines, [1, 6, 7]);
    }

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = named(text).into_iter().map(|named| named.segments.join("::")).collect();
        assert_eq!(found, expected, "{text}");
    }
}
