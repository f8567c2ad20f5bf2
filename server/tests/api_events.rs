//! The live event stream, as server-sent events and over gRPC.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::time::Duration;

use domain::Role;
use domain::enrollment::WantedRepository;
use proto::v1;
use proto::v1::event::Event;
use proto::v1::event_service_client::EventServiceClient;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::host::local_repository;
use support::rest::send;
use support::{As, TestServer, grpc};

const VIEWER: As = As::User(Role::Viewer);
const ADMIN: As = As::User(Role::Admin);
/// How long a test waits for an event. Sessions are looked at every ten seconds.
const PATIENCE: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_sees_hosts_come_change_and_go() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let mut watched = Watched::open(&server, None).await;

    let host = server.enroll("web-01", WantedRepository::None).await;
    let enrolled = watched.next().await;
    let path = format!("/api/hosts/{}", host.id);
    let change = json!({"tags": ["web"], "version": "1"});
    send(client.request(Method::PATCH, &path).body(change.to_string()))
        .await
        .ok();
    let changed = watched.next().await;
    send(client.request(Method::DELETE, &format!("{path}?confirm_hostname=web-01")))
        .await
        .ok();
    let deleted = watched.next().await;

    assert_eq!(
        (enrolled.name.as_str(), &enrolled.data["hostname"]),
        ("host", &json!("web-01"))
    );
    assert_eq!(
        (changed.name.as_str(), &changed.data["tags"]),
        ("host", &json!(["web"]))
    );
    assert_eq!(
        (deleted.name.as_str(), &deleted.data),
        ("host_deleted", &json!({"id": host.id.to_string()}))
    );
    assert!(enrolled.number() < changed.number() && changed.number() < deleted.number());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_seen_too() {
    let server = TestServer::start().await;
    let mut watched = Watched::open(&server, None).await;

    let host = server.ready_host("web-01").await;
    let job = watched.next_of("job").await;

    assert_eq!(
        (&job.data["hostname"], &job.data["kind"]),
        (&json!("web-01"), &json!("init"))
    );
    drop(host);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_behind_the_last_event_that_was_seen() {
    let server = TestServer::start().await;
    let mut first = Watched::open(&server, None).await;
    server.enroll("a", WantedRepository::None).await;
    let seen = first.next().await;
    drop(first);
    server.enroll("b", WantedRepository::None).await;
    server.enroll("c", WantedRepository::None).await;

    let mut second = Watched::open(&server, Some(&seen.id)).await;
    let missed = [second.next().await, second.next().await];

    assert_eq!(
        missed.map(|event| event.data["hostname"].clone()),
        [json!("b"), json!("c")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_gap_the_first_event_is_resync() {
    let server = TestServer::start().await;

    for unknown in ["1-1", "nonsense"] {
        let mut watched = Watched::open(&server, Some(unknown)).await;
        let first = watched.next().await;
        server.enroll(&format!("host-{unknown}"), WantedRepository::None).await;
        let second = watched.next().await;

        assert_eq!((first.name.as_str(), &first.data), ("resync", &json!({})), "{unknown}");
        assert_eq!(second.name, "host", "{unknown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_grpc() {
    let server = TestServer::start().await;
    let viewer = server.grpc(VIEWER).await;
    let mut service = EventServiceClient::new(viewer.channel.clone());
    let mut events = service
        .watch_events(viewer.request(v1::WatchEventsRequest {}))
        .await
        .unwrap()
        .into_inner();

    server.enroll("a", WantedRepository::None).await;
    let seen = events.message().await.unwrap().unwrap();
    drop(events);
    server.enroll("b", WantedRepository::None).await;
    let mut request = viewer.request(v1::WatchEventsRequest {});
    request
        .metadata_mut()
        .insert("last-event-id", seen.event_id.parse().unwrap());
    let mut events = service.watch_events(request).await.unwrap().into_inner();
    let next = events.message().await.unwrap().unwrap();

    let names = [seen, next].map(|event| match event.event {
        Some(Event::Host(host)) => host.hostname,
        other => panic!("{other:?}"),
    });
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_session_that_opened_it() {
    let server = TestServer::start().await;
    let client = server.rest(VIEWER).await;
    let mut watched = Watched::read(client.request(Method::GET, "/api/events")).await;

    client.post("/api/auth/logout", json!({})).await.ok();
    let last = watched.next().await;

    assert_eq!(
        (last.name.as_str(), &last.data["code"]),
        ("error", &json!("unauthorized"))
    );
    assert!(watched.is_over().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_server_stops() {
    let server = TestServer::start().await;
    let viewer = server.grpc(VIEWER).await;
    let mut watched = Watched::open(&server, None).await;
    let mut service = EventServiceClient::new(viewer.channel.clone());
    let mut events = service
        .watch_events(viewer.request(v1::WatchEventsRequest {}))
        .await
        .unwrap()
        .into_inner();

    let begun = tokio::time::Instant::now();
    let stopped = tokio::spawn(server.stop());
    let last = watched.next().await;
    let status = events.message().await.unwrap_err();
    stopped.await.unwrap();

    assert_eq!(
        (last.name.as_str(), &last.data["code"]),
        ("error", &json!("unavailable"))
    );
    assert_eq!(grpc::code(&status), "unavailable");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_becomes_ready_shows_at_its_host() {
    let server = TestServer::start().await;
    let host = server.enroll("web-01", local_repository("web-01")).await;
    let mut watched = Watched::open(&server, None).await;

    host.connect().await.make_repository().await;

    loop {
        let event = watched.next_of("host").await;
        if event.data["repo_status"] == "ready" {
            assert_eq!(event.data["status"], "online");
            break;
        }
    }
}

/// An open stream of server-sent events.
struct Watched {
    response: Response,
    buffer: String,
}

/// One event with its frame.
#[derive(Debug)]
struct Frame {
    id: String,
    name: String,
    data: Value,
}

impl Watched {
    async fn open(server: &TestServer, after: Option<&str>) -> Self {
        let client = server.rest(VIEWER).await;
        let request = client.request(Method::GET, "/api/events");
        Self::read(match after {
            Some(after) => request.header("last-event-id", after),
            None => request,
        })
        .await
    }

    async fn read(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
        }
    }

    /// The next event; signs of life are passed over.
    async fn next(&mut self) -> Frame {
        loop {
            if let Some((frame, rest)) = self.buffer.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.buffer = rest;
                if !frame.starts_with(':') {
                    return Frame::parse(&frame);
                }
            } else {
                let chunk = tokio::time::timeout(PATIENCE, self.response.chunk())
                    .await
                    .expect("no event came");
                let chunk = chunk
                    .unwrap()
                    .unwrap_or_else(|| panic!("the stream ended; left: {}", self.buffer));
                self.buffer += std::str::from_utf8(&chunk).unwrap();
            }
        }
    }

    async fn next_of(&mut self, name: &str) -> Frame {
        loop {
            let frame = self.next().await;
            if frame.name == name {
                return frame;
            }
        }
    }

    async fn is_over(&mut self) -> bool {
        self.buffer.is_empty() && self.response.chunk().await.unwrap().is_none()
    }
}

impl Frame {
    fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        let data = serde_json::from_str(&field("data")).unwrap_or_else(|error| panic!("{error}: {text}"));
        Self {
            id: field("id"),
            name: field("event"),
            data,
        }
    }

    fn number(&self) -> u64 {
        self.id.rsplit_once('-').unwrap().1.parse().unwrap()
    }
}
