//! Every code that a job can end with is reached by a run of the real server, agent and restic; what is not says why.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use domain::job::{FailureCode, JobKind, ResultCode};

/// Where a code is shown.
struct Shown {
    code: &'static str,
    file: &'static str,
    /// A test of that file, or a row of a table in it.
    place: &'static str,
    /// What of it is not a run of the real server, agent and restic, and why; empty where all is.
    note: &'static str,
}

const WRONG: &str = "integration-tests/tests/what_goes_wrong.rs";
const ENDS: &str = "integration-tests/tests/how_jobs_end.rs";
const AWAY: &str = "integration-tests/tests/time_and_absence.rs";
const FULL: &str = "integration-tests/tests/faults/full_disks.rs";
const SECRETS: &str = "integration-tests/tests/faults/unreadable_secrets.rs";
const RECORDED: &str = "crates/restic/tests/replay/meanings.rs";

#[rustfmt::skip]
const SHOWN: &[Shown] = &[
    real("ok", WRONG, "a_wrong_password_is_told_and_the_right_one_mends_it"),
    real("issues", WRONG, "sources_that_do_not_exist_are_issues_and_all_missing_is_a_failure"),
    real("repo_missing", WRONG, "a_repository_that_has_gone_is_missing_and_not_made_anew"),
    real("repo_locked", WRONG, "a_repository_that_another_restic_holds_is_locked_until_that_has_ended"),
    real("wrong_password", WRONG, "a_wrong_password_is_told_and_the_right_one_mends_it"),
    real("access_denied", WRONG, "a_login_that_the_server_refuses_is_denied"),
    real("unreachable", WRONG, "a_server_that_does_not_answer_is_unreachable"),
    real("no_space", FULL, "a_backup_to_a_full_disk_fails_with_no_space_and_the_way_out"),
    real("source_missing", WRONG, "sources_that_do_not_exist_are_issues_and_all_missing_is_a_failure"),
    real("restic_missing", WRONG, "a_host_without_restic_says_so"),
    Shown { code: "restic_too_old", file: WRONG, place: "a_host_with_an_old_restic_says_so",
        note: "a restic that old is in no package; only its line about its version is played" },
    real("agent_secrets_unreadable", SECRETS, "an_agent_whose_credentials_do_not_open_says_which_file_and_writes_over_nothing"),
    real("repository_replaced", WRONG, "a_repository_that_was_replaced_gets_nothing_until_an_admin_has_confirmed_it"),
    real("location_not_empty", ENDS, "a_repository_is_made_anew_only_where_location_not_empty_is_not_the_answer"),
    real("invalid_repo_url", ENDS, "a_location_that_only_the_server_takes_is_an_invalid_repo_url"),
    real("invalid_value", ENDS, "a_backup_of_the_agents_own_files_is_an_invalid_value"),
    real("agent_failed", AWAY, "a_job_whose_files_find_their_place_taken_is_agent_failed_and_the_next_one_runs"),
    real("no_result", ENDS, "a_restic_that_somebody_left_in_rehearsal_has_no_result"),
    Shown { code: "exit_1", file: RECORDED, place: "backup_no_paths",
        note: "the agent never starts restic so that it ends like this; what the five versions said is recorded" },
    real("timed_out", ENDS, "a_storage_that_takes_connections_and_says_nothing_makes_jobs_timed_out"),
    real("interrupted", AWAY, "a_backup_whose_restic_somebody_kills_is_interrupted_and_leaves_no_lock"),
    real("lost", AWAY, "a_backup_of_a_host_that_has_forgotten_it_is_lost_and_the_host_goes_on"),
    real("expired", ENDS, "a_host_that_comes_too_late_finds_its_job_expired_and_does_not_run_it"),
    real("cancelled", AWAY, "a_running_backup_is_cancelled_and_leaves_no_lock"),
    real("refused", FULL, "a_job_for_a_host_whose_disk_is_full_is_refused_with_the_reason"),
];

/// Shown by a run of the real programs.
const fn real(code: &'static str, file: &'static str, place: &'static str) -> Shown {
    Shown {
        code,
        file,
        place,
        note: "",
    }
}

#[test]
fn every_code_is_shown_somewhere() {
    let others = [
        ResultCode::Ok,
        ResultCode::Issues,
        ResultCode::TimedOut,
        ResultCode::Interrupted,
        ResultCode::Lost,
        ResultCode::Expired,
        ResultCode::Cancelled,
        ResultCode::Refused,
        ResultCode::Failed(FailureCode::Exit(1)),
    ];
    let codes = FailureCode::NAMED.map(ResultCode::Failed).into_iter().chain(others);
    let codes: BTreeSet<String> = codes.map(|code| code.to_string()).collect();

    let shown: BTreeSet<String> = SHOWN.iter().map(|shown| shown.code.to_owned()).collect();

    assert_eq!(shown, codes);
}

#[test]
fn the_places_exist_and_speak_of_their_code() {
    for shown in SHOWN {
        let Shown { code, file, place, .. } = shown;

        let body = shown.body();

        let bare = code.replace('_', "");
        let said = body.to_lowercase().replace('_', "");
        assert!(said.contains(&bare), "{place} in {file} does not speak of {code}");
    }
}

/// The helpers of the suite that play a restic stand in the test's own body.
#[test]
fn what_is_not_a_real_run_says_why() {
    for shown in SHOWN {
        let Shown {
            code,
            file,
            place,
            note,
        } = shown;

        let body = shown.body();

        let is_played = ["Ledger", "fake_restic"].iter().any(|word| body.contains(word));
        let is_real = file.starts_with("integration-tests/tests/") && !is_played;
        assert_eq!(is_real, note.is_empty(), "{code}: {place} in {file}: {note:?}");
    }
}

#[test]
fn every_code_has_advice_for_every_kind_of_job() {
    for shown in SHOWN {
        let code: ResultCode = shown.code.parse().unwrap();
        for kind in JobKind::ALL {
            let advice = code.advice(kind);

            let speaks_of_backups = advice.contains("nothing was saved") || advice.contains("a new snapshot is not");
            assert!(
                kind == JobKind::Backup || !speaks_of_backups,
                "{code} of {kind}: {advice}"
            );
        }
    }
}

impl Shown {
    /// Its test to the end, else its line.
    fn body(&self) -> String {
        let Self { file, place, .. } = self;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = fs::read_to_string(root.join(file)).unwrap();
        let function = text.find(&format!("fn {place}(")).map(|from| (from, "\n}"));
        let found = function.or_else(|| text.find(place).map(|from| (from, "\n")));
        let (from, end) = found.unwrap_or_else(|| panic!("{file} has no {place}"));
        let rest = &text[from..];
        rest.find(end).map_or(rest, |end| &rest[..end]).to_owned()
    }
}
