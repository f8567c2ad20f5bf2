use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::subsequence;
use uuid::Uuid;

use super::*;
use crate::ByteSize;
use crate::id::UserId;

/// What becomes of a job in each state (rows) by each event (columns): the phase it goes to, `=` for no change at all,
/// `!` for a refusal. `withdrawn` is the unconfirmed form of cancelled, `gone` is lost after its start.
const TABLE: &str = "
             sent accepted preparing running progress finalizing adopted  succeeded cancel    refused expired withdrawn lost
queued       sent accepted preparing running =        finalizing running  succeeded cancelled refused expired withdrawn !
sent         =    accepted preparing running =        finalizing running  succeeded cancelled refused expired withdrawn lost
accepted     =    =        preparing running =        finalizing running  succeeded cancelled refused =       =         lost
preparing    =    =        =         running =        finalizing running  succeeded cancelled !       =       =         gone
running      =    =        =         =       running  finalizing =        succeeded cancelled !       =       =         gone
finalizing   =    =        =         =       =        =          =        succeeded cancelled !       =       =         gone
succeeded    =    =        =         =       =        =          =        =         !         !       =       =         =
warning      =    =        =         =       =        =          =        !         !         !       =       =         =
failed       =    =        =         =       =        =          =        !         !         !       =       =         =
cancelled    =    =        =         =       =        =          =        !         =         !       =       =         =
timed_out    =    =        =         =       =        =          =        !         !         !       =       =         =
interrupted  =    =        =         =       =        =          =        !         !         !       =       =         =
refused      =    =        =         =       =        =          =        !         !         =       =       =         =
withdrawn    =    accepted preparing running =        finalizing running  succeeded cancelled refused =       =         =
expired      =    accepted preparing running =        finalizing running  succeeded cancelled refused =       =         =
lost         =    =        gone      gone    =        gone       running  succeeded cancelled refused =       =         =
gone         =    =        =         =       =        =          running  succeeded cancelled !       =       =         =
";

#[test]
fn every_state_meets_every_event_as_the_table_says() {
    let mut lines = TABLE.trim_start_matches('\n').lines().map(str::split_whitespace);
    let columns: Vec<&str> = lines.next().unwrap().collect();
    let mut checked = 0;
    for mut row in lines {
        let from = row.next().unwrap();
        for (column, expected) in columns.iter().zip(row) {
            let state = state(from);

            let result = next(state.clone(), event(column));

            let found = match &result {
                Ok(unchanged) if *unchanged == state => "=",
                Ok(moved) => row_name(moved),
                Err(refusal) => {
                    assert_eq!(refusal.from, state.phase());
                    "!"
                }
            };
            assert_eq!(found, expected, "{from} + {column}");
            checked += 1;
        }
    }
    assert_eq!(checked, 17 * 13);
}

#[test]
fn the_table_has_every_phase() {
    for phase in Phase::ALL {
        assert_eq!(state(phase.as_str()).phase(), phase);
    }
}

#[test]
fn a_refusal_names_both_sides() {
    let refusal = next(state("succeeded"), event("refused")).unwrap_err();

    assert_eq!(
        refusal.to_string(),
        "a job that is succeeded cannot take the event refused"
    );
}

#[test]
fn a_late_report_of_numbers_does_not_replace_a_newer_one() {
    let numbers = |seconds| JobEvent::Progressed {
        at: time(20),
        progress: Progress {
            elapsed: Duration::from_secs(seconds),
            ..Progress::default()
        },
    };

    let job = [numbers(5), numbers(3)]
        .into_iter()
        .fold(state("running"), |state, event| next(state, event).unwrap());

    assert_eq!(
        job.progress().map(|progress| progress.elapsed),
        Some(Duration::from_secs(5))
    );
}

#[test]
fn the_end_says_when_the_work_began_though_no_start_was_reported() {
    let ended = next(state("sent"), event("succeeded")).unwrap();

    assert_eq!(ended.started_at(), Some(time(3)));
    assert_eq!(ended.finished_at(), Some(time(9)));
}

