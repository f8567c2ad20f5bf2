use std::time::Duration;

use domain::id::UserId;
use domain::job::{CancelRequest, FailureCause, FailureCode, JobState, LogExtent};
use domain::{ByteSize, Timestamp};
use uuid::Uuid;

use super::*;

#[test]
fn a_job_to_run_says_which_work() {
    for (message, expected) in [
        (
            run("backup", &["/srv", "C:\\Data"], &[]),
            Work::Backup(paths(&["/srv", "C:\\Data"])),
        ),
        (
            run("backup", &[], &[ID]),
            Work::Backup(Sources::Groups(vec![ID.parse().unwrap()])),
        ),
        (run("backup", &[], &[]), Work::Backup(Sources::OnlyGroup)),
        (run("init", &[], &[]), Work::Init),
        (run("probe", &[], &[]), Work::Probe),
        (run("snapshots", &[], &[]), Work::Snapshots),
        (run("unlock", &[], &[]), Work::Unlock { all: false }),
        (run("stats", &[], &[]), Work::Stats),
        (
            v1::RunJobRequest {
                remove_all: true,
                ..run("unlock", &[], &[])
            },
            Work::Unlock { all: true },
        ),
    ] {
        let read = RunJob::try_from(message).unwrap();

        assert_eq!(read.work, expected);
    }
}

