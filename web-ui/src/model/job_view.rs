//! What the page of a job says beside its log.

use proto::v1::{Job, JobKind, JobPhase, JobProgress};

use super::format::{bytes, count, duration};
use super::status::{Badge, Tone};
use crate::i18n::t;

/// One step of a job, for the strip above its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub label: &'static str,
    /// How it went.
    pub badge: Badge,
    /// How long it took; empty when that is not known.
    pub took: String,
    /// Whether the job is in it.
    pub is_now: bool,
    /// Whether it is still to come.
    pub is_to_come: bool,
}

/// The steps of a job: waiting, getting ready, restic, and the list of snapshots after a backup.
pub fn steps(job: &Job, now: i64) -> Vec<Step> {
    let (created, started) = (crate::millis!(job.created_at), crate::millis!(job.started_at));
    let finished = crate::millis!(job.finished_at);
    let at = place(job.phase());
    let labels = [
        t::STEP_QUEUED,
        t::STEP_PREPARING,
        restic_step(job.kind()),
        t::STEP_FINALIZING,
    ];
    let shown = if job.kind() == JobKind::Backup { 4 } else { 3 };
    let reached = at.unwrap_or(if started.is_some() { shown } else { 1 });
    labels
        .into_iter()
        .take(shown)
        .enumerate()
        .map(|(index, label)| {
            let is_now = at == Some(index);
            let took = match index {
                0 => created.map(|created| (created, started.or(finished).unwrap_or(now))),
                2 if started.is_some() => started.map(|started| (started, finished.unwrap_or(now))),
                _ => None,
            };
            Step {
                label,
                badge: badge(job, is_now, index < reached, index + 1 == reached.min(shown)),
                took: took.map_or_else(String::new, |(from, to)| duration(seconds(from, to))),
                is_now,
                is_to_come: index >= reached && !is_now,
            }
        })
        .collect()
}

/// Which step a phase is in; `None` when the job has ended.
fn place(phase: JobPhase) -> Option<usize> {
    match phase {
        JobPhase::Unspecified | JobPhase::Queued | JobPhase::Sent | JobPhase::Accepted => Some(0),
        JobPhase::Preparing => Some(1),
        JobPhase::Running => Some(2),
        JobPhase::Finalizing => Some(3),
        JobPhase::Succeeded
        | JobPhase::Warning
        | JobPhase::Failed
        | JobPhase::Cancelled
        | JobPhase::TimedOut
        | JobPhase::Interrupted
        | JobPhase::Expired
        | JobPhase::Refused
        | JobPhase::Lost => None,
    }
}

fn badge(job: &Job, is_now: bool, is_behind: bool, is_last_behind: bool) -> Badge {
    let done = |label, tone, glyph| Badge { label, tone, glyph };
    if is_now && job.started_at.is_none() {
        return done(t::JOB_QUEUED, Tone::Off, "g-pending");
    }
    if is_now {
        return done(t::JOB_RUNNING, Tone::Run, "g-run");
    }
    if !is_behind {
        return done(t::STEP_TO_COME, Tone::Off, "g-pending");
    }
    let verdict = super::status::job(job.phase());
    // How the job ended shows where it ended.
    if job.finished_at.is_some() && is_last_behind && verdict.tone != Tone::Ok {
        return verdict;
    }
    done(t::STEP_DONE, Tone::Ok, "g-ok")
}

fn restic_step(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Backup => t::STEP_BACKUP,
        JobKind::Init
        | JobKind::Probe
        | JobKind::Snapshots
        | JobKind::Unlock
        | JobKind::Stats
        | JobKind::Unspecified => t::STEP_RESTIC,
    }
}

/// Seconds between two times; none when they are in the wrong order, as clocks of two machines may have it.
pub fn seconds(from: i64, to: i64) -> u64 {
    u64::try_from(to.saturating_sub(from) / 1000).unwrap_or(0)
}

