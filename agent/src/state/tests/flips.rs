//! A bit that a disk or a memory flips, anywhere in the file.

use super::*;

/// What says where everything is. Each of its bits is flipped.
const HEAD: std::ops::Range<usize> = 0..16 * 8;
/// Which further bits are flipped. Primes, so that all places within a byte and a page have their turn.
const EVERY_OF_HEADER: usize = 23;
const EVERY: usize = 41_543;
const HEADER: usize = 320 * 8;
/// Says which of the last two transactions is the last one. In a file that was not closed, its flip looks like the end of a
/// program in the middle of that transaction, which then counts as never made. No other bit can undo anything.
const LAST: usize = 72;

#[test]
fn a_flipped_bit_in_a_file_that_was_closed_is_found_or_changes_nothing() {
    let (directory, state, _) = full();
    let expected = all_of(&state);
    drop(state);
    let path = directory.path().join("state.redb");

    is_found_or_changes_nothing(&path, &std::fs::read(&path).unwrap(), [&expected, &expected]);
}

#[test]
fn a_flipped_bit_in_a_file_that_a_killed_agent_left_is_found_or_changes_nothing() {
    let (directory, state, before_last) = full();
    let expected = all_of(&state);
    let left = std::fs::read(directory.path().join("state.redb")).unwrap();

    is_found_or_changes_nothing(&directory.path().join("left.redb"), &left, [&expected, &before_last]);
}

#[track_caller]
fn is_found_or_changes_nothing(path: &Path, whole: &[u8], [expected, before_last]: [&str; 2]) {
    let header = (HEAD.end..HEADER).step_by(EVERY_OF_HEADER);
    let rest = (HEADER..whole.len() * 8).step_by(EVERY);
    let (mut found, mut harmless) = (0, 0);
    for bit in HEAD.chain(header).chain(rest) {
        let mut damaged = whole.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(path, &damaged).unwrap();

        match State::open(path, &Ids) {
            Ok(state) => {
                let expected = if bit == LAST { before_last } else { expected };
                assert_eq!(all_of(&state), expected, "bit {bit}");
                harmless += 1;
            }
            Err(error) => {
                let said = crate::telemetry::chain(&error);
                assert!(said.contains("move the file away"), "bit {bit}: {said}");
                found += 1;
            }
        }
    }
    assert!(found > 50 && harmless > 50, "{found} {harmless}");
}

/// A state in the middle of much work, and what was in it before the last transaction.
fn full() -> (tempfile::TempDir, State, String) {
    let (directory, mut state) = fresh();
    for number in 1..=40 {
        state.accept(&backup(number), time(1)).unwrap();
        append(&mut state, Tag::StartOf(job(number)), &[7; 300]);
        append(&mut state, Tag::EndOf(job(number)), &[8; 3000]);
        if number < 38 {
            state.close_command(backup(number).id).unwrap();
        }
    }
    let before_last = all_of(&state);
    state.forget_events(40, time(2)).unwrap();
    (directory, state, before_last)
}

/// All that the agent relies on.
fn all_of(state: &State) -> String {
    let contents = state.contents().unwrap();
    let events = state.batch(0, u64::MAX, usize::MAX, usize::MAX).unwrap();
    let known: Vec<bool> = (1..=41).map(|number| state.knows(backup(number).id).unwrap()).collect();
    let open = state.open_commands().unwrap();
    format!("{:?} {contents:?} {events:?} {known:?} {open:?}", state.incarnation())
}
