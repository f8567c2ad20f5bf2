//! `kill -9` of the server, of agents and of the wrapper around restic, at any moment, again and again.
//!
//! What must hold after each round: a job ran once or says that it did not, it has one end, every line of its log that
//! was acknowledged is there, and what is missing is said. At the end no lock is left and the server starts again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_integration_tests::chance::Chance;
use restic_manager_integration_tests::fake_restic::{Ledger, NOTES};
use restic_manager_integration_tests::{Fleet, Host, Repository};
use serde_json::{Value, json};

/// Hosts that work at the same time. Every wave gives each of them a job: a round is one job that a fault strikes.
const HOSTS: usize = 5;
const WAVES: usize = 20;

/// A job of the ledger's restic takes about this long with all that surrounds it.
const LEDGER_JOB: Duration = Duration::from_millis(1600);
/// A job of the real restic with the data below.
const REAL_JOB: Duration = Duration::from_secs(3);
const REAL_ROUNDS: usize = 5;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Agent,
    Wrapper,
}

#[test]
#[expect(clippy::print_stderr, reason = "the count belongs into the report of a long test")]
fn a_hundred_jobs_survive_kills_of_everything_around_them() {
    let mut chance = Chance::new();
    let mut fleet = Fleet::start();
    let restic = Ledger::install(fleet.directory());
    let settings = format!("restic_path: {}\n", restic.program.display());
    let mut hosts: Vec<Host> = (0..HOSTS)
        .map(|number| {
            let name = format!("host-{number}");
            let repository = Repository::local(fleet.directory(), &format!("repository-{number}"));
            fleet.enroll(&name, &repository.fields(), &settings)
        })
        .collect();
    for host in &hosts {
        host.is_ready();
    }
    let mut ends = Vec::new();
    let mut struck = 0;

    for wave in 0..WAVES {
        let sources: Vec<PathBuf> = (0..HOSTS).map(|host| source(&fleet, wave, host)).collect();
        let jobs: Vec<String> = hosts
            .iter()
            .zip(&sources)
            .map(|(host, source)| host.start_backup(&[source]))
            .collect();
        // Every fourth wave the server; else each host by itself loses its agent or its wrapper.
        if wave % 4 == 3 {
            chance.pass(LEDGER_JOB);
            let acknowledged: Vec<BTreeSet<u64>> =
                hosts.iter().zip(&jobs).map(|(host, job)| log_of(host, job)).collect();
            fleet.server.kill();
            chance.pass(LEDGER_JOB / 2);
            fleet.server.start_again();
            struck += HOSTS;
            for ((host, job), acknowledged) in hosts.iter().zip(&jobs).zip(acknowledged) {
                let missing: Vec<u64> = acknowledged.difference(&log_of(host, job)).copied().collect();
                assert!(missing.is_empty(), "the server lost lines it had shown: {missing:?}");
            }
        } else {
            for host in &mut hosts {
                chance.pass(LEDGER_JOB / 5);
                let victim = [Victim::Agent, Victim::Agent, Victim::Wrapper][usize::try_from(chance.below(3)).unwrap()];
                struck += strike(&mut fleet, host, victim);
            }
        }
        for (number, host) in hosts.iter().enumerate() {
            let ended = host.end_of(&jobs[number]);
            let repository = fleet.directory().join(format!("repository-{number}"));
            has_run_once_or_says_so(&ended, &repository, &sources[number]);
            log_is_complete_or_says_so(host, &ended);
            ends.push(ended["result_code"].as_str().unwrap().to_owned());
        }
    }

    let kinds: BTreeSet<&String> = ends.iter().collect();
    let count = |kind: &str| ends.iter().filter(|end| *end == kind).count();
    for kind in kinds {
        eprintln!("{} × {kind}", count(kind));
    }
    eprintln!("{struck} of {} jobs had something killed", ends.len());
    assert_eq!(ends.len(), HOSTS * WAVES);
    assert!(struck > HOSTS * WAVES / 2, "the faults must strike: {struck}");
    for (number, host) in hosts.iter().enumerate() {
        // A job that nobody disturbs removes what a killed restic left.
        let last = host.back_up(&[&source(&fleet, WAVES, number)]);
        assert_eq!(last["result_code"], "ok", "{last:#}");
        let repository = fleet.directory().join(format!("repository-{number}"));
        assert_eq!(Ledger::locks(&repository), Vec::<PathBuf>::new());
        let kept = fs::read_dir(repository.join("snapshots")).unwrap().count();
        assert_eq!(
            host.snapshots().len(),
            kept,
            "the server lists what the repository holds"
        );
    }
    fleet.server.stop();
    fleet.server.start_again();
    for host in &hosts {
        let jobs = fleet
            .admin
            .get(&format!("/api/hosts/{}/jobs?page_size=500", host.id))
            .ok();
        let open: Vec<&Value> = jobs
            .as_array()
            .unwrap()
            .iter()
            .filter(|job| !job["finished_at"].is_string())
            .collect();
        assert_eq!(open, Vec::<&Value>::new(), "no job stays open");
    }
}

