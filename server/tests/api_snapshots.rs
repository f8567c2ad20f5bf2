//! Snapshots, over REST and gRPC.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::snapshot::Snapshot;
use domain::{ByteSize, Role, Timestamp};
use proto::v1;
use proto::v1::snapshot_service_client::SnapshotServiceClient;
use serde_json::{Value, json};
use support::host::Connected;
use support::rest::{Answer, Client};
use support::{As, TestServer};

const VIEWER: As = As::User(Role::Viewer);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_listed_newest_first_with_their_source_group() {
    let server = TestServer::start().await;
    let client = server.rest(VIEWER).await;
    let host = server.ready_host("web-01").await;
    let none = snapshots(&client, &host, "").await.ok();

    let group = report(
        &server,
        &host,
        vec![
            snapshot(1, &["default"]),
            snapshot(3, &["by-hand"]),
            snapshot(2, &["x", "default"]),
        ],
    )
    .await;

    let all = snapshots(&client, &host, "").await;
    let of_group = snapshots(&client, &host, &format!("?source_group_id={group}")).await;
    let of_nothing = snapshots(&client, &host, &format!("?source_group_id={UNKNOWN}")).await;
    assert_eq!(none, json!([]));
    assert_eq!(
        (times(&all), all.headers["x-total-count"].to_str().unwrap()),
        (vec![3, 2, 1], "3")
    );
    let newest = &all.ok()[0];
    assert_eq!(
        (&newest["short_id"], &newest["size_bytes"]),
        (&json!("03030303"), &json!("1024"))
    );
    assert!(
        newest.get("source_group_id").is_none() && newest.get("file_count").is_none(),
        "{newest}"
    );
    assert_eq!(all.ok()[1]["source_group_id"], group);
    assert_eq!(times(&of_group), [2, 1]);
    assert_eq!(times(&of_nothing), Vec::<u8>::new());
    assert_eq!(
        client.get(&format!("/api/hosts/{}", host.id)).await.ok()["snapshot_count"],
        "3"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_grpc_in_pages() {
    let server = TestServer::start().await;
    let viewer = server.grpc(VIEWER).await;
    let mut service = SnapshotServiceClient::new(viewer.channel.clone());
    let host = server.ready_host("web-01").await;
    report(
        &server,
        &host,
        vec![snapshot(1, &[]), snapshot(2, &[]), snapshot(3, &[])],
    )
    .await;
    let request = |page_token: String| v1::ListSnapshotsRequest {
        host_id: host.id.to_string(),
        page_size: 2,
        page_token,
        ..Default::default()
    };

    let first = service
        .list_snapshots(viewer.request(request(String::new())))
        .await
        .unwrap()
        .into_inner();
    let second = service
        .list_snapshots(viewer.request(request(first.next_page_token.clone())))
        .await
        .unwrap()
        .into_inner();

    let shorts = |list: &v1::ListSnapshotsResponse| {
        list.snapshots
            .iter()
            .map(|snapshot| snapshot.short_id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(shorts(&first), ["03030303", "02020202"]);
    assert_eq!(
        (shorts(&second), second.total_count, second.next_page_token.as_str()),
        (vec!["01010101".to_owned()], 3, "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_list_replaces_the_one_before_and_another_repository_has_its_own() {
    let server = TestServer::start().await;
    let client = server.rest(As::User(Role::Operator)).await;
    let host = server.ready_host("web-01").await;
    report(&server, &host, vec![snapshot(1, &[]), snapshot(2, &[])]).await;

    report(&server, &host, vec![snapshot(2, &[])]).await;
    let replaced = snapshots(&client, &host, "").await;
    let other = client
        .post(
            "/api/repositories",
            json!({"repo_url": "/srv/other", "repo_password": "x"}),
        )
        .await
        .ok();
    let version = client.get(&format!("/api/hosts/{}", host.id)).await.ok()["version"].clone();
    let bind = json!({"repository_id": other["id"], "version": version});
    let bound = client
        .put(&format!("/api/hosts/{}/repository", host.id), bind)
        .await
        .ok();

    assert_eq!(times(&replaced), [2]);
    assert_eq!(bound["snapshot_count"], "0");
    assert_eq!(snapshots(&client, &host, "").await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_hosts_and_bad_queries_are_refused() {
    let server = TestServer::start().await;
    let client = server.rest(VIEWER).await;
    let host = server.ready_host("web-01").await;

    for (path, status, code) in [
        (format!("/api/hosts/{UNKNOWN}/snapshots"), 404, "host_not_found"),
        ("/api/hosts/x/snapshots".to_owned(), 400, "invalid_argument"),
        (
            format!("/api/hosts/{}/snapshots?source_group_id=x", host.id),
            400,
            "invalid_argument",
        ),
        (
            format!("/api/hosts/{}/snapshots?page_size=501", host.id),
            400,
            "invalid_argument",
        ),
        (
            format!("/api/hosts/{}/snapshots?page_token=x", host.id),
            400,
            "invalid_page_token",
        ),
    ] {
        let answer = client.get(&path).await;

        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{path}: {answer:?}"
        );
    }
}

/// Lists the host's snapshots as its agent would after a backup. The id of the host's source group.
async fn report(server: &TestServer, host: &Connected, list: Vec<Snapshot>) -> String {
    let operator = server.rest(As::User(Role::Operator)).await;
    let job = operator
        .post(&format!("/api/hosts/{}/jobs", host.id), json!({"kind": "backup"}))
        .await
        .ok();
    let id = host.accept().await[0];
    host.begin(id).await;
    host.list(id, job["repository_id"].as_str().unwrap().parse().unwrap(), list)
        .await;
    host.succeed(id).await;
    job["source_group_id"].as_str().unwrap().to_owned()
}

fn snapshot(number: u8, tags: &[&str]) -> Snapshot {
    Snapshot {
        id: format!("{number:02x}").repeat(32).parse().unwrap(),
        time: Timestamp::from_seconds(i64::from(number), 0).unwrap(),
        restic_host: "web-01".into(),
        paths: vec!["/etc".into()],
        tags: tags.iter().map(|tag| (*tag).into()).collect(),
        size: Some(ByteSize::from_kib(1)),
        file_count: None,
        program_version: Some("restic 0.18.0".into()),
    }
}

async fn snapshots(client: &Client, host: &Connected, query: &str) -> Answer {
    client.get(&format!("/api/hosts/{}/snapshots{query}", host.id)).await
}

fn times(answer: &Answer) -> Vec<u8> {
    let list = answer.ok();
    let of = |snapshot: &Value| u8::from_str_radix(&snapshot["short_id"].as_str().unwrap()[..2], 16).unwrap();
    list.as_array().unwrap().iter().map(of).collect()
}
