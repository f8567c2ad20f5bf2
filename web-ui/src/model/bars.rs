//! The last backups of a host as bars.

use std::fmt::Write as _;

use domain::fleet::{RecentRuns, Run};
use proto::v1::{Job, JobPhase};

use super::status::{self, Tone};
use crate::i18n::t;

/// How many bars there are.
pub const MOST: usize = RecentRuns::MOST;
/// From one bar to the next, in pixels.
const STEP: usize = 6;

/// One shape: all bars of one result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The CSS class of the result.
    pub class: &'static str,
    /// The path of an SVG that is 178 pixels wide and 16 high.
    pub path: String,
}

/// The bars, and what they say in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars {
    /// One for each result that there is, so that a row of a table has few nodes.
    pub shapes: Vec<Shape>,
    /// The same as a sentence.
    pub sentence: String,
}

/// Draws backups, the newest first in `jobs`. Where there are fewer, feet stand for those that were not made.
pub fn bars(jobs: &[Job]) -> Bars {
    let phases: Vec<JobPhase> = jobs.iter().take(MOST).map(Job::phase).collect();
    draw(&phases)
}

/// Draws what a list of hosts says of each, such as `ok*27,issues,failed*2`. What a newer server says otherwise is not drawn.
pub fn of_runs(runs: &str) -> Bars {
    let runs: RecentRuns = runs.parse().unwrap_or_default();
    let phase = |run: &Run| match run {
        Run::Ok => JobPhase::Succeeded,
        Run::Issues => JobPhase::Warning,
        Run::Failed => JobPhase::Failed,
        Run::Cancelled => JobPhase::Cancelled,
    };
    let phases: Vec<JobPhase> = runs.as_slice().iter().rev().map(phase).collect();
    draw(&phases)
}

/// The newest first.
fn draw(phases: &[JobPhase]) -> Bars {
    // Each result with its class and how high its bar ends below the top.
    let results = [
        (Tone::Ok, "v-ok", 6),
        (Tone::Warn, "v-warn", 3),
        (Tone::Run, "v-run", 4),
        (Tone::Fail, "v-fail", 0),
    ];
    let verdicts: Vec<Tone> = phases.iter().map(|phase| verdict(*phase)).collect();
    let place = |index: usize| (MOST - 1 - index) * STEP;
    let mut shapes = Vec::new();
    for (tone, class, top) in results {
        let mut path = String::new();
        for (index, _) in verdicts.iter().enumerate().filter(|(_, verdict)| **verdict == tone) {
            // Writing to a String cannot fail.
            let _ = write!(
                path,
                "M{} 16V{}a1 1 0 0 1 1-1h2a1 1 0 0 1 1 1V16z",
                place(index),
                top + 1
            );
        }
        shapes.push(Shape { class, path });
    }
    let mut feet = String::new();
    let without = verdicts
        .iter()
        .enumerate()
        .filter(|(_, verdict)| **verdict == Tone::Off);
    for index in without.map(|(index, _)| index).chain(verdicts.len()..MOST) {
        // Writing to a String cannot fail.
        let _ = write!(feet, "M{} 14h4v2h-4z", place(index));
    }
    shapes.push(Shape {
        class: "v-none",
        path: feet,
    });
    shapes.retain(|shape| !shape.path.is_empty());
    let number = |tone| verdicts.iter().filter(|verdict| **verdict == tone).count();
    let latest = phases.first().map_or(t::BARS_NONE, |phase| status::job(*phase).label);
    Bars {
        shapes,
        sentence: t::bars(number(Tone::Ok), number(Tone::Warn), number(Tone::Fail), latest),
    }
}

/// A backup that somebody cancelled says nothing about whether backups work; one that never reached its host does.
fn verdict(phase: JobPhase) -> Tone {
    if phase == JobPhase::Expired {
        return Tone::Fail;
    }
    status::job(phase).tone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_at_the_right_and_each_result_is_one_shape() {
        let phases = [
            JobPhase::Failed,
            JobPhase::Succeeded,
            JobPhase::Cancelled,
            JobPhase::Succeeded,
        ];
        let jobs = phases.map(|phase| Job {
            phase: phase.into(),
            ..Job::default()
        });

        let bars = bars(&jobs);

        let classes: Vec<&str> = bars.shapes.iter().map(|shape| shape.class).collect();
        assert_eq!(classes, ["v-ok", "v-fail", "v-none"]);
        assert_eq!(bars.shapes[0].path.matches('M').count(), 2);
        assert!(bars.shapes[1].path.starts_with("M174 16V1a"), "{}", bars.shapes[1].path);
        assert_eq!(bars.shapes[2].path.matches('M').count(), 27);
        assert_eq!(bars.sentence, t::bars(2, 0, 1, t::JOB_FAILED));
    }

    #[test]
    fn a_list_of_runs_looks_like_the_jobs_it_tells_of() {
        let phases = [
            JobPhase::Failed,
            JobPhase::Warning,
            JobPhase::Succeeded,
            JobPhase::Succeeded,
        ];
        let jobs = phases.map(|phase| Job {
            phase: phase.into(),
            ..Job::default()
        });

        assert_eq!(of_runs("ok*2,issues,failed"), bars(&jobs));
        assert_eq!(of_runs(""), bars(&[]));
        assert_eq!(of_runs("splendid*3"), bars(&[]));
    }

    #[test]
    fn a_host_without_backups_has_feet_only() {
        let bars = bars(&[]);

        assert_eq!(bars.shapes.len(), 1);
        assert!(bars.sentence.contains(t::BARS_NONE));
    }
}