/// How long a job took, or has taken so far; `None` before it started.
pub fn took(job: &Job, now: i64) -> Option<u64> {
    let started = crate::millis!(job.started_at)?;
    let finished = crate::millis!(job.finished_at);
    Some(seconds(started, finished.unwrap_or(now)))
}

/// A name and a value under it.
pub type Figure = (&'static str, String);

/// The figures of a running backup.
pub fn progress_figures(progress: &JobProgress) -> Vec<Figure> {
    vec![
        (
            t::FIGURE_READ,
            t::of(&bytes(progress.bytes_done), &bytes(progress.total_bytes)),
        ),
        (
            t::FIGURE_FILES,
            t::of(&count(progress.files_done), &count(progress.total_files)),
        ),
        (t::FIGURE_SPEED, t::per_second(&bytes(speed(progress)))),
        (t::FIGURE_UNREADABLE, t::files(progress.error_count)),
    ]
}

fn speed(progress: &JobProgress) -> u64 {
    progress.bytes_done.checked_div(progress.seconds_elapsed).unwrap_or(0)
}

/// The figures of an ended backup; empty for other jobs.
pub fn summary_figures(job: &Job) -> Vec<Figure> {
    let Some(summary) = &job.summary else {
        return Vec::new();
    };
    let added = summary.data_added_packed.unwrap_or(summary.data_added);
    vec![
        (t::FIGURE_ADDED, bytes(added)),
        (t::FIGURE_READ, bytes(summary.total_bytes_processed)),
        (t::FIGURE_NEW, count(summary.files_new)),
        (t::FIGURE_CHANGED, count(summary.files_changed)),
        (t::FIGURE_UNMODIFIED, count(summary.files_unmodified)),
        (t::FIGURE_UNREADABLE, t::files(summary.issue_count)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_shows_where_a_job_is() {
        let cases = [
            (JobPhase::Sent, false, false, "now later later later"),
            (JobPhase::Preparing, true, false, "done now later later"),
            (JobPhase::Running, true, false, "done done now later"),
            (JobPhase::Finalizing, true, false, "done done done now"),
            (JobPhase::Succeeded, true, true, "done done done done"),
            (JobPhase::Failed, true, true, "done done done Failed"),
            (JobPhase::Expired, false, true, "Expired later later later"),
        ];
        for (phase, started, finished, expected) in cases {
            let mut job = job(phase);
            job.started_at = started.then(|| time(10));
            job.finished_at = finished.then(|| time(70));

            let steps = steps(&job, 100_000);

            let shown: Vec<&str> = steps
                .iter()
                .map(|step| match (step.is_now, step.is_to_come) {
                    (true, _) => "now",
                    (_, true) => "later",
                    _ if step.badge.tone == Tone::Ok => "done",
                    _ => step.badge.label,
                })
                .collect();
            assert_eq!(shown.join(" "), expected, "{phase:?}");
        }
    }

    #[test]
    fn times_are_told_from_what_the_job_says() {
        let mut job = job(JobPhase::Running);
        assert_eq!(took(&job, 90_000), None);
        job.started_at = Some(time(10));

        assert_eq!(took(&job, 90_000), Some(80));
        assert_eq!(steps(&job, 90_000)[2].took, "1 min 20 s");
        job.finished_at = Some(time(5));
        assert_eq!(took(&job, 90_000), Some(0));
    }

    #[test]
    fn speed_needs_time() {
        let mut progress = JobProgress {
            bytes_done: 10 << 20,
            ..JobProgress::default()
        };
        assert_eq!(speed(&progress), 0);
        progress.seconds_elapsed = 5;
        assert_eq!(progress_figures(&progress)[2].1, "2.00 MiB/s");
    }

    fn job(phase: JobPhase) -> Job {
        Job {
            kind: JobKind::Backup.into(),
            phase: phase.into(),
            created_at: Some(time(0)),
            ..Job::default()
        }
    }

    fn time(seconds: i64) -> pbjson_types::Timestamp {
        pbjson_types::Timestamp { seconds, nanos: 0 }
    }
}
