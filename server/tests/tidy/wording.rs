//! What no file may say, and what no test may do.

use super::files::Source;

/// Words that are not written out here, or this file would find itself; with the reason to tell.
fn unwanted_words() -> [(String, &'static str); 5] {
    [
        (["/wo", "rk/"].concat(), "a folder of one machine"),
        (["/root/", ".cargo"].concat(), "a folder of one machine"),
        (["../sha", "red"].concat(), "a folder outside the clone"),
        (["TO", "DO"].concat(), "unfinished work is an issue, not a comment"),
        (["FIX", "ME"].concat(), "unfinished work is an issue, not a comment"),
    ]
}

/// Lines with an unwanted word, for a person.
pub(crate) fn unwanted(source: &Source) -> Vec<String> {
    let words = unwanted_words();
    let mut found = Vec::new();
    for (line, text) in numbered(&source.text) {
        for (word, reason) in words.iter().filter(|(word, _)| stands_alone(text, word)) {
            found.push(format!("{}:{line}: says {word}: {reason}", source.path));
        }
    }
    found
}

/// Lines of test files that sleep without saying why, for a person.
///
/// A sleep that has to be carries a comment `// sleep: reason` on its own line or the one before. In a file whose tests
/// run on tokio's paused clock a sleep takes no time and is how they move it, so only the thread's own sleep counts there.
pub(crate) fn sleeps(source: &Source) -> Vec<String> {
    if !is_test_file(&source.path) {
        return Vec::new();
    }
    let (call, excuse) = (["sle", "ep("].concat(), ["// sle", "ep: "].concat());
    let paused = source.text.contains("start_paused = true");
    let call = if paused { format!("thread::{call}") } else { call };
    let lines: Vec<(usize, &str)> = numbered(&source.text).collect();
    let mut found = Vec::new();
    for (index, (line, text)) in lines.iter().enumerate() {
        let before = index.checked_sub(1).map_or("", |index| lines[index].1);
        let code = text.split("//").next().unwrap_or_default();
        if code.contains(&call) && !text.contains(&excuse) && !before.contains(&excuse) {
            found.push(format!(
                "{}:{line}: a test that waits must wait for a condition",
                source.path
            ));
        }
    }
    found
}

fn is_test_file(path: &str) -> bool {
    path.split('/')
        .any(|part| part == "tests" || part == "tests.rs" || part == "integration-tests")
}

/// Whether the word occurs without a letter, digit or path sign right before it.
fn stands_alone(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unwanted_word_is_found_with_its_line() {
        for (word, reason) in unwanted_words() {
            let text = format!("fine\nsee {word}x");

            let found = unwanted(&source("docs/src/a.md", &text));

            assert_eq!(found, [format!("docs/src/a.md:2: says {word}: {reason}")]);
        }
    }

    #[test]
    fn a_longer_word_or_path_is_another_word() {
        let text = ["/home/me/wo", "rk/x and home", "/wo", "rk/ and MAS", "TO", "DOS"].concat();

        assert_eq!(unwanted(&source("a.rs", &text)), Vec::<String>::new());
    }

    #[test]
    fn a_sleeping_test_is_found_unless_it_gives_a_reason() {
        let (call, excuse) = (
            ["sle", "ep(d)"].concat(),
            ["// sle", "ep: the clock itself is tested"].concat(),
        );
        let check =
            |path: &str, text: String, expected: usize| assert_eq!(sleeps(&source(path, &text)).len(), expected);

        check("server/tests/api/hosts.rs", format!("thread::{call};"), 1);
        check(
            "crates/domain/src/job/tests.rs",
            format!("tokio::time::{call}.await;"),
            1,
        );
        check("integration-tests/src/wait.rs", format!("{call};"), 1);
        check("server/tests/api/hosts.rs", format!("{call}; {excuse}"), 0);
        check("server/tests/api/hosts.rs", format!("{excuse}\n{call};"), 0);
        check("server/tests/api/hosts.rs", format!("// no {call} here"), 0);
        check("server/src/listen/mod.rs", format!("{call};"), 0);
        let paused = "#[tokio::test(start_paused = true)]";
        check(
            "server/src/events/tests.rs",
            format!("{paused}\ntokio::time::{call}.await;"),
            0,
        );
        check("server/src/events/tests.rs", format!("{paused}\nthread::{call};"), 1);
    }

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}
