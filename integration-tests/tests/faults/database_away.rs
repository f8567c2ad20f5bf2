//! A database that takes no writes for a while, or is not there: agents wait, nothing is lost and nothing runs twice.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use restic_manager_integration_tests::fake_restic::{Ledger, NOTES};
use restic_manager_integration_tests::postgres::Postgres;
use restic_manager_integration_tests::sampling::processor_time;
use restic_manager_integration_tests::{Fleet, Host, fleet, services, wait};
use serde_json::{Value, json};

/// How long another program holds the lock.
const LOCKED_FOR: Duration = Duration::from_mins(1);
/// How long PostgreSQL is away at the second time: longer than it takes until everybody has noticed.
const AWAY_FOR: Duration = Duration::from_secs(12);
/// How long a person waits at most for the word that nothing can be written now, in a debug build on a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// What server and agent may spend on trying again meanwhile, in a debug build on a busy machine.
const IDLE: Duration = Duration::from_secs(8);

#[test]
fn a_database_that_is_locked_for_a_minute_holds_agents_up_and_loses_nothing() {
    let Some(python) = services::given("RM_TEST_PYTHON", "Python") else {
        return;
    };
    let fleet = Fleet::start();
    let (host, repository) = host_with_ledger(&fleet);
    let source = fleet.data();
    let job = host.start_backup(&[&source]);
    host.job_becomes(&job, "running", |job| job["phase"] == "running");

    let lock = Lock::take(Path::new(&python), &fleet.server.data().join("restic-manager.db"));
    let over = wait::Deadline::after(LOCKED_FOR);
    let spent = [fleet.server.process_id(), host.agent.process_id()].map(|id| (id, processor_time(id)));
    let answered = wait::Deadline::after(ANSWERED_WITHIN);
    let refused = host.ask(&json!({ "kind": "backup", "args": [source] }));
    assert!(!answered.is_over(), "{refused:?}");
    let readiness = fleet.admin.get("/readyz");
    wait::until("restic's end", wait::JOB, || {
        (Ledger::saved(&repository, &source) == 1).then_some(())
    });
    let meanwhile = host.job(&job);
    wait::until("the minute to be over", LOCKED_FOR * 2, || over.is_over().then_some(()));
    let host_meanwhile = host.get();
    let spent = spent.map(|(id, before)| processor_time(id).saturating_sub(before));
    drop(lock);

    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    assert_eq!(readiness.status, 503, "{readiness:?}");
    let said = readiness.json()["checks"]["database"].as_str().unwrap().to_owned();
    assert!(said.contains("another program holds a lock"), "{said}");
    assert_eq!(meanwhile["status"], "running", "{meanwhile:#}");
    assert_eq!(host_meanwhile["status"], "online", "{host_meanwhile:#}");
    assert!(spent.iter().all(|spent| *spent < IDLE), "{spent:?}");
    has_lost_nothing(&fleet, &host, &job, (&repository, &source));
    assert!(
        fleet.server.log().contains("look for another program"),
        "whoever runs the server is told what to do"
    );
}

