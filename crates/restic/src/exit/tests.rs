//! What the recordings in `tests/replay/` do not show: our own stops, lost exit codes, made-up codes.

use std::path::PathBuf;

use domain::job::ResultCode;

use super::*;
use crate::{Lines, Redactor, Stream, Version};

const SUMMARY: &str = r#"{"message_type":"summary","files_new":1,"snapshot_id":"16a50796"}"#;
const REFUSED: &str =
    "Stat(<config/>) returned error, retrying after 1s: dial tcp 192.0.2.1:1: connect: connection refused";

#[test]
fn a_cancelled_command_is_cancelled_whatever_its_code() {
    for exit in [
        Exit::Code(1),
        Exit::Code(130),
        Exit::Code(2),
        Exit::Code(11),
        Exit::Signal(2),
        Exit::Signal(9),
        Exit::Unknown,
    ] {
        let outcome = backup(exit, Some(Stop::Cancel), "", "Fatal: context canceled");

        assert_eq!(outcome, Outcome::Cancelled, "{exit:?}");
    }
}

#[test]
fn a_cancel_that_came_too_late_does_not_hide_the_snapshot() {
    for (exit, expected) in [
        (Exit::Code(0), ResultCode::Ok),
        (Exit::Code(3), ResultCode::Issues),
        (Exit::Signal(9), ResultCode::Issues),
        (Exit::Unknown, ResultCode::Ok),
    ] {
        let outcome = backup(exit, Some(Stop::Cancel), SUMMARY, "");

        assert_eq!(outcome.result_code(), expected, "{exit:?}");
    }
}

#[test]
fn a_stop_that_nobody_asked_for_is_an_interruption() {
    for (exit, stderr) in [
        (Exit::Code(130), ""),
        (
            Exit::Code(1),
            "\u{1b}[2Ksignal interrupt received, cleaning up\nFatal: context canceled",
        ),
        (
            Exit::Code(1),
            "signal terminated received, cleaning up\nFatal: unable to save snapshot: error",
        ),
        (Exit::Signal(15), ""),
        (Exit::Signal(13), ""),
        (Exit::Unknown, "some text"),
    ] {
        assert_eq!(
            backup(exit, None, "", stderr),
            Outcome::Interrupted,
            "{exit:?} {stderr}"
        );
    }
}

#[test]
fn a_deadline_names_what_restic_was_waiting_for() {
    let waiting = backup(Exit::Code(130), Some(Stop::Deadline), "", REFUSED);
    let answered = format!("{REFUSED}\nStat(<config/>) operation successful after 1 retries");
    let slow = backup(Exit::Code(130), Some(Stop::Deadline), "", &answered);

    let Outcome::Failed { cause, .. } = waiting else {
        panic!("{waiting:?}")
    };
    assert_eq!(cause.code, FailureCode::Unreachable);
    assert_eq!(
        cause.message.as_str(),
        "dial tcp 192.0.2.1:1: connect: connection refused"
    );
    assert_eq!(slow, Outcome::TimedOut);
}

#[test]
fn a_process_that_nobody_waited_for_is_judged_by_its_last_line() {
    let locked =
        r#"{"message_type":"exit_error","code":11,"message":"repository is already locked by PID 7 on h by u"}"#;
    for (stdout, stderr, expected) in [
        (SUMMARY, "", ResultCode::Ok),
        ("", locked, ResultCode::Failed(FailureCode::RepoLocked)),
        (
            SUMMARY,
            r#"{"message_type":"exit_error","code":3,"message":"w"}"#,
            ResultCode::Issues,
        ),
        ("", "", ResultCode::Interrupted),
    ] {
        let outcome = backup(Exit::Unknown, None, stdout, stderr);

        assert_eq!(outcome.result_code(), expected, "{stderr}");
    }
    // An empty output proves nothing.
    assert_eq!(run(Kind::Unlock, Exit::Unknown, None, "", ""), Outcome::Interrupted);
}

#[test]
fn exit_0_without_its_effect_is_a_failure() {
    for kind in [Kind::Backup, Kind::Init, Kind::CatConfig, Kind::CatLock, Kind::Stats] {
        let outcome = run(kind, Exit::Code(0), None, "{\"message_type\":\"status\"}", "");

        assert_eq!(outcome.result_code().to_string(), "no_result", "{kind:?}");
    }
    for kind in [Kind::Snapshots, Kind::ListLocks, Kind::Unlock] {
        assert_eq!(
            run(kind, Exit::Code(0), None, "", "").result_code(),
            ResultCode::Ok,
            "{kind:?}"
        );
    }
}

