//! The rows of the table, as text, as JSON and as a page of the documentation.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// What was measured where.
#[derive(Debug)]
pub(crate) struct Report {
    machine: String,
    rows: Vec<Row>,
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Row {
    id: &'static str,
    what: String,
    figure: f64,
    unit: &'static str,
    /// What it is compared with, and that one's figure in the same unit.
    reference: Option<(&'static str, f64)>,
    /// The most that the ratio to the reference, or the figure itself where there is none, should be.
    goal: Option<f64>,
}

impl Row {
    /// A figure and the same of a reference program.
    pub(crate) fn ratio(
        id: &'static str,
        what: String,
        figure: f64,
        unit: &'static str,
        reference: (&'static str, f64),
        goal: Option<f64>,
    ) -> Self {
        Self {
            id,
            what,
            figure,
            unit,
            reference: Some(reference),
            goal,
        }
    }

    /// A figure with a bound of its own.
    pub(crate) fn bound(id: &'static str, what: String, figure: f64, unit: &'static str, goal: Option<f64>) -> Self {
        Self {
            id,
            what,
            figure,
            unit,
            reference: None,
            goal,
        }
    }

    fn ratio_to_reference(&self) -> Option<f64> {
        self.reference.map(|(_, reference)| self.figure / reference)
    }

    /// `None` without a goal.
    fn is_met(&self) -> Option<bool> {
        let measured = self.ratio_to_reference().unwrap_or(self.figure);
        self.goal.map(|goal| measured <= goal)
    }

    fn cells(&self) -> [String; 6] {
        let Self { what, unit, .. } = self;
        let reference = self
            .reference
            .map_or_else(String::new, |(name, figure)| format!("{figure:.2} {unit} ({name})"));
        let ratio = self
            .ratio_to_reference()
            .map_or_else(String::new, |ratio| format!("{ratio:.3}"));
        let goal = match (self.goal, self.reference) {
            (None, _) => String::new(),
            (Some(goal), Some(_)) => format!("≤ {goal} ×"),
            (Some(goal), None) => format!("≤ {goal} {unit}"),
        };
        let met = match self.is_met() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        [
            format!("{} {what}", self.id),
            format!("{:.2} {unit}", self.figure),
            reference,
            ratio,
            goal,
            met.to_owned(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "what": self.what,
            "figure": self.figure,
            "unit": self.unit,
            "reference": self.reference.map(|(name, figure)| json!({ "name": name, "figure": figure })),
            "ratio": self.ratio_to_reference(),
            "goal": self.goal,
            "met": self.is_met(),
        })
    }
}

impl Report {
    /// An empty report that says what it was measured on.
    pub(crate) fn of_this_machine() -> Self {
        Self {
            machine: machine(),
            rows: Vec::new(),
        }
    }

    /// Adds a figure.
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The table as Markdown, which reads as text too.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from("| what | figure | reference | ratio | goal | met |\n|---|---|---|---|---|---|\n");
        for row in &self.rows {
            writeln!(table, "| {} |", row.cells().join(" | ")).expect("text can be written to");
        }
        table
    }

    /// Writes the figures for programs and for people.
    pub(crate) fn write(&self, json: &Path, page: &Path) {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let figures = json!({ "machine": self.machine, "rows": rows });
        fs::write(json, format!("{figures:#}\n")).expect("the documentation can be written");
        fs::write(page, self.page()).expect("the documentation can be written");
    }

    fn page(&self) -> String {
        let missed: Vec<_> = self.rows.iter().filter(|row| row.is_met() == Some(false)).collect();
        let missed = match missed.len() {
            0 => "Every goal was met.".to_owned(),
            count => format!("{count} of the goals were missed: those with a \"no\"."),
        };
        format!(
            "{HEAD}\n## The last run\n\nOn {}.\n\n{}\n{missed}\n",
            self.machine,
            self.table()
        )
    }
}

/// What the page says before the table.
const HEAD: &str = include_str!("page.txt");

fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu_info = read("/proc/cpuinfo");
    let processors = cpu_info.lines().filter_map(|line| line.strip_prefix("model name"));
    let names: Vec<&str> = processors
        .filter_map(|line| line.split_once(": "))
        .map(|(_, name)| name)
        .collect();
    let memory = read("/proc/meminfo");
    let kib = memory.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<u64>()
            .ok()
    });
    let restic = Command::new("restic").arg("version").output().ok();
    let restic = restic
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "{} × {}, {} GiB, Linux {}, {}; load average {} when it began",
        names.len(),
        names.first().unwrap_or(&"unknown processor"),
        kib.unwrap_or(0).div_ceil(1 << 20),
        kernel.trim(),
        restic.split(" compiled").next().unwrap_or_default().trim(),
        load.split(' ').next().unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_judged_by_its_ratio_or_by_its_bound() {
        let ratio = |figure| Row::ratio("P0", "speed".to_owned(), figure, "s", ("bare", 2.0), Some(1.5));
        let bound = |goal| Row::bound("P0", "size".to_owned(), 10.0, "KiB", goal);

        assert_eq!((ratio(3.0).is_met(), ratio(3.1).is_met()), (Some(true), Some(false)));
        assert_eq!(
            (
                bound(Some(10.0)).is_met(),
                bound(Some(9.9)).is_met(),
                bound(None).is_met()
            ),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn the_page_shows_each_row_and_counts_what_was_missed() {
        let mut report = Report {
            machine: "a machine".to_owned(),
            rows: Vec::new(),
        };
        report.add(Row::ratio("P1", "speed".to_owned(), 3.0, "s", ("bare", 2.0), Some(1.2)));
        report.add(Row::bound("P2", "size".to_owned(), 10.0, "KiB", None));

        let page = report.page();

        assert!(page.contains("\nOn a machine.\n"), "{page}");
        assert!(
            page.contains("| P1 speed | 3.00 s | 2.00 s (bare) | 1.500 | ≤ 1.2 × | no |"),
            "{page}"
        );
        assert!(page.contains("| P2 size | 10.00 KiB |  |  |  |  |"), "{page}");
        assert!(
            page.ends_with("1 of the goals were missed: those with a \"no\".\n"),
            "{page}"
        );
    }
}
