//! What is kept, what is counted, and that neither noise nor a flood loses the rest.

use proptest::prelude::*;

use super::*;
use crate::{Lines, Redactor};

const SUMMARY: &str = r#"{"message_type":"summary","files_new":7,"snapshot_id":"16a50796"}"#;

#[test]
fn an_item_that_is_reported_twice_counts_once() {
    let transcript = read(
        Stream::Stderr,
        br#"{"message_type":"error","error":{"message":"denied"},"during":"scan","item":"/a"}
{"message_type":"error","error":{"message":"denied"},"during":"archival","item":"/a"}
{"message_type":"error","error":{},"during":"archival","item":"/b"}
/c does not exist, skipping
"#,
    );

    let items: Vec<(&str, &str)> = transcript
        .problems()
        .first()
        .iter()
        .map(|problem| (problem.item.as_str(), problem.message.as_str()))
        .collect();
    assert_eq!(
        items,
        [
            ("/a", "denied"),
            ("/b", "could not be read; this restic gives no reason"),
            ("/c", SOURCE_MISSING),
        ]
    );
}

#[test]
fn waiting_ends_when_the_storage_answers() {
    let mut transcript = read(
        Stream::Stderr,
        b"Save(<data/ab>) returned error, retrying after 1s: connection refused\n",
    );
    let waiting = transcript.waiting_for_repository().cloned();

    transcript.observe(
        Stream::Stderr,
        &Line::Text("Save(<data/ab>) operation successful after 1 retries".to_owned()),
    );

    assert_eq!(waiting.map(|retry| retry.reason), Some("connection refused".to_owned()));
    assert_eq!(transcript.waiting_for_repository(), None);
    assert_eq!(transcript.hopeless(), None);
}

#[test]
fn what_trying_on_cannot_mend_is_seen_in_a_retry_notice() {
    for (operation, reason, expected) in [
        (
            "Save(<data/ab>)",
            "unexpected HTTP response (507): 507 Insufficient Storage",
            Some(FailureCode::NoSpace),
        ),
        (
            "Save(<lock/ab>)",
            "open /srv/repo/locks/ab: read-only file system",
            Some(FailureCode::AccessDenied),
        ),
        (
            "Load(<snapshot/ab>)",
            "open /cache/snapshots/ab: permission denied",
            None,
        ),
        ("Save(<lock/ab>)", "dial tcp: connection refused", None),
    ] {
        let notice = format!("{operation} returned error, retrying after 1s: {reason}\n");

        assert_eq!(read(Stream::Stderr, notice.as_bytes()).hopeless(), expected, "{notice}");
    }
}

#[test]
fn last_words_begin_where_restic_calls_it_fatal() {
    for (stderr, expected) in [
        ("a notice\nFatal: no\nmore\n", "Fatal: no\nmore"),
        ("one\ntwo\nthree\nfour\n", "two\nthree\nfour"),
        (
            "Fatal: text\n{\"message_type\":\"exit_error\",\"code\":1,\"message\":\"Fatal: said\\n\"}\n",
            "Fatal: said",
        ),
        (
            "open /a: denied\ngithub.com/restic/restic/x.(*L).Save\n\tgithub.com/x.go:1\nno lock\n",
            "open /a: denied\nno lock",
        ),
        ("", ""),
    ] {
        assert_eq!(read(Stream::Stderr, stderr.as_bytes()).last_words(), expected);
    }
}

#[test]
fn a_flood_of_text_and_problems_stays_bounded() {
    let mut flood = "panic: what happened\n".to_owned();
    for number in 0..20_000 {
        let stack = "goroutine ".repeat(300);
        flood.extend([
            "{\"message_type\":\"error\",\"item\":\"/",
            &number.to_string(),
            "\"}\n",
            &stack,
            "\n",
        ]);
    }

    let transcript = read(Stream::Stderr, flood.as_bytes());

    assert_eq!(transcript.problems().count(), 20_000);
    assert_eq!(transcript.problems().first().len(), Problems::KEPT);
    assert_eq!(transcript.items.len(), MAX_ITEMS);
    assert_eq!(transcript.tail.len(), TAIL_LINES);
    assert!(transcript.tail.iter().all(|line| line.len() <= TAIL_LINE_BYTES));
    assert!(transcript.last_words().starts_with("panic: what happened\ngoroutine"));
}

proptest! {
    #[test]
    fn no_noise_loses_the_summary(before in noise(), after in noise(), cut in 0_usize..200) {
        let mut bytes = before;
        bytes.push(b'\n');
        bytes.extend_from_slice(SUMMARY.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(&after);
        let mut lines = Lines::new(Redactor::default());
        let mut transcript = Transcript::new(Kind::Backup);
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));

        for chunk in [head, tail] {
            lines.feed(chunk, |line| transcript.observe(Stream::Stdout, &line));
        }
        lines.finish(|line| transcript.observe(Stream::Stdout, &line));

        prop_assert_eq!(transcript.summary().map(|summary| summary.backup.files_new), Some(7));
    }
}

/// Bytes, text, JSON of other shapes and broken JSON; no other summary.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "\\PC{0,40}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            r#"{"message_type":"status","percent_done":1,"total_files":"x"}"#,
            r#"{"message_type":"#,
            r#"{"message_type":"new_in_1.0","x":[[[[]]]]}"#,
            "\u{1b}[2Ksignal interrupt received, cleaning up",
            "[]",
        ])
        .prop_map(|line| line.as_bytes().to_vec()),
    ];
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.join(&b'\n'))
}

fn read(stream: Stream, bytes: &[u8]) -> Transcript {
    let mut lines = Lines::new(Redactor::default());
    let mut transcript = Transcript::new(Kind::Backup);
    lines.feed(bytes, |line| transcript.observe(stream, &line));
    lines.finish(|line| transcript.observe(stream, &line));
    transcript
}
