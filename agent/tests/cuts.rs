//! The link breaks at every message of a session in turn, before the message takes effect and after it. Whatever was lost
//! on the way, the server ends up knowing the same.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use proto::agent::v1;
use proto::agent::v1::server_message::Body;
use support::fake_restic::{FakeRestic, SUMMARY, calls};
use support::host::{Host, backup, credentials, id, settings};
use support::server::{CutAt, FakeServer};

/// A session sends at least so many messages: what it applied, the answer to its order, and of a job start, phases, log,
/// progress, snapshots and end.
const MESSAGES_AT_LEAST: usize = 8;

/// What the server knows at the end.
#[derive(Debug, PartialEq)]
struct End {
    story: Vec<&'static str>,
    /// The lines of the log, sorted.
    log: Vec<String>,
    finished: v1::JobFinished,
    calls: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_the_same_wherever_the_link_broke() {
    let (undisturbed, messages) = played(None).await;
    assert!(messages >= MESSAGES_AT_LEAST, "{messages} messages");
    assert_eq!(undisturbed.finished.result_code, "ok");
    assert_eq!(
        undisturbed.story,
        ["started", "running", "finalizing", "snapshots", "finished"]
    );

    let cuts = (1..=messages).flat_map(|message| [true, false].map(|arrives| CutAt { message, arrives }));
    let mut plays = tokio::task::JoinSet::new();
    for cut in cuts {
        plays.spawn(async move { (cut, played(Some(cut)).await.0) });
    }

    while let Some(play) = plays.join_next().await {
        let (cut, end) = play.unwrap();
        assert_eq!(end, undisturbed, "the link broke at {cut:?}");
    }
}

/// One backup from the order to its end. What the host should hold and the order are given again in every session until it is answered, as the real
/// server does.
async fn played(cut: Option<CutAt>) -> (End, usize) {
    let server = FakeServer::start().await;
    let host = Host::enrolled(&server);
    let restic = FakeRestic {
        backup: format!("echo one >&2; sleep 0.3; echo two >&2; {SUMMARY}"),
        ..FakeRestic::default()
    };
    let restic = restic.install(host.path());
    let host = host.with_restic(&restic);
    server.behave(|behave| behave.cut = cut);
    let running = host.start();
    let job = id(1);
    let mut sessions = 0;
    loop {
        server.until_session(sessions + 1).await;
        sessions = server.look(|record| record.hellos.len());
        let credentials = credentials(1, "/srv/repo", "password");
        server.say(settings()).await;
        server.say(Body::SetCredentials(credentials)).await;
        server.command(&job, backup(&job, &[host.path()])).await;
        let answered = server
            .until("an answer to the order or another session", |record| {
                let is_new = record.hellos.len() > sessions;
                (is_new || !record.acks.is_empty()).then_some(!record.acks.is_empty())
            })
            .await;
        if answered {
            break;
        }
    }
    let finished = server.finished(&job).await;
    let lines = finished.log_lines;
    server
        .until("the whole log", |record| {
            (u64::try_from(record.log.len()).unwrap() == lines).then_some(())
        })
        .await;
    running.stop().await;
    let mut log: Vec<String> = server.log(&job).lines().map(words).collect();
    // Which of restic's two streams is read first is a matter of moments.
    log.sort_unstable();
    let end = End {
        story: server.story(&job),
        log,
        // A time of the clock, and as such another one in each play.
        finished: v1::JobFinished {
            started_at: None,
            ..finished
        },
        calls: calls(host.path()),
    };
    (end, server.look(|record| record.messages))
}

/// A line without its number, and without the directory that differs from run to run.
fn words(line: &str) -> String {
    let (_, text) = line.split_once(' ').unwrap();
    text.split(", repository").next().unwrap_or(text).to_owned()
}
