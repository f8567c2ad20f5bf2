//! The state on a real file: written, closed, opened again.

use std::time::Duration;

use domain::Timestamp;
use domain::id::{CommandId, JobId, RepositoryId};
use domain::path::BackupPaths;
use domain::session::{AgentSettings, BackupOrder, Command, Instruction, Stamp, Work};

use super::*;

mod flips;

#[test]
fn events_are_numbered_from_one_and_survive_closing() {
    let (directory, mut state) = fresh();
    for body in [b"one".as_slice(), b"two", b"three"] {
        append(&mut state, Tag::Plain, body);
    }
    let incarnation = state.incarnation();
    drop(state);

    let state = open(&directory);

    let contents = state.contents().unwrap();
    assert_eq!((contents.next_seq, contents.acknowledged), (4, 0));
    assert_eq!(
        state.batch(1, 3, 10, 100).unwrap(),
        [(2, b"two".to_vec()), (3, b"three".to_vec())]
    );
    assert_eq!(state.incarnation(), incarnation);
}

#[test]
fn numbers_go_on_when_everything_was_acknowledged() {
    let (directory, mut state) = fresh();
    append(&mut state, Tag::Plain, b"one");
    append(&mut state, Tag::EndOf(job(1)), b"two");
    assert_eq!(state.contents().unwrap().ends.get(&2), Some(&job(1)));
    state.forget_events(2, time(0)).unwrap();
    drop(state);

    let mut state = open(&directory);

    let contents = state.contents().unwrap();
    assert_eq!((contents.next_seq, contents.acknowledged), (3, 2));
    assert!(contents.ends.is_empty());
    assert_eq!(append(&mut state, Tag::Plain, b"three"), 3);
}

#[test]
fn a_batch_is_bounded_by_count_and_bytes_but_never_empty() {
    let (_directory, mut state) = fresh();
    for _ in 0..5 {
        append(&mut state, Tag::Plain, &[0; 100]);
    }

    assert_eq!(state.batch(0, 5, 2, 1000).unwrap().len(), 2);
    assert_eq!(state.batch(0, 5, 10, 250).unwrap().len(), 2);
    assert_eq!(state.batch(0, 5, 10, 50).unwrap().len(), 1);
    assert_eq!(state.batch(5, 5, 10, 50).unwrap().len(), 0);
}

#[test]
fn a_new_incarnation_numbers_what_is_left_from_one() {
    let (_directory, mut state) = fresh();
    append(&mut state, Tag::Plain, b"one");
    append(&mut state, Tag::Plain, b"two");
    append(&mut state, Tag::EndOf(job(1)), b"three");
    state.forget_events(1, time(0)).unwrap();
    let before = state.incarnation();

    let contents = state.restart_outbox(1, &Ids).unwrap();

    assert_eq!((contents.next_seq, contents.acknowledged), (3, 0));
    assert_eq!(contents.ends.get(&2), Some(&job(1)));
    assert_eq!(
        state.batch(0, 2, 10, 100).unwrap(),
        [(1, b"two".to_vec()), (2, b"three".to_vec())]
    );
    assert_ne!(state.incarnation(), before);
}

#[test]
fn what_a_server_has_lost_is_sent_again_as_far_as_it_tells_the_story_of_a_job() {
    let (directory, mut state) = fresh();
    for (tag, body) in [
        (Tag::StartOf(job(1)), b"start 1".as_slice()),
        (Tag::Plain, b"running 1"),
        (Tag::EndOf(job(1)), b"end 1"),
        (Tag::StartOf(job(2)), b"start 2"),
        (Tag::Plain, b"running 2"),
    ] {
        append(&mut state, tag, body);
    }
    state.forget_events(4, time(0)).unwrap();
    drop(state);
    let mut state = open(&directory);

    // The server goes on behind the second event: it was set back.
    let contents = state.restart_outbox(2, &Ids).unwrap();

    assert_eq!((contents.next_seq, contents.acknowledged), (4, 0));
    assert_eq!(contents.ends.get(&1), Some(&job(1)));
    assert_eq!(bodies(&state), ["end 1", "start 2", "running 2"]);
    // What was sent again is kept again; what the server had before is still there for one that is older still.
    state.forget_events(3, time(1)).unwrap();
    let contents = state.restart_outbox(0, &Ids).unwrap();
    assert_eq!(bodies(&state), ["start 1", "end 1", "start 2"]);
    assert_eq!(contents.next_seq, 4);
}