#[test]
fn backups_of_the_real_restic_to_a_local_repository_survive_kills() {
    let fleet = Fleet::start();
    let repository = fleet.local_repository();

    survives(fleet, &repository);
}

#[test]
fn backups_of_the_real_restic_to_a_rest_server_survive_kills() {
    let fleet = Fleet::start();
    let Some(repository) = Repository::on_rest_server(fleet.directory(), "repository") else {
        return;
    };

    survives(fleet, &repository);
}

fn survives(mut fleet: Fleet, repository: &Repository) {
    let mut chance = Chance::new();
    let mut host = fleet.host("web-1", repository);
    let mut saved = BTreeSet::new();
    for round in 0..REAL_ROUNDS {
        // New data each time, so that each backup has something to do.
        let data = fleet.large_file(24);
        let job = host.start_backup(&[&data]);
        chance.pass(REAL_JOB);
        let victim = [Victim::Server, Victim::Agent, Victim::Wrapper][round % 3];
        strike(&mut fleet, &mut host, victim);
        let ended = host.end_of(&job);
        let is_saved = ended["status"] == "succeeded";
        assert!(
            is_saved || ended["result_code"] == "interrupted",
            "after the end of {victim:?}: {ended:#}"
        );
        if is_saved {
            saved.insert(ended["summary"]["snapshot_id"].as_str().expect("it has one").to_owned());
        }
        log_is_complete_or_says_so(&host, &ended);
    }

    let last = host.back_up(&[&fleet.data()]);
    assert_eq!(last["result_code"], "ok", "{last:#}");
    saved.insert(last["summary"]["snapshot_id"].as_str().expect("it has one").to_owned());

    let kept: BTreeSet<String> = repository.snapshot_ids().into_iter().collect();
    assert!(
        saved.is_subset(&kept),
        "what was reported is there: {saved:?} in {kept:?}"
    );
    let listed = host.snapshots();
    let listed: BTreeSet<String> = listed
        .iter()
        .map(|snapshot| snapshot["id"].as_str().expect("it has one").to_owned())
        .collect();
    assert_eq!(listed, kept);
    assert_eq!(repository.locks(), Vec::<String>::new());
    repository.check();
}

/// Kills it and, as a service manager does, starts it again. Answers how many it were: a wrapper is not there at every
/// moment.
fn strike(fleet: &mut Fleet, host: &mut Host, victim: Victim) -> usize {
    match victim {
        Victim::Server => {
            fleet.server.kill();
            fleet.server.start_again();
            1
        }
        Victim::Agent => {
            host.agent.kill();
            host.agent.start();
            1
        }
        Victim::Wrapper => host.agent.kill_wrappers(),
    }
}

/// A folder of its own for each job, whose name the ledger holds.
fn source(fleet: &Fleet, wave: usize, host: usize) -> PathBuf {
    let folder = fleet.directory().join(format!("data/{wave}-{host}"));
    fs::create_dir_all(&folder).expect("the temporary directory can be written");
    fs::write(folder.join("file"), "hello").expect("the temporary directory can be written");
    folder
}

#[track_caller]
fn has_run_once_or_says_so(ended: &Value, repository: &Path, source: &Path) {
    let (begun, saved) = (Ledger::begun(repository, source), Ledger::saved(repository, source));
    assert!(begun <= 1, "it ran {begun} times: {ended:#}");
    if ended["status"] == "succeeded" {
        assert_eq!(saved, 1, "{ended:#}");
    } else {
        // What the wrapper's death or the agent's kept from being begun or from being seen to its end.
        assert_eq!(ended["result_code"], "interrupted", "{ended:#}");
    }
}

/// The numbers of the lines in the server's log.
#[track_caller]
fn log_of(host: &Host, job: &str) -> BTreeSet<u64> {
    let numbers = host.log(job).into_iter();
    numbers
        .map(|line| {
            line["seq"]
                .as_str()
                .and_then(|seq| seq.parse().ok())
                .expect("lines have numbers")
        })
        .collect()
}

#[track_caller]
fn log_is_complete_or_says_so(host: &Host, ended: &Value) {
    let job = ended["id"].as_str().expect("a job has an id");
    let lines = host.log(job);
    let numbers: Vec<Value> = lines.iter().map(|line| line["seq"].clone()).collect();
    let expected: Vec<Value> = (1..=lines.len()).map(|number| json!(number.to_string())).collect();
    assert!(
        numbers == expected || ended["log_truncated"] == true,
        "lines are missing or twice there: {numbers:?} of {ended:#}"
    );
    assert_eq!(ended["log_lines"], json!(lines.len().to_string()), "{ended:#}");
    let notes: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["payload"].as_str())
        .filter(|text| text.starts_with("note "))
        .collect();
    if !notes.is_empty() && ended["status"] == "succeeded" {
        let expected: Vec<String> = (1..=NOTES).map(|number| format!("note {number} of {NOTES}")).collect();
        assert_eq!(notes, expected);
    }
}