#[test]
fn every_field_of_a_job_to_run_is_checked() {
    let many: Vec<String> = (0..257).map(|number| format!("/{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let groups = [ID; 65];
    for (message, field, code) in [
        (
            v1::RunJobRequest {
                host_id: String::new(),
                ..run("init", &[], &[])
            },
            "host_id",
            ErrorCode::MissingField,
        ),
        (
            v1::RunJobRequest {
                host_id: "x".into(),
                ..run("init", &[], &[])
            },
            "host_id",
            ErrorCode::InvalidArgument,
        ),
        (run("", &[], &[]), "kind", ErrorCode::MissingField),
        (run("prune", &[], &[]), "kind", ErrorCode::InvalidKind),
        (run("Backup", &[], &[]), "kind", ErrorCode::InvalidKind),
        (run("backup", &["/srv", "srv"], &[]), "args[1]", ErrorCode::InvalidPath),
        (
            run("backup", &["--stdin-from-command"], &[]),
            "args[0]",
            ErrorCode::InvalidPath,
        ),
        (run("backup", &[""], &[]), "args[0]", ErrorCode::InvalidPath),
        (run("backup", &["/a\0"], &[]), "args[0]", ErrorCode::InvalidPath),
        (run("backup", &["/a", "/a"], &[]), "args[1]", ErrorCode::InvalidPath),
        (run("backup", &many, &[]), "args", ErrorCode::InvalidPath),
        (
            run("backup", &["/a"], &[ID]),
            "source_group_ids",
            ErrorCode::InvalidArgument,
        ),
        (
            run("backup", &[], &["x"]),
            "source_group_ids[0]",
            ErrorCode::InvalidArgument,
        ),
        (
            run("backup", &[], &[ID, ID]),
            "source_group_ids[1]",
            ErrorCode::InvalidArgument,
        ),
        (
            run("backup", &[], &groups),
            "source_group_ids",
            ErrorCode::InvalidArgument,
        ),
        (run("probe", &["/a"], &[]), "args", ErrorCode::InvalidArgument),
        (run("init", &[], &[ID]), "source_group_ids", ErrorCode::InvalidArgument),
    ] {
        let refused = RunJob::try_from(message).unwrap_err();

        assert_eq!((refused.problems()[0].field.as_str(), refused.code()), (field, code));
    }
}

#[test]
fn filters_are_words_of_the_contract() {
    let good = || v1::ListJobsRequest {
        kind: 2,
        status: 4,
        ..v1::ListJobsRequest::default()
    };

    let query = JobQuery::try_from(good()).unwrap();
    let all = JobQuery::try_from(v1::ListJobsRequest::default()).unwrap();

    assert_eq!((query.kind, query.status), (Some(JobKind::Init), Some(Status::Failed)));
    assert_eq!((all.kind, all.status, all.host), (None, None, None));
    let never = Some(pbjson_types::Timestamp {
        seconds: i64::MAX,
        nanos: 0,
    });
    for (message, field) in [
        (
            v1::ListJobsRequest {
                host_id: "x".into(),
                ..good()
            },
            "host_id",
        ),
        (v1::ListJobsRequest { kind: 99, ..good() }, "kind"),
        (v1::ListJobsRequest { status: -1, ..good() }, "status"),
        (v1::ListJobsRequest { from: never, ..good() }, "from"),
        (v1::ListJobsRequest { to: never, ..good() }, "to"),
        (
            v1::ListJobsRequest {
                page_size: 501,
                ..good()
            },
            "page_size",
        ),
    ] {
        assert_eq!(JobQuery::try_from(message).unwrap_err().problems()[0].field, field);
    }
}

#[test]
fn a_page_of_a_log_has_its_limits() {
    let message = |from_seq, limit| v1::GetJobLogRequest {
        id: ID.into(),
        from_seq,
        limit,
    };
    for (from_seq, limit, expected) in [(0, 0, (1, 1000)), (7, 5000, (7, 5000)), (u64::MAX, 1, (u64::MAX, 1))] {
        let query = LogQuery::try_from(message(from_seq, limit)).unwrap();

        assert_eq!((query.from, query.limit), expected);
    }
    assert_eq!(
        LogQuery::try_from(message(0, 5001)).unwrap_err().problems()[0].field,
        "limit"
    );
}

#[test]
fn every_phase_is_shown_under_its_own_word() {
    for phase in Phase::ALL {
        let shown = v1::JobPhase::from(phase).as_str_name().to_lowercase();

        assert_eq!(shown.strip_prefix("job_phase_"), Some(phase.as_str()));
    }
    for status in Status::ALL {
        let shown = v1::JobStatus::from(status).as_str_name().to_lowercase();

        assert_eq!(shown.strip_prefix("job_status_"), Some(status.as_str()));
    }
}

#[test]
fn a_backup_with_issues_shows_its_numbers_and_what_is_missing() {
    let summary = BackupSummary {
        snapshot: Some("ab".repeat(32).parse().unwrap()),
        files_new: 3,
        bytes_added: ByteSize::from_kib(2),
        duration: Duration::from_millis(1500),
        ..BackupSummary::default()
    };
    let problems = Problems::new(
        7,
        vec![Problem {
            item: "/root/x".into(),
            message: "permission denied".into(),
        }],
    );
    let state = JobState::Warning {
        started_at: at(1),
        finished_at: at(2),
        summary: Summary::Backup(summary),
        problems,
    };

    let shown = v1::Job::from(view(state));

    let summary = shown.summary.unwrap();
    assert_eq!(
        (shown.with_issues, shown.result_code.as_str(), shown.exit_code),
        (true, "issues", Some(3))
    );
    assert_eq!(
        (summary.files_new, summary.data_added, summary.data_added_packed),
        (3, 2048, None)
    );
    assert!((summary.total_duration_seconds - 1.5).abs() < f64::EPSILON);
    assert_eq!((summary.issue_count, summary.issues[0].item.as_str()), (7, "/root/x"));
    assert_eq!(summary.snapshot_id, "ab".repeat(32));
}

#[test]
fn a_failed_job_says_why_and_what_to_do() {
    let cause = FailureCause {
        code: FailureCode::WrongPassword,
        exit_code: Some(12),
        message: "no key found".into(),
    };
    let state = JobState::Failed {
        started_at: Some(at(1)),
        finished_at: at(2),
        cause,
    };

    let shown = v1::Job::from(view(state));

    assert_eq!(
        (shown.result_code.as_str(), shown.exit_code),
        ("wrong_password", Some(12))
    );
    assert!(
        shown.error.contains("Set the right password") && shown.error.contains("no key found"),
        "{}",
        shown.error
    );
    assert_eq!((shown.summary, shown.cancel_requested), (None, false));
}

#[test]
fn a_wish_to_cancel_shows_until_the_job_has_ended() {
    let running = JobState::Preparing { started_at: at(1) };
    let expired = JobState::Expired { finished_at: at(9) };
    for (state, expected) in [(running, true), (expired, false)] {
        let mut view = view(state);
        view.job.cancel_requested = Some(CancelRequest {
            at: at(3),
            by: Actor::System,
        });

        assert_eq!(v1::Job::from(view).cancel_requested, expected);
    }
}

#[test]
fn the_share_that_is_done_stays_within_its_bounds() {
    for (done, total, expected) in [(0, 0, 0.0), (1, 4, 0.25), (9, 4, 1.0), (u64::MAX, u64::MAX, 1.0)] {
        assert!((share(done, total) - expected).abs() < f64::EPSILON, "{done} {total}");
    }
}

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn run(kind: &str, args: &[&str], groups: &[&str]) -> v1::RunJobRequest {
    v1::RunJobRequest {
        host_id: ID.into(),
        kind: kind.into(),
        args: args.iter().map(ToString::to_string).collect(),
        source_group_ids: groups.iter().map(ToString::to_string).collect(),
        queue_if_offline: false,
        request_id: String::new(),
        remove_all: false,
    }
}

fn paths(texts: &[&str]) -> Sources {
    Sources::Paths(BackupPaths::parse(texts).unwrap())
}

fn view(state: JobState) -> JobView {
    let job = Job {
        id: ID.parse().unwrap(),
        host_id: ID.parse().unwrap(),
        repository_id: ID.parse().unwrap(),
        kind: JobKind::Backup,
        mode: Mode::Usual,
        source_group_id: None,
        paths: None,
        actor: Actor::User(UserId::from_uuid(Uuid::nil())),
        attempt: 1,
        created_at: at(0),
        cancel_requested: None,
        state,
        version: 1,
    };
    JobView {
        job,
        hostname: "web-01".parse().unwrap(),
        actor_name: "anna".into(),
        log: LogExtent::default(),
        unreachable: false,
        progress: None,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_777_593_600 + seconds, 0).unwrap()
}
