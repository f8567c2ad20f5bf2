//! Every code that a job can end with is reached by a run: of the real restic, of a recorded one, or of programs of ours.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use domain::job::{FailureCode, JobKind, ResultCode};

/// Where each code is shown: the file, and the test or recording in it.
const SHOWN: &[(&str, &str, &str)] = &[
    (
        "ok",
        "agent/tests/jobs.rs",
        "a_backup_makes_a_snapshot_that_restic_confirms",
    ),
    (
        "issues",
        "agent/tests/jobs.rs",
        "a_missing_source_is_an_issue_and_none_left_a_failure",
    ),
    (
        "repo_missing",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_repository_that_has_gone_is_missing_and_not_made_anew",
    ),
    (
        "repo_locked",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_repository_that_another_restic_holds_is_locked_until_that_has_ended",
    ),
    (
        "wrong_password",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_wrong_password_is_told_and_the_right_one_mends_it",
    ),
    (
        "access_denied",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_login_that_the_server_refuses_is_denied",
    ),
    (
        "unreachable",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_server_that_does_not_answer_is_unreachable",
    ),
    (
        "no_space",
        "integration-tests/tests/faults/full_disks.rs",
        "a_backup_to_a_full_disk_fails_with_no_space_and_the_way_out",
    ),
    (
        "source_missing",
        "integration-tests/tests/what_goes_wrong.rs",
        "sources_that_do_not_exist_are_issues_and_all_missing_is_a_failure",
    ),
    (
        "restic_missing",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_host_without_restic_says_so",
    ),
    (
        "restic_too_old",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_host_with_an_old_restic_says_so",
    ),
    (
        "agent_secrets_unreadable",
        "agent/tests/session.rs",
        "unreadable_secrets_are_reported_and_not_written_over",
    ),
    (
        "repository_replaced",
        "integration-tests/tests/what_goes_wrong.rs",
        "a_repository_that_was_replaced_gets_nothing_until_an_admin_has_confirmed_it",
    ),
    (
        "location_not_empty",
        "agent/tests/repository.rs",
        "a_repository_is_made_anew_where_none_is_and_nowhere_else",
    ),
    (
        "invalid_repo_url",
        "agent/tests/faults.rs",
        "what_the_agent_itself_refuses_has_codes_of_its_own",
    ),
    (
        "invalid_value",
        "agent/tests/jobs.rs",
        "the_agents_own_files_are_in_no_snapshot",
    ),
    (
        "agent_failed",
        "agent/tests/faults.rs",
        "what_the_agent_itself_refuses_has_codes_of_its_own",
    ),
    (
        "no_result",
        "agent/tests/faults.rs",
        "a_success_that_names_no_snapshot_is_none",
    ),
    ("exit_1", "crates/restic/tests/replay/meanings.rs", "backup_no_paths"),
    (
        "timed_out",
        "agent/tests/faults.rs",
        "a_backup_beyond_its_time_is_stopped",
    ),
    (
        "interrupted",
        "agent/tests/faults.rs",
        "a_restic_that_somebody_kills_is_an_interrupted_job",
    ),
    (
        "lost",
        "crates/domain/src/job/tests.rs",
        "sent accepted preparing running progress",
    ),
    (
        "expired",
        "server/tests/sessions.rs",
        "a_command_whose_time_is_over_ends_its_job",
    ),
    (
        "cancelled",
        "agent/tests/faults.rs",
        "a_cancelled_backup_ends_when_restic_says_goodbye",
    ),
    (
        "refused",
        "server/tests/sessions.rs",
        "a_refused_command_ends_its_job_and_says_why",
    ),
];

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

    let shown: BTreeSet<String> = SHOWN.iter().map(|(code, ..)| (*code).to_owned()).collect();

    assert_eq!(shown, codes);
}

#[test]
fn the_places_exist_and_speak_of_their_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (code, file, place) in SHOWN {
        let text = fs::read_to_string(root.join(file)).unwrap();

        let body = body(&text, place).unwrap_or_else(|| panic!("{file} has no {place}"));

        let bare = code.replace('_', "");
        let said = body.to_lowercase().replace('_', "");
        assert!(said.contains(&bare), "{place} in {file} does not speak of {code}");
    }
}

#[test]
fn every_code_has_advice_for_every_kind_of_job() {
    for (code, ..) in SHOWN {
        let code: ResultCode = code.parse().unwrap();
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

/// A function to its end, else a line.
fn body<'a>(text: &'a str, place: &str) -> Option<&'a str> {
    let function = text.find(&format!("fn {place}(")).map(|from| (from, "\n}"));
    let (from, end) = function.or_else(|| text.find(place).map(|from| (from, "\n")))?;
    let rest = &text[from..];
    Some(rest.find(end).map_or(rest, |end| &rest[..end]))
}