#[test]
fn a_postgresql_that_crashes_in_the_middle_of_a_job_and_comes_back_has_lost_nothing() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let fleet = Fleet::start_with(&[("RM_DATABASE_URL", &postgres.url())], fleet::ADMIN_PASSWORD);
    let (host, repository) = host_with_ledger(&fleet);
    let source = fleet.data();

    // In the middle of the log, and back at once.
    let job = host.start_backup(&[&source]);
    wait::until("the first lines", wait::JOB, || {
        (host.log(&job).len() > 3).then_some(())
    });
    postgres.crash();
    postgres.start_again();
    has_lost_nothing(&fleet, &host, &job, (&repository, &source));

    // At the end, and away for a while.
    let source = fleet.directory().join("other");
    fs::create_dir(&source).unwrap();
    let job = host.start_backup(&[&source]);
    host.job_becomes(&job, "running", |job| job["phase"] == "running");
    postgres.crash();
    let over = wait::Deadline::after(AWAY_FOR);
    let spent = [fleet.server.process_id(), host.agent.process_id()].map(|id| (id, processor_time(id)));
    let answered = wait::Deadline::after(ANSWERED_WITHIN);
    let refused = host.ask(&json!({ "kind": "backup", "args": [source] }));
    assert!(!answered.is_over(), "{refused:?}");
    let readiness = fleet.admin.get("/readyz");
    wait::until("restic's end", wait::JOB, || {
        (Ledger::saved(&repository, &source) == 1).then_some(())
    });
    wait::until("everybody to have noticed", AWAY_FOR * 2, || {
        over.is_over().then_some(())
    });
    let spent = spent.map(|(id, before)| processor_time(id).saturating_sub(before));
    postgres.start_again();

    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    assert_eq!(readiness.status, 503, "{readiness:?}");
    let said = readiness.json()["checks"]["database"].as_str().unwrap().to_owned();
    assert!(said.contains("see that it runs"), "{said}");
    assert!(spent.iter().all(|spent| *spent < IDLE), "{spent:?}");
    has_lost_nothing(&fleet, &host, &job, (&repository, &source));
}

/// A host whose restic keeps a ledger, and its repository.
fn host_with_ledger(fleet: &Fleet) -> (Host, PathBuf) {
    let restic = Ledger::install(fleet.directory());
    let repository = fleet.local_repository();
    let settings = format!("restic_path: {}\n", restic.program.display());
    let host = fleet.enroll("web-1", &repository.fields(), &settings);
    host.is_ready();
    (host, PathBuf::from(repository.url))
}

/// The job ran once and has its end and its whole log, its session was never cut, and the next one runs as ever.
#[track_caller]
fn has_lost_nothing(fleet: &Fleet, host: &Host, job: &str, (repository, source): (&Path, &Path)) {
    let ended = host.end_of(job);
    assert_eq!(ended["result_code"], "ok", "{ended:#}");
    assert_eq!(
        (Ledger::begun(repository, source), Ledger::saved(repository, source)),
        (1, 1)
    );
    let lines = host.log(job);
    let notes = lines.iter().filter_map(|line| line["payload"].as_str());
    let notes: Vec<&str> = notes.filter(|text| text.starts_with("note ")).collect();
    let expected: Vec<String> = (1..=NOTES).map(|number| format!("note {number} of {NOTES}")).collect();
    assert_eq!(notes, expected);
    assert_eq!(
        (&ended["log_lines"], &ended["log_truncated"]),
        (&json!(lines.len().to_string()), &json!(false))
    );
    wait::until("a server that is ready", wait::SHORTLY, || {
        (fleet.admin.get("/readyz").status == 200).then_some(())
    });
    let next = host.back_up(&[&fleet.directory().join("home")]);
    assert_eq!(next["result_code"], "ok", "{next:#}");
    let listed: Vec<Value> = host.snapshots();
    assert_eq!(
        listed.len(),
        fs::read_dir(repository.join("snapshots")).unwrap().count()
    );
    for log in [fleet.server.log(), host.agent.log()] {
        assert!(
            !log.contains("agent disconnected") && !log.contains("no session with the server"),
            "{log}"
        );
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// Another program that holds the lock for writing of an SQLite file.
struct Lock {
    program: Child,
}

impl Lock {
    #[track_caller]
    fn take(python: &Path, database: &Path) -> Self {
        let text = "import sqlite3, sys\n\
                    database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
                    database.execute('BEGIN IMMEDIATE')\n\
                    print('held', flush=True)\n\
                    sys.stdin.read()\n\
                    database.execute('ROLLBACK')\n";
        let mut command = Command::new(python);
        command.args(["-c", text]).arg(database);
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(program.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert_eq!(said, "held\n");
        Self { program }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        drop(self.program.stdin.take());
        // Nothing to do about a failure: it is our own child, and has ended then.
        self.program.wait().ok();
    }
}