proptest! {
    /// A host's story has one end. The server may have given up on the job, once or in several ways, before it heard.
    #[test]
    fn duplicates_and_permutations_end_in_the_same_final_state(
        heard in subsequence(vec!["accepted", "preparing", "running", "progress", "finalizing"], 0..=5),
        end in prop::sample::select(vec!["succeeded", "warning", "failed", "cancel", "timed_out", "interrupted"]),
        guesses in subsequence(vec!["sent", "adopted", "expired", "withdrawn", "lost"], 0..=5),
        order in any::<prop::sample::Index>(),
        seed in prop::collection::vec(any::<prop::sample::Index>(), 24),
    ) {
        let mut story: Vec<&str> = heard.into_iter().chain([end]).chain(guesses).collect();
        story.push(story[order.index(story.len())]);
        story.push(end);
        shuffle(&mut story, &seed);

        let job = play(state("sent"), &story);

        prop_assert_eq!(job, next(state("sent"), event(end)).unwrap(), "{:?}", story);
    }

    #[test]
    fn a_refused_job_ends_refused_whatever_the_server_thought(
        guesses in subsequence(vec!["sent", "accepted", "expired", "withdrawn", "lost", "refused"], 0..=6),
        seed in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let mut story: Vec<&str> = guesses.into_iter().chain(["refused"]).collect();
        shuffle(&mut story, &seed);

        prop_assert_eq!(play(state("sent"), &story), state("refused"), "{:?}", story);
    }

    /// Without an end, one verdict of the server and any part of the host's story commute as well.
    #[test]
    fn one_verdict_and_the_hosts_word_commute(
        heard in subsequence(vec!["accepted", "preparing", "running", "finalizing"], 0..=4),
        verdict in prop::sample::select(vec!["expired", "withdrawn", "lost"]),
        seed in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let story: Vec<&str> = heard.into_iter().chain([verdict, verdict]).collect();
        let mut shuffled = story.clone();
        shuffle(&mut shuffled, &seed);

        prop_assert_eq!(play(state("sent"), &story), play(state("sent"), &shuffled), "{:?}", shuffled);
    }
}

