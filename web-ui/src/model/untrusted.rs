//! Text from hosts: names, paths, log lines. It is shown as it is, and can neither hide nor turn anything around.

/// Shows what a terminal or a browser would act on: control characters as their pictures; marks that change the direction
/// of writing, break lines or cannot be seen as a replacement sign.
pub fn visible(text: &str) -> String {
    text.chars().map(visible_char).collect()
}

fn visible_char(c: char) -> char {
    match c {
        '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        _ => c,
    }
}

/// Shortens a long path in its middle to at most so many characters, with an ellipsis.
pub fn middle(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (head, tail) = (kept / 2, kept - kept / 2);
    let head: String = characters.iter().take(head).collect();
    let tail: String = characters.iter().skip(characters.len() - tail).collect();
    format!("{head}\u{2026}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_and_nothing_turns_around() {
        assert_eq!(visible("a\u{1b}[31mb\0c\u{7f}"), "a\u{241b}[31mb\u{2400}c\u{2421}");
        assert_eq!(visible("evil\u{202e}gpj.exe"), "evil\u{fffd}gpj.exe");
        for hidden in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{2029}',
            '\u{206a}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert_eq!(visible(&format!("a{hidden}b")), "a\u{fffd}b", "{hidden:?}");
        }
        assert_eq!(
            visible("\tümläut <b>&amp;</b> \u{1f600}"),
            "\tümläut <b>&amp;</b> \u{1f600}"
        );
    }

    #[test]
    fn a_path_is_shortened_in_its_middle() {
        assert_eq!(middle("/var/lib/data", 20), "/var/lib/data");
        assert_eq!(middle("/var/lib/postgresql/base", 11), "/var/\u{2026}/base");
        assert_eq!(middle("äöüäöü", 3), "ä\u{2026}ü");
    }
}