#[test]
fn exit_3_without_a_named_item_shows_restics_own_reason() {
    let stderr =
        r#"{"message_type":"exit_error","code":3,"message":"repository data was missing and has been uploaded again"}"#;

    let outcome = backup(Exit::Code(3), None, SUMMARY, stderr);

    let Outcome::Issues { problems, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(problems.count(), 1);
    assert_eq!(
        problems.first()[0].message.as_str(),
        "repository data was missing and has been uploaded again"
    );
}

#[test]
fn exit_3_counts_only_for_a_backup_with_a_snapshot() {
    assert_eq!(backup(Exit::Code(3), None, "", "").result_code().to_string(), "exit_3");
    let snapshots = run(Kind::Snapshots, Exit::Code(3), None, "", "");
    assert_eq!(snapshots.result_code().to_string(), "exit_3");
}

#[test]
fn unknown_codes_are_failures_with_their_number() {
    for code in [1, 2, 4, 9, 13, 127, 255, -1] {
        let outcome = backup(Exit::Code(code), None, "", "something new");

        assert_eq!(outcome.result_code(), ResultCode::Failed(FailureCode::Exit(code)));
    }
}

#[test]
fn a_code_means_nothing_to_a_version_that_did_not_have_it() {
    for (version, code, expected) in [
        ("0.16.5", 10, FailureCode::Exit(10)),
        ("0.17.0", 10, FailureCode::RepoMissing),
        ("0.17.0", 11, FailureCode::RepoLocked),
        ("0.17.0", 12, FailureCode::Exit(12)),
        ("0.17.1", 12, FailureCode::WrongPassword),
    ] {
        let outcome = run_with(version, Kind::CatConfig, Exit::Code(code), None, "", "");

        assert_eq!(outcome.result_code(), ResultCode::Failed(expected), "{version} {code}");
    }
}

#[test]
fn a_text_means_nothing_where_the_version_has_a_code() {
    let text = "Fatal: wrong password or no key found";
    for (version, expected) in [("0.17.0", FailureCode::WrongPassword), ("0.17.1", FailureCode::Exit(1))] {
        let outcome = run_with(version, Kind::CatConfig, Exit::Code(1), None, "", text);

        assert_eq!(outcome.result_code(), ResultCode::Failed(expected), "{version}");
    }
}

#[test]
fn sources_that_were_missing_before_make_issues_once() {
    let missing = [PathBuf::from("/srv/gone"), PathBuf::from("/srv/away")];
    let ending = Ending {
        exit: Exit::Code(0),
        stop: None,
        missing_sources: &missing,
    };
    let transcript = transcript(Kind::Backup, SUMMARY, "/srv/gone does not exist, skipping");

    let outcome = classify(&Capabilities::of(Version::new(0, 18, 0)), transcript, ending);

    let Outcome::Issues { problems, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let items: Vec<&str> = problems.first().iter().map(|problem| problem.item.as_str()).collect();
    assert_eq!((problems.count(), items), (2, vec!["/srv/gone", "/srv/away"]));
}

#[test]
fn a_lock_names_its_owner() {
    let said = "unable to create lock in backend: repository is already locked by PID 7 on web-2 by root (UID 0, GID 0)\n\
                lock was created at 2026-11-22 01:37:44 (4.8s ago)\nstorage ID 24cf1fde";

    let outcome = backup(Exit::Code(11), None, "", said);

    let Outcome::Failed { cause, lock } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        cause.message.as_str(),
        "the repository is locked by process 7 of root on web-2 since 2026-11-22 01:37:44 (local time)"
    );
    assert_eq!(lock.map(|owner| owner.host), Some("web-2".to_owned()));
}

#[test]
fn a_failed_sftp_session_is_explained_by_ssh() {
    let fatal = "Fatal: unable to open repository at sftp:web-2:/x: unable to start the sftp session, error: EOF";
    for (ssh, expected) in [
        (
            "ssh: connect to host web-2 port 22: Connection refused",
            FailureCode::Unreachable,
        ),
        (
            "ssh: Could not resolve hostname web-2: Name or service not known",
            FailureCode::Unreachable,
        ),
        ("Host key verification failed.", FailureCode::Unreachable),
        ("root@web-2: Permission denied (publickey).", FailureCode::AccessDenied),
        ("something else", FailureCode::Exit(1)),
    ] {
        let plain = format!("subprocess ssh: {ssh}\n{fatal}");
        let json = format!("subprocess ssh: {ssh}\n{{\"message_type\":\"exit_error\",\"message\":\"{fatal}\"}}");

        for stderr in [plain, json] {
            let Outcome::Failed { cause, .. } = backup(Exit::Code(1), None, "", &stderr) else {
                panic!("{stderr}")
            };

            assert_eq!(cause.code, expected, "{stderr}");
            assert!(cause.message.as_str().contains(ssh), "{}", cause.message);
        }
    }
}

fn backup(exit: Exit, stop: Option<Stop>, stdout: &str, stderr: &str) -> Outcome {
    run(Kind::Backup, exit, stop, stdout, stderr)
}

fn run(kind: Kind, exit: Exit, stop: Option<Stop>, stdout: &str, stderr: &str) -> Outcome {
    run_with("0.18.0", kind, exit, stop, stdout, stderr)
}

fn run_with(version: &str, kind: Kind, exit: Exit, stop: Option<Stop>, stdout: &str, stderr: &str) -> Outcome {
    let ending = Ending {
        exit,
        stop,
        missing_sources: &[],
    };
    let capabilities = Capabilities::of(version.parse().unwrap());
    classify(&capabilities, transcript(kind, stdout, stderr), ending)
}

fn transcript(kind: Kind, stdout: &str, stderr: &str) -> Transcript {
    let mut transcript = Transcript::new(kind);
    for (stream, text) in [(Stream::Stdout, stdout), (Stream::Stderr, stderr)] {
        let mut lines = Lines::new(Redactor::default());
        lines.feed(text.as_bytes(), |line| transcript.observe(stream, &line));
        lines.finish(|line| transcript.observe(stream, &line));
    }
    transcript
}