#[test]
fn callers_see_five_statuses() {
    for (phase, status) in [
        ("queued", "queued"),
        ("sent", "queued"),
        ("accepted", "queued"),
        ("preparing", "running"),
        ("running", "running"),
        ("finalizing", "running"),
        ("succeeded", "succeeded"),
        ("warning", "succeeded"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("timed_out", "failed"),
        ("interrupted", "failed"),
        ("expired", "failed"),
        ("refused", "failed"),
        ("lost", "failed"),
    ] {
        let state = state(phase);

        assert_eq!(state.status().as_str(), status, "{phase}");
        assert_eq!(state.error(JobKind::Backup).is_some(), status == "failed", "{phase}");
        assert_eq!(state.with_issues(), phase == "warning");
        assert_eq!(state.is_terminal(), state.finished_at().is_some(), "{phase}");
        assert_eq!(state.is_terminal(), state.result_code().is_some(), "{phase}");
        assert_eq!(
            state.result_code().map_or(state.status(), ResultCode::status),
            state.status()
        );
        assert!(state.status().phases().any(|one| one == state.phase()));
    }
}

#[test]
fn an_error_is_advice_followed_by_what_was_reported() {
    let error = state("failed").error(JobKind::Backup).unwrap();

    assert!(error.starts_with("The repository does not open"), "{error}");
    assert!(error.ends_with("Reported: wrong password or no key found"), "{error}");
}

#[test]
fn a_stored_state_is_a_word_and_its_facts() {
    let state = state("failed");

    let facts = state.facts();

    assert_eq!(
        facts.to_string(),
        r#"{"cause":{"code":"wrong_password","exit_code":12,"message":"wrong password or no key found"},"finished_at":"1970-01-01T00:00:09Z","started_at":"1970-01-01T00:00:03Z"}"#
    );
    assert_eq!(JobState::from_stored("failed", &facts).unwrap(), state);
}

#[test]
fn every_state_survives_storing() {
    for name in TABLE.lines().skip(2).filter_map(|line| line.split_whitespace().next()) {
        let state = state(name);

        let back = JobState::from_stored(state.phase().as_str(), &state.facts()).unwrap();

        assert_eq!(back, state, "{name}");
    }
}

#[test]
fn the_exit_code_is_known_where_the_end_rests_on_one() {
    let repository = "ab".repeat(32).parse().unwrap();
    let init = JobEvent::Finished {
        at: time(9),
        outcome: Outcome::Succeeded {
            started_at: time(3),
            summary: Summary::Init { repository },
        },
    };

    let init = next(JobState::Queued, init).unwrap();

    assert_eq!(init.exit_code(), None);
    assert_eq!(init.summary().and_then(Summary::repository), Some(repository));
    assert_eq!(state("succeeded").exit_code(), Some(0));
    assert_eq!(state("warning").exit_code(), Some(3));
    assert_eq!(state("failed").exit_code(), Some(12));
    assert_eq!(state("lost").exit_code(), None);
}

#[test]
fn a_stored_state_that_lacks_a_fact_is_an_error() {
    let refused = JobState::from_stored("sent", &serde_json::json!({})).unwrap_err();

    assert!(refused.to_string().contains("sent_at"), "{refused}");
}

#[test]
fn result_codes_and_their_text_agree() {
    let named = FailureCode::NAMED.map(ResultCode::Failed);
    let others = Phase::ALL.map(|phase| state(phase.as_str()).result_code());
    let exits = [1, 130, -1].map(|code| ResultCode::Failed(FailureCode::Exit(code)));
    for code in named.into_iter().chain(others.into_iter().flatten()).chain(exits) {
        assert_eq!(code.to_string().parse(), Ok(code));
        for kind in JobKind::ALL {
            let advice = code.advice(kind);

            assert!(
                advice.ends_with('.') && advice.matches(". ").count() >= 1,
                "{code} {kind}: {advice}"
            );
        }
    }
    for text in ["", "OK", "exit_", "exit_01", "exit_+1", "exit_99999999999"] {
        assert_eq!(text.parse::<ResultCode>(), Err(InvalidResultCode), "{text}");
    }
}

#[test]
fn advice_speaks_of_what_the_job_was_for() {
    let wrong_password = ResultCode::Failed(FailureCode::WrongPassword);
    for (kind, means) in [
        (JobKind::Backup, "nothing was saved"),
        (JobKind::Init, "no repository was made"),
        (JobKind::Probe, "could not be opened"),
        (JobKind::Unlock, "no lock was removed"),
    ] {
        for code in [wrong_password, ResultCode::Expired, ResultCode::Refused] {
            let advice = code.advice(kind);

            assert!(advice.contains(means), "{code} of a {kind}: {advice}");
        }
    }
}

#[test]
fn kinds_and_their_words_agree() {
    for kind in JobKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert_eq!("prune".parse::<JobKind>(), Err(InvalidJobKind));
    assert!(JobKind::Probe.runs_beside_others() && !JobKind::Backup.runs_beside_others());
}

#[test]
fn problems_are_all_counted_and_the_first_hundred_kept() {
    let mut problems = Problems::default();
    for number in 0..250 {
        problems.push(Problem {
            item: format!("/{number}/{}", "long".repeat(2000)).into(),
            message: "permission denied".into(),
        });
    }

    assert_eq!((problems.count(), problems.first().len()), (250, 100));
    assert!(problems.first()[99].item.as_str().starts_with("/99/"));
    assert!(problems.first().iter().all(|one| one.item.as_str().len() <= 1000));
    assert_eq!(Problems::new(3, problems.first().to_vec()).count(), 100);
}

#[test]
fn percent_follows_the_bytes() {
    for (done, total, percent) in [
        (0, 0, None),
        (1, 3, Some(33)),
        (3, 3, Some(100)),
        (9, 3, Some(100)),
        (u64::MAX, u64::MAX, Some(100)),
    ] {
        let progress = Progress {
            bytes_done: ByteSize::from_bytes(done),
            bytes_total: ByteSize::from_bytes(total),
            ..Progress::default()
        };

        assert_eq!(progress.percent_done(), percent, "{done} of {total}");
    }
}

/// Applies what can be applied; what contradicts is dropped, as a receiver does.
fn play(from: JobState, story: &[&str]) -> JobState {
    story.iter().fold(from, |state, name| {
        let kept = state.clone();
        next(state, event(name)).unwrap_or(kept)
    })
}

fn shuffle(story: &mut [&str], seed: &[prop::sample::Index]) {
    for (position, swap) in (1..story.len()).rev().zip(seed) {
        story.swap(position, swap.index(position + 1));
    }
}

fn row_name(state: &JobState) -> &'static str {
    if matches!(state, JobState::Cancelled { confirmed: false, .. }) {
        return "withdrawn";
    }
    if state.phase() == Phase::Lost && state.started_at().is_some() {
        return "gone";
    }
    state.phase().as_str()
}