#[test]
fn of_lists_only_the_newest_of_a_repository_is_kept() {
    let (_directory, mut state) = fresh();
    let list = |job_number, repository_number| Tag::SnapshotsOf {
        repository: repository(repository_number),
        job: job(job_number),
    };
    for (job_number, repository_number, body) in [(1, 1, b"a1"), (2, 2, b"b2"), (3, 1, b"a3"), (3, 1, b"a4")] {
        append(&mut state, list(job_number, repository_number), body);
    }
    state.forget_events(3, time(0)).unwrap();
    state.forget_events(4, time(0)).unwrap();

    state.restart_outbox(0, &Ids).unwrap();

    assert_eq!(bodies(&state), ["b2", "a3", "a4"]);
}

#[test]
fn what_is_kept_is_bounded_in_time_and_bytes() {
    let (_directory, mut state) = fresh();
    append(&mut state, Tag::EndOf(job(1)), b"old");
    append(&mut state, Tag::EndOf(job(2)), b"new");
    state.forget_events(1, time(0)).unwrap();
    state.forget_events(2, time(60)).unwrap();

    state.forget_old_events(time(30 * 24 * 3600 + 30)).unwrap();
    state.restart_outbox(0, &Ids).unwrap();
    assert_eq!(bodies(&state), ["new"]);

    let large = vec![b'x'; 1024 * 1024];
    for number in 0..20 {
        append(&mut state, Tag::EndOf(job(number)), &large);
    }
    state.forget_events(21, time(0)).unwrap();
    let contents = state.restart_outbox(0, &Ids).unwrap();
    assert_eq!(contents.next_seq, 17, "16 MiB, and the oldest went first");
}

#[test]
fn a_list_that_a_later_one_replaces_can_be_emptied_without_a_gap() {
    let (_directory, mut state) = fresh();
    let list = |job_number, repository_number| Tag::SnapshotsOf {
        repository: repository(repository_number),
        job: job(job_number),
    };
    append(&mut state, list(1, 1), &[1; 100]);
    append(&mut state, list(1, 1), &[1; 100]);
    append(&mut state, list(2, 2), &[2; 100]);
    append(&mut state, list(3, 1), &[3; 100]);

    state.empty_superseded(|body| vec![body[0]]).unwrap();

    let lengths: Vec<usize> = state
        .batch(0, 4, 10, 1000)
        .unwrap()
        .iter()
        .map(|(_, body)| body.len())
        .collect();
    assert_eq!(lengths, [1, 1, 100, 100]);
}

#[test]
fn the_outbox_knows_when_it_is_full_also_after_opening() {
    let (directory, mut state) = fresh();
    let large = vec![0; 1024 * 1024];
    for _ in 0..64 {
        append(&mut state, Tag::Plain, &large);
    }
    assert!(!state.is_outbox_full());
    append(&mut state, Tag::Plain, b"one more");
    assert!(state.is_outbox_full());
    drop(state);

    let mut state = open(&directory);
    assert!(state.is_outbox_full());
    state.forget_events(1, time(0)).unwrap();
    assert!(!state.is_outbox_full());
}

#[test]
fn an_accepted_command_stays_open_until_it_is_closed_and_known_after_that() {
    let (directory, state) = fresh();
    let commands = [backup(9), cancel(2), backup(1)];
    for command in &commands {
        assert!(!state.knows(command.id).unwrap());
        state.accept(command, Timestamp::UNIX_EPOCH).unwrap();
    }
    state.close_command(commands[1].id).unwrap();
    drop(state);

    let state = open(&directory);

    let open = state.open_commands().unwrap();
    let kept: Vec<_> = open
        .into_iter()
        .map(|command| (command.id, command.instruction))
        .collect();
    let expected: Vec<_> = [&commands[0], &commands[2]]
        .map(|command| (command.id, command.instruction.clone()))
        .into();
    assert_eq!(kept, expected);
    assert!(state.knows(commands[1].id).unwrap());
}

