//! Paths that documents mention.

use std::path::Path;

use super::files::Source;

/// Folders at the root whose contents a document may name in backticks.
const TOP: &[&str] = &[
    "agent",
    "crates",
    "deploy",
    "docs",
    "integration-tests",
    "migrations",
    "proto",
    "server",
    "web-ui",
    "xtask",
    ".ci",
    ".cargo",
];

/// Mentions of files that do not exist, for a person: paths in backticks from the root, and targets of relative links.
pub(crate) fn missing(document: &Source, root: &Path) -> Vec<String> {
    let folder = root
        .join(&document.path)
        .parent()
        .map_or_else(|| root.to_owned(), Path::to_owned);
    let mut found = Vec::new();
    for (index, text) in document.text.lines().enumerate() {
        let paths = in_backticks(text)
            .filter(|path| is_ours(path))
            .filter(|path| !root.join(path).exists());
        let links = targets(text)
            .filter(|target| is_relative(target))
            .filter(|target| !folder.join(target).exists());
        for name in paths.chain(links) {
            found.push(format!(
                "{}:{}: names {name}, which does not exist",
                document.path,
                index + 1
            ));
        }
    }
    found
}

fn in_backticks(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The targets of `[text](target)`, without their `#fragment`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("](").skip(1);
    after
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
}

fn is_ours(path: &str) -> bool {
    let plain = path
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'));
    plain && path.split_once('/').is_some_and(|(top, _)| TOP.contains(&top))
}

fn is_relative(target: &str) -> bool {
    !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")
}

#[cfg(test)]
mod tests {
    use super::super::files;
    use super::*;

    #[test]
    fn a_path_or_link_that_leads_nowhere_is_found() {
        let found =
            check("See `server/src/lib.rs` and `server/src/nowhere.rs`.\n[here](../README.md) [there](gone.md#part)");

        assert_eq!(
            found,
            [
                "docs/x.md:1: names server/src/nowhere.rs, which does not exist",
                "docs/x.md:2: names gone.md, which does not exist",
            ]
        );
    }

    #[test]
    fn what_only_looks_like_a_path_is_left_alone() {
        let text =
            "`/api/hosts` `application/json` `crates/<name>` `server/*` `--x` [a](https://example.org/b) [c](#d)";

        assert_eq!(check(text), Vec::<String>::new());
    }

    fn check(text: &str) -> Vec<String> {
        missing(
            &Source {
                path: "docs/x.md".to_owned(),
                text: text.to_owned(),
            },
            &files::root(),
        )
    }
}