fn state(name: &str) -> JobState {
    let started_at = time(3);
    let event = match name {
        "queued" => return JobState::Queued,
        "sent" => return JobState::Sent { sent_at: time(1) },
        "running" => {
            return JobState::Running {
                started_at,
                progress: Some(Progress::default()),
            };
        }
        "gone" => {
            return JobState::Lost {
                started_at: Some(started_at),
                finished_at: time(8),
            };
        }
        "lost" => {
            return JobState::Lost {
                started_at: None,
                finished_at: time(8),
            };
        }
        "cancelled" => event("cancel"),
        other => event(other),
    };
    next(JobState::Queued, event).unwrap()
}

fn event(name: &str) -> JobEvent {
    let started_at = time(3);
    let summary = Summary::Backup(BackupSummary::default());
    let outcome = match name {
        "sent" => return JobEvent::Sent { at: time(1) },
        "accepted" => return JobEvent::Reached(Stage::Accepted { at: time(2) }),
        "preparing" => return JobEvent::Reached(Stage::Preparing { started_at }),
        "running" => return JobEvent::Reached(Stage::Running { started_at }),
        "finalizing" => return JobEvent::Reached(Stage::Finalizing { started_at }),
        "adopted" => return JobEvent::Adopted(Stage::Running { started_at }),
        "refused" => {
            return JobEvent::Refused {
                at: time(9),
                message: "the agent's policy does not allow it".into(),
            };
        }
        "expired" => return JobEvent::Expired { at: time(8) },
        "withdrawn" => {
            return JobEvent::Withdrawn {
                at: time(8),
                by: somebody(),
            };
        }
        "lost" => return JobEvent::Lost { at: time(8) },
        "progress" => {
            return JobEvent::Progressed {
                at: time(4),
                progress: Progress {
                    files_done: 1,
                    ..Progress::default()
                },
            };
        }
        "succeeded" => Outcome::Succeeded { started_at, summary },
        "warning" => Outcome::Warning {
            started_at,
            summary,
            problems: Problems::default(),
        },
        "failed" => Outcome::Failed {
            started_at: Some(started_at),
            cause: FailureCause {
                code: FailureCode::WrongPassword,
                exit_code: Some(12),
                message: "wrong password or no key found".into(),
            },
        },
        "cancel" => Outcome::Cancelled {
            started_at: Some(started_at),
            by: somebody(),
        },
        "timed_out" => Outcome::TimedOut {
            started_at,
            message: "the deadline of 60 seconds".into(),
        },
        "interrupted" => Outcome::Interrupted {
            started_at,
            message: "the host has rebooted".into(),
        },
        other => panic!("no such event: {other}"),
    };
    JobEvent::Finished { at: time(9), outcome }
}

fn somebody() -> Actor {
    Actor::User(UserId::from_uuid(Uuid::from_u128(1)))
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_seconds(second, 0).unwrap()
}
