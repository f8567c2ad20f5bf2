//! Reads every recorded run through the parsers and says what it means.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use restic::{
    Capabilities, Ending, Exit, Facts, Kind, Lines, Outcome, Redactor, Snapshot, Stop, Stream, Transcript, Version,
    classify, read_snapshots,
};
use serde_json::Value;

#[path = "replay/meanings.rs"]
mod meanings;

use meanings::MEANINGS;

const VERSIONS: [&str; 5] = ["0.14.0", "0.16.5", "0.17.3", "0.18.0", "0.19.1"];

#[test]
fn every_recorded_run_means_what_the_table_says() {
    let mut wrong = Vec::new();
    for version in VERSIONS {
        for run in runs(version).iter().filter(|run| !run.name.starts_with("version")) {
            let Some((_, kind, meanings)) = MEANINGS.iter().find(|(name, ..)| *name == run.name) else {
                wrong.push(format!("{version} {}: not in the table", run.name));
                continue;
            };
            let expected = meaning(meanings, version);
            let actual = run.meaning(*kind);
            if actual != expected {
                wrong.push(format!("{version} {}: expected {expected:?}, is {actual:?}", run.name));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_no_run_that_was_not_recorded() {
    let recorded: BTreeSet<String> = VERSIONS
        .iter()
        .flat_map(|version| runs(version))
        .map(|run| run.name)
        .collect();

    for (name, ..) in MEANINGS {
        assert!(recorded.contains(*name), "{name}");
    }
}

#[test]
fn the_version_is_read_from_what_each_version_prints() {
    for version in VERSIONS {
        for run in runs(version).iter().filter(|run| run.name.starts_with("version")) {
            let output = String::from_utf8(run.stdout.clone()).unwrap();

            assert_eq!(Version::from_output(&output), version.parse().ok(), "{}", run.name);
        }
    }
}

#[test]
fn a_run_that_a_signal_ended_is_cancelled_when_we_sent_it() {
    for version in VERSIONS {
        for run in runs(version).iter().filter(|run| run.name.contains("signal_")) {
            let (outcome, _) = run.outcome(Kind::Backup, Some(Stop::Cancel));

            assert_eq!(outcome, Outcome::Cancelled, "{version} {}", run.name);
        }
    }
}

#[test]
fn a_deadline_on_a_dead_endpoint_is_unreachable() {
    for version in ["0.18.0", "0.19.1"] {
        let run = run(version, "rest_connection_refused");

        let (outcome, transcript) = run.outcome(Kind::Snapshots, Some(Stop::Deadline));

        assert_eq!(outcome.result_code().to_string(), "unreachable", "{version}");
        assert!(transcript.waiting_for_repository().is_some());
    }
}

#[test]
fn the_summary_says_the_same_in_every_version() {
    for version in VERSIONS {
        let run = run(version, "backup_first");

        let (outcome, _) = run.outcome(Kind::Backup, None);

        let Outcome::Ok(Facts::Backup { summary, snapshot_id }) = outcome else {
            panic!("{version}: {outcome:?}")
        };
        assert_eq!(
            (summary.files_new, summary.files_changed, summary.files_unmodified),
            (20, 0, 0)
        );
        assert_eq!((summary.dirs_new, summary.dirs_changed), (12, 0));
        assert_eq!(
            (summary.files_processed, summary.bytes_processed.as_bytes()),
            (20, 1_219_607)
        );
        assert!(summary.bytes_added.as_bytes() > 1_200_000 && !summary.duration.is_zero());
        // Size as stored since 0.17, full ids since 0.16.
        assert_eq!(summary.bytes_packed.is_some(), version >= "0.17", "{version}");
        assert_eq!(
            summary.snapshot.map(|id| id.to_string()),
            (version >= "0.16").then(|| snapshot_id.clone())
        );
        assert_eq!(snapshot_id.len(), if version >= "0.16" { 64 } else { 8 });
    }
}

#[test]
fn unreadable_items_carry_the_reason_that_the_version_gives() {
    for (version, closed, secret) in [
        (
            "0.14.0",
            "could not be read; this restic gives no reason",
            "open: permission denied",
        ),
        (
            "0.16.5",
            "could not be read; this restic gives no reason",
            "open: permission denied",
        ),
        (
            "0.17.3",
            "data/closed: permission denied",
            "data/secret: permission denied",
        ),
        (
            "0.18.0",
            "data/closed: permission denied",
            "data/secret: permission denied",
        ),
        (
            "0.19.1",
            "data/closed: permission denied",
            "data/secret: permission denied",
        ),
    ] {
        let (outcome, _) = run(version, "backup_unreadable_exit3").outcome(Kind::Backup, None);

        let Outcome::Issues { problems, .. } = outcome else {
            panic!("{version}: {outcome:?}")
        };
        assert_eq!(problems.count(), 2);
        assert!(
            problems.first()[0].message.as_str().ends_with(closed),
            "{version}: {problems:?}"
        );
        assert!(
            problems.first()[1].message.as_str().ends_with(secret),
            "{version}: {problems:?}"
        );
    }
}

#[test]
fn snapshots_carry_what_the_version_stores() {
    for version in VERSIONS {
        let run = run(version, "short_snapshots");

        let snapshots = run.snapshots().unwrap();

        let first = &snapshots[0];
        assert_eq!(
            (first.hostname.as_str(), first.tags.join(",").as_str()),
            ("host-a", "t1")
        );
        assert_eq!(first.paths, [format!("/srv/sample/restic/work/{version}/short-data")]);
        assert_eq!(
            first.program_version,
            (version >= "0.16").then(|| format!("restic {version}")),
            "{version}"
        );
        assert_eq!(first.size.is_some(), version >= "0.17", "{version}");
        assert_eq!(first.file_count, (version >= "0.17").then_some(1), "{version}");
        assert!(first.time < snapshots[1].time);
    }
}

#[test]
fn progress_is_read_from_status_lines() {
    let mut latest = None;
    let mut lines = Lines::new(Redactor::default());
    lines.feed(&run("0.17.3", "backup_slow_status").stdout, |line| {
        if let restic::Line::Event {
            event: restic::Event::Status(progress),
            ..
        } = line
        {
            latest = Some(progress);
        }
    });

    let progress = latest.unwrap();
    assert_eq!((progress.files_done, progress.files_total), (8, 8));
    assert_eq!(progress.percent_done(), Some(100));
    assert_eq!(progress.elapsed.as_secs(), 3);
}

/// One recorded run.
struct Run {
    version: &'static str,
    name: String,
    rc: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    cut: bool,
}

impl Run {
    fn meaning(&self, kind: Kind) -> String {
        let (outcome, transcript) = self.outcome(kind, None);
        if self.cut {
            return "cut".to_owned();
        }
        if let Some(code) = transcript.hopeless() {
            let (stopped, _) = self.outcome(kind, Some(Stop::Hopeless));
            assert_eq!(stopped.result_code().to_string(), code.to_string());
            return format!("hopeless: {code}");
        }
        match outcome {
            Outcome::Ok(facts) => format!("ok, {}", self.facts(&facts)),
            Outcome::Issues { facts, problems } => {
                let items: Vec<&str> = problems
                    .first()
                    .iter()
                    .map(|problem| tail(problem.item.as_str()))
                    .collect();
                format!("issues, {}: {}", self.facts(&facts), items.join(" "))
            }
            Outcome::Failed { cause, lock: Some(_) } => {
                let owner = cause.message.as_str().trim_start_matches("the repository is ");
                let words: Vec<&str> = owner.split(' ').take(4).collect();
                format!("{}: {}", cause.code, words.join(" "))
            }
            Outcome::Failed { cause, lock: None } => {
                assert!(!cause.message.is_empty(), "{} {} says nothing", self.version, self.name);
                assert!(!cause.message.as_str().contains("github.com"), "{}", cause.message);
                match cause.message.as_str().strip_prefix("the cache directory") {
                    Some(_) => format!("{}: the cache", cause.code),
                    None => cause.code.to_string(),
                }
            }
            Outcome::Cancelled | Outcome::TimedOut | Outcome::Interrupted => outcome.result_code().to_string(),
        }
    }

    fn facts(&self, facts: &Facts) -> String {
        match facts {
            Facts::Backup { .. } => "snapshot".to_owned(),
            Facts::Init {
                repository: None,
                adopted,
            } => if *adopted { "adopted" } else { "made" }.to_owned(),
            Facts::Init {
                repository: Some(_), ..
            } => "made, repository".to_owned(),
            Facts::CatConfig { .. } => "repository".to_owned(),
            Facts::Snapshots => format!("{} snapshots", self.snapshots().unwrap().len()),
            Facts::ListLocks { ids } => format!("{} locks", ids.len()),
            Facts::CatLock { lock } => format!(
                "lock of {} {}",
                lock.hostname,
                if lock.exclusive { "exclusive" } else { "shared" }
            ),
            Facts::Unlock => "unlocked".to_owned(),
            Facts::Stats { stats } => format!(
                "{} bytes{}, {} snapshots",
                stats.total.as_bytes(),
                if stats.uncompressed.is_some() {
                    " compressed"
                } else {
                    ""
                },
                stats.snapshots.unwrap_or(0)
            ),
        }
    }

    fn outcome(&self, kind: Kind, stop: Option<Stop>) -> (Outcome, Transcript) {
        let exit = if self.rc < 0 {
            Exit::Signal(-self.rc)
        } else {
            Exit::Code(self.rc)
        };
        let ending = Ending {
            exit,
            stop,
            missing_sources: &[],
        };
        let capabilities = Capabilities::of(self.version.parse().unwrap());
        (
            classify(&capabilities, self.transcript(kind), ending),
            self.transcript(kind),
        )
    }

    fn transcript(&self, kind: Kind) -> Transcript {
        let mut transcript = Transcript::new(kind);
        for (stream, bytes) in [(Stream::Stdout, &self.stdout), (Stream::Stderr, &self.stderr)] {
            let mut lines = Lines::new(Redactor::default());
            lines.feed(bytes, |line| transcript.observe(stream, &line));
            lines.finish(|line| transcript.observe(stream, &line));
        }
        transcript
    }

    fn snapshots(&self) -> Result<Vec<Snapshot>, restic::Error> {
        let mut snapshots = Vec::new();
        read_snapshots(self.stdout.as_slice(), 1000, |snapshot| snapshots.push(snapshot))?;
        Ok(snapshots)
    }
}

fn meaning(meanings: &[(&str, &'static str)], version: &str) -> &'static str {
    let parse = |text: &str| text.parse::<Version>().unwrap();
    let applies = |(since, _): &&(&str, &str)| parse(since) <= parse(version);
    meanings.iter().rfind(applies).unwrap().1
}

fn run(version: &'static str, name: &str) -> Run {
    runs(version).into_iter().find(|run| run.name == name).unwrap()
}

fn runs(version: &'static str) -> Vec<Run> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay").join(version);
    let index: Value = serde_json::from_slice(&fs::read(directory.join("index.json")).unwrap()).unwrap();
    let runs: Vec<Run> = index
        .as_array()
        .unwrap()
        .iter()
        .map(|row| Run {
            version,
            name: row["name"].as_str().unwrap().to_owned(),
            rc: row["rc"].as_i64().unwrap().try_into().unwrap(),
            stdout: stream(&directory, &row["stdout"]),
            stderr: stream(&directory, &row["stderr"]),
            cut: row["stdout_cut"].as_bool().unwrap_or(false),
        })
        .collect();
    assert!(runs.len() > 40, "{version} has {} runs", runs.len());
    runs
}

fn stream(directory: &Path, file: &Value) -> Vec<u8> {
    match file.as_str() {
        Some(name) => fs::read(directory.join(name)).unwrap(),
        None => Vec::new(),
    }
}

/// The last two parts of a path, without the machine that it was recorded on.
fn tail(item: &str) -> &str {
    if !item.starts_with("/srv/sample/") {
        return item;
    }
    let path = PathBuf::from(item);
    let parent = path
        .parent()
        .and_then(Path::parent)
        .map_or(0, |parent| parent.as_os_str().len() + 1);
    &item[parent..]
}
