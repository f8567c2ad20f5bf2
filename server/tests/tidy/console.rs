//! What the console's sources may not do: the content security policy would stop it, or a translation would miss it.

use super::files::Source;

/// Where components and pages are.
const VIEWS: [&str; 2] = ["web-ui/src/kit/", "web-ui/src/pages/"];
/// Where raw colours may stand.
const TOKENS: &str = "web-ui/styles/tokens.css";

/// Lines that break a rule, for a person.
pub(crate) fn violations(source: &Source) -> Vec<String> {
    if !source.path.starts_with("web-ui/") {
        return Vec::new();
    }
    let is_style = source.path.starts_with("web-ui/styles/") && source.path != TOKENS;
    let is_view = VIEWS.iter().any(|folder| source.path.starts_with(folder));
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let code = line.split("// ").next().unwrap_or_default();
        let is_comment = line.trim_start().starts_with("//");
        let rules = [
            (
                is_style && has_raw_colour(line),
                "a raw colour; name it in styles/tokens.css",
            ),
            (
                is_view && !is_comment && has_text(code),
                "a text for people; it belongs into src/i18n",
            ),
            (
                !is_comment && code.contains("inner_html"),
                "markup from text; text from hosts is always a text node",
            ),
            (
                !is_comment && (code.contains(" style=") || code.contains("<style")),
                "an inline style, which the policy forbids; use a class, or style:name=",
            ),
        ];
        for (_, because) in rules.iter().filter(|(broken, _)| *broken) {
            found.push(format!("{}:{}: has {because}", source.path, index + 1));
        }
    }
    found
}

/// Whether a line of CSS has a colour by number.
fn has_raw_colour(line: &str) -> bool {
    let by_function = ["rgb(", "rgba(", "hsl(", "oklch("]
        .iter()
        .any(|name| line.contains(name));
    let by_number = line.match_indices('#').any(|(at, _)| {
        let digits = line[at + 1..].chars().take_while(char::is_ascii_hexdigit).count();
        let after = line[at + 1..].chars().nth(digits);
        matches!(digits, 3 | 4 | 6 | 8) && after.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_')
    });
    by_function || by_number
}

/// Whether a line has a text in quotes that a person would read: words, of which the first begins with a capital.
/// Names of keys such as `Enter` stand in constants called `KEY_…`.
fn has_text(code: &str) -> bool {
    if code.trim_start().starts_with("const KEY_") || code.contains("reason = ") {
        return false;
    }
    code.split('"').skip(1).step_by(2).any(|text| {
        let mut letters = text.chars();
        letters.next().is_some_and(|c| c.is_ascii_uppercase()) && letters.any(|c| c.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_policy_forbids_and_what_a_translation_would_miss_is_found() {
        let broken = [
            ("web-ui/src/kit/a.rs", "view! { <p>\"Hello there\"</p> }"),
            ("web-ui/src/pages/a.rs", "let label = \"Delete\";"),
            ("web-ui/src/app.rs", "view! { <p inner_html=text></p> }"),
            ("web-ui/src/kit/a.rs", "<p style=\"color:red\">"),
            ("web-ui/index.html", "<style>a{}</style>"),
            ("web-ui/styles/app.css", "a { color: #fff; }"),
            ("web-ui/styles/kit/a.css", "a { color: rgb(1 2 3); }"),
        ];
        for (path, text) in broken {
            assert_eq!(check(path, text).len(), 1, "{path}: {text}");
        }
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let right = [
            (
                "web-ui/src/kit/a.rs",
                "<p class=\"btn primary\" style:height=height>{t::HELLO}</p>",
            ),
            ("web-ui/src/kit/a.rs", "const KEY_ENTER: &str = \"Enter\";"),
            ("web-ui/src/kit/a.rs", "// It says \"Hello\"."),
            ("web-ui/src/i18n/en.rs", "pub const HELLO: &str = \"Hello\";"),
            ("web-ui/styles/tokens.css", "--bg: #fff;"),
            ("web-ui/styles/app.css", "#main { color: var(--text); }"),
            ("docs/a.css", "a { color: #fff; }"),
        ];
        for (path, text) in right {
            assert_eq!(check(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    fn check(path: &str, text: &str) -> Vec<String> {
        violations(&Source {
            path: path.to_owned(),
            text: text.to_owned(),
        })
    }
}
