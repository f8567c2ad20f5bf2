//! Adding up what the test programs report.

/// Sums over all test programs of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
    /// Names of the tests that did not run, in the order of the output.
    pub(crate) ignored_names: Vec<String>,
}

impl Tally {
    /// Takes one line of libtest's output into account; other lines count for nothing.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
        } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
            && (outcome == "ignored" || outcome.starts_with("ignored,"))
        {
            self.ignored_names.push(name.to_owned());
        }
    }
}

/// The number before a word in `ok. 5 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> u64 {
    let words: Vec<&str> = counts.split([' ', ';', '.']).filter(|part| !part.is_empty()).collect();
    words
        .windows(2)
        .find(|pair| pair[1] == word)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_programs_are_added_up() {
        let mut tally = Tally::default();

        tally.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        tally.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.20s");

        assert_eq!((tally.passed, tally.failed, tally.ignored), (15, 2, 1));
    }

    #[test]
    fn ignored_tests_are_named() {
        let mut tally = Tally::default();

        tally.read("test store::a_slow_one ... ignored");
        tally.read("test store::needs_a_tool ... ignored, needs postgres");
        tally.read("test store::a_good_one ... ok");
        tally.read("src/lib.rs - example (line 4) ... ignored");

        assert_eq!(tally.ignored_names, ["store::a_slow_one", "store::needs_a_tool"]);
    }

    #[test]
    fn what_a_test_prints_counts_for_nothing() {
        let mut tally = Tally::default();

        tally.read("running 3 tests");
        tally.read("  test result: ok. 9 passed; 0 failed");
        tally.read("error: test failed, to rerun pass `--lib`");

        assert_eq!(tally, Tally::default());
    }
}