#[test]
fn the_end_of_a_job_and_the_closing_of_its_command_are_one_write() {
    let (_directory, mut state) = fresh();
    state.accept(&backup(1), Timestamp::UNIX_EPOCH).unwrap();
    let entry = Entry {
        tag: Tag::EndOf(job(1)),
        body: b"end",
    };

    state.append(entry, Some(backup(1).id)).unwrap();

    assert!(state.open_commands().unwrap().is_empty());
}

#[test]
fn a_closed_command_is_forgotten_after_thirty_days_and_an_open_one_never() {
    let (_directory, state) = fresh();
    let accepted = Timestamp::UNIX_EPOCH;
    for number in [1, 2] {
        state.accept(&backup(number), accepted).unwrap();
    }
    state.close_command(backup(1).id).unwrap();

    let days = |days: u64| accepted.saturating_add(Duration::from_hours(days * 24));
    state.forget_old_commands(days(30)).unwrap();
    assert!(state.knows(backup(1).id).unwrap());
    state.forget_old_commands(days(31)).unwrap();

    assert!(!state.knows(backup(1).id).unwrap());
    assert!(state.knows(backup(2).id).unwrap());
}

#[test]
fn desired_state_is_read_back_with_its_stamp() {
    let (directory, state) = fresh();
    assert!(state.settings().unwrap().is_none());
    let stamp = Stamp {
        version: 3,
        hash: "ab".repeat(32).into(),
    };
    let settings = AgentSettings {
        restic_host: "web-1".to_owned(),
        limit_upload_kib_per_s: 100,
        limit_download_kib_per_s: 0,
    };

    state.set_settings(&stamp, &settings).unwrap();
    state.set_trust_bundle_stamp(&stamp).unwrap();
    drop(state);

    let state = open(&directory);
    assert_eq!(state.settings().unwrap(), Some((stamp.clone(), settings)));
    assert_eq!(state.trust_bundle_stamp().unwrap(), stamp);
}

#[test]
fn a_second_agent_on_the_same_state_is_refused() {
    let (directory, _state) = fresh();

    let refused = State::open(&directory.path().join("state.redb"), &Ids).err();

    assert!(matches!(refused, Some(Error::InUse { .. })), "{refused:?}");
}

#[test]
fn a_damaged_file_is_an_error_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    std::fs::write(&path, b"this is no database").unwrap();

    let refused = State::open(&path, &Ids).err();

    assert!(matches!(refused, Some(Error::Open { .. })), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"this is no database");
}

/// Counts in every call, over all tests.
struct Ids;

impl IdSource for Ids {
    fn next_uuid(&self) -> Uuid {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        Uuid::from_u128(NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst).into())
    }
}

fn fresh() -> (tempfile::TempDir, State) {
    let directory = tempfile::tempdir().unwrap();
    let state = open(&directory);
    (directory, state)
}

fn open(directory: &tempfile::TempDir) -> State {
    State::open(&directory.path().join("state.redb"), &Ids).unwrap()
}

fn append(state: &mut State, tag: Tag, body: &[u8]) -> u64 {
    state.append(Entry { tag, body }, None).unwrap()
}

/// What the outbox holds, in order.
fn bodies(state: &State) -> Vec<String> {
    let batch = state.batch(0, u64::MAX, 100, 100_000_000).unwrap();
    batch
        .into_iter()
        .map(|(_, body)| String::from_utf8(body).unwrap())
        .collect()
}

fn backup(number: u128) -> Command {
    let run = Instruction::Run {
        job: job(number),
        repository: repository(1),
        work: Work::Backup(BackupOrder {
            paths: BackupPaths::parse(&["/etc", "/srv"]).unwrap(),
            excludes: vec!["*.tmp".to_owned()],
            exclude_caches: true,
            one_file_system: false,
            tag: Some("default".to_owned()),
            max_runtime: Some(Duration::from_mins(90)),
        }),
    };
    command(number, run)
}

fn cancel(number: u128) -> Command {
    command(number, Instruction::Cancel { job: job(9) })
}

fn command(number: u128, instruction: Instruction) -> Command {
    Command {
        id: CommandId::from_uuid(Uuid::from_u128(number)),
        epoch: 3,
        ttl: Duration::from_mins(15),
        instruction,
    }
}

fn job(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

fn repository(number: u128) -> RepositoryId {
    RepositoryId::from_uuid(Uuid::from_u128(number))
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_seconds(second, 0).unwrap()
}
