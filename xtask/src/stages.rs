//! Named stages of a command with the time each took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::interrupt;

/// The stages run so far, in order.
#[derive(Default)]
pub(crate) struct Stages {
    finished: Vec<Stage>,
}

struct Stage {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Stages {
    /// Runs a stage that later ones build on: its failure is returned.
    pub(crate) fn require<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n── {name}");
        let started = now();
        let outcome = work();
        let took = started.elapsed();
        let passed = outcome.is_ok();
        println!(
            "── {name}: {} in {}",
            if passed { "done" } else { "FAILED" },
            seconds(took)
        );
        self.finished.push(Stage { name, took, passed });
        outcome
    }

    /// Runs a stage that stands for itself: its failure is printed, and [`Self::verdict`] tells it at the end.
    ///
    /// Fails only when somebody asked us to stop.
    pub(crate) fn attempt(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        if let Err(error) = self.require(name, work) {
            eprintln!("error: {error:#}");
        }
        interrupt::check()
    }

    /// Prints one line for each stage and one for the sum.
    pub(crate) fn print_table(&self) {
        let width = self
            .finished
            .iter()
            .map(|stage| stage.name.chars().count())
            .max()
            .unwrap_or(0)
            .max(5);
        println!("\n{:<width$}  {:>9}", "stage", "time");
        for stage in &self.finished {
            let mark = if stage.passed { "" } else { "  FAILED" };
            println!("{:<width$}  {:>9}{mark}", stage.name, seconds(stage.took));
        }
        let total = self.finished.iter().map(|stage| stage.took).sum();
        println!("{:<width$}  {:>9}", "total", seconds(total));
    }

    /// Fails naming the stages that failed.
    pub(crate) fn verdict(&self) -> Result<()> {
        let failed: Vec<&str> = self
            .finished
            .iter()
            .filter(|stage| !stage.passed)
            .map(|stage| stage.name)
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stage's real time is what is reported; there is no runtime to pause"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_attempt_lets_later_stages_run_and_is_named_at_the_end() {
        let mut stages = Stages::default();

        stages.attempt("first", || bail!("broken")).unwrap();
        stages.attempt("second", || Ok(())).unwrap();

        assert_eq!(stages.verdict().unwrap_err().to_string(), "failed: first");
        assert_eq!(stages.finished.len(), 2);
    }

    #[test]
    fn a_failed_requirement_is_returned_and_recorded() {
        let mut stages = Stages::default();

        let outcome: Result<()> = stages.require("build", || bail!("broken"));

        assert_eq!(outcome.unwrap_err().to_string(), "broken");
        assert_eq!(stages.verdict().unwrap_err().to_string(), "failed: build");
    }
}
