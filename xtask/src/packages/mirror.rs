//! Finding the Debian mirror that this system already uses.

use std::fs;
use std::path::{Path, PathBuf};

use super::newer_restic::KEYRING;

/// The mirror of the first configured source that carries `suite` itself, such as `bookworm`.
///
/// Reads both forms that apt knows. `None` when no enabled source carries Debian's main archive.
pub(crate) fn configured(suite: &str) -> Option<String> {
    let mut files: Vec<PathBuf> = fs::read_dir("/etc/apt/sources.list.d").map_or_else(
        |_| Vec::new(),
        |entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
    );
    files.sort();
    files.push(PathBuf::from("/etc/apt/sources.list"));
    files.iter().find_map(|file| in_file(file, suite))
}

fn in_file(file: &Path, suite: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    match file.extension()?.to_str()? {
        "sources" => in_stanzas(&text, suite),
        "list" => in_lines(&text, suite),
        _ => None,
    }
}

/// Reads the form of several `Key: value` lines, one stanza after another.
fn in_stanzas(text: &str, suite: &str) -> Option<String> {
    let uncommented: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    uncommented
        .split(|line| line.trim().is_empty())
        .find_map(|stanza| in_stanza(stanza, suite))
}

fn in_stanza(stanza: &[&str], suite: &str) -> Option<String> {
    let has = |name, word| field(stanza, name).is_some_and(|value| value.split_whitespace().any(|item| item == word));
    let enabled = field(stanza, "Enabled").is_none_or(|value| !value.eq_ignore_ascii_case("no"));
    let signed_by_debian = field(stanza, "Signed-By").is_none_or(|keys| keys == KEYRING);
    let wanted =
        enabled && signed_by_debian && has("Types", "deb") && has("Suites", suite) && has("Components", "main");
    field(stanza, "URIs")
        .filter(|_| wanted)?
        .split_whitespace()
        .next()
        .map(str::to_owned)
}

fn field<'a>(stanza: &[&'a str], name: &str) -> Option<&'a str> {
    let mut pairs = stanza.iter().filter_map(|line| line.split_once(':'));
    pairs
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// Reads the form of one line per source: `deb [options] uri suite components`.
fn in_lines(text: &str, suite: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => rest,
        };
        let mut words = rest.split_whitespace();
        let (uri, line_suite) = (words.next()?, words.next()?);
        (line_suite == suite && words.any(|component| component == "main")).then(|| uri.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stanza_of_the_main_archive_is_found() {
        let text = "\
Types: deb
URIs: https://security.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
# a snapshot
URIs: https://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
";

        assert_eq!(
            in_stanzas(text, "bookworm").as_deref(),
            Some("https://mirror.example/debian")
        );
        assert_eq!(in_stanzas(text, "trixie"), None);
    }

    #[test]
    fn a_stanza_that_is_off_or_someone_elses_is_passed_over() {
        let stanza = |extra: &str| {
            format!("Types: deb\nURIs: https://m.example/\nSuites: bookworm\nComponents: main\n{extra}\n")
        };

        assert_eq!(in_stanzas(&stanza("Enabled: no"), "bookworm"), None);
        assert_eq!(
            in_stanzas(&stanza("Signed-By: /etc/apt/keyrings/vendor.gpg"), "bookworm"),
            None
        );
        assert!(in_stanzas(&stanza("Enabled: yes"), "bookworm").is_some());
    }

    #[test]
    fn the_line_of_the_main_archive_is_found_with_and_without_options() {
        let check =
            |line: &str, expected: Option<&str>| assert_eq!(in_lines(line, "bookworm").as_deref(), expected, "{line}");

        check(
            "deb https://m.example/debian bookworm main contrib",
            Some("https://m.example/debian"),
        );
        check(
            "deb [signed-by=/k.gpg arch=amd64] https://m.example/debian bookworm main",
            Some("https://m.example/debian"),
        );
        check("# deb https://m.example/debian bookworm main", None);
        check("deb-src https://m.example/debian bookworm main", None);
        check("deb https://m.example/debian bookworm-updates main", None);
        check("deb https://m.example/debian bookworm contrib", None);
    }
}
