//! Calls that are repeated under a key, on every face and both databases.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;

use domain::Role;
use proto::v1;
use proto::v1::job_service_client::JobServiceClient;
use reqwest::Method;
use serde_json::{Value, json};
use server::clock::SystemClock;
use support::grpc::code;
use support::rest::{Answer, Client, send};
use support::{As, TestServer, postgres};

const OPERATOR: As = As::User(Role::Operator);
const KEY: &str = "4f0c1d5e-9d5b-4b57-8a3a-0f6f3a1f7c11";
const OTHER_KEY: &str = "4f0c1d5e-9d5b-4b57-8a3a-0f6f3a1f7c12";
const REPLAYED: &str = "idempotency-replayed";

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_is_answered_like_the_first_and_starts_nothing() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/jobs", host.id);

    let first = post(&client, &path, KEY, json!({"kind": "probe"})).await;
    let again = post(&client, &path, KEY, json!({"kind": "probe"})).await;
    let in_the_body = client.post(&path, json!({"kind": "probe", "request_id": KEY})).await;

    for repeated in [&again, &in_the_body] {
        assert_eq!(repeated.ok(), first.ok());
        assert_eq!(repeated.headers[REPLAYED], "true");
    }
    assert!(first.headers.get(REPLAYED).is_none());
    let jobs = client.get(&format!("{path}?kind=probe")).await.ok();
    let ours = jobs
        .as_array()
        .unwrap()
        .iter()
        .filter(|job| job["actor_name"] == "operator");
    assert_eq!(ours.count(), 1);
    let other = post(&client, &path, OTHER_KEY, json!({"kind": "probe"})).await.ok();
    assert_ne!(other["id"], first.json()["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_stays_though_the_thing_has_changed() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/jobs", host.id);
    let first = post(&client, &path, KEY, json!({"kind": "probe"})).await.ok();
    let cancelled = client
        .post(
            &format!("/api/jobs/{}/cancel", first["id"].as_str().unwrap()),
            json!({}),
        )
        .await
        .ok();
    assert_eq!(cancelled["status"], "cancelled");

    let again = post(&client, &path, KEY, json!({"kind": "probe"})).await.ok();

    assert_eq!(again, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_under_the_same_key_is_refused() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/jobs", host.id);
    post(&client, &path, KEY, json!({"kind": "probe"})).await.ok();

    for (path, body) in [
        (path.as_str(), json!({"kind": "snapshots"})),
        ("/api/repositories", json!({"repo_url": "/srv/b", "repo_password": "p"})),
    ] {
        let refused = post(&client, path, KEY, body).await;

        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (409, "idempotency_mismatch"),
            "{path}"
        );
    }
    assert_eq!(client.get("/api/repositories").await.ok().as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_is_not_remembered() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/jobs", host.id);
    let failed = post(&client, &path, KEY, json!({"kind": "init"})).await;
    assert_eq!(failed.code(), "repository_ready");

    let other = post(&client, &path, KEY, json!({"kind": "probe"})).await;

    assert_eq!(other.ok()["kind"], "probe");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_belong_to_their_users() {
    let server = TestServer::start().await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/jobs", host.id);
    let operator = post(&server.rest(OPERATOR).await, &path, KEY, json!({"kind": "probe"})).await;

    let admin = server.rest(As::User(Role::Admin)).await;
    let of_admin = post(&admin, &path, KEY, json!({"kind": "probe"})).await;
    let viewer = server.rest(As::User(Role::Viewer)).await;
    let of_viewer = post(&viewer, &path, KEY, json!({"kind": "probe"})).await;

    assert_ne!(of_admin.ok()["id"], operator.ok()["id"]);
    assert_eq!(of_viewer.code(), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_no_uuid_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let body = json!({"repo_url": "/srv/b", "repo_password": "p"});

    post(&client, "/api/repositories", "once", body.clone())
        .await
        .refuses(400, "invalid_argument", "idempotency-key");
    let in_body = json!({"repo_url": "/srv/b", "repo_password": "p", "request_id": "once"});
    client
        .post("/api/repositories", in_body)
        .await
        .refuses(400, "invalid_argument", "request_id");

    assert_eq!(client.get("/api/repositories").await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_once_and_shown_once() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let body = json!({"hostname": "web-01", "repo_url": "/srv/b", "repo_password": "canary-password"});
    let made = post(&client, "/api/enrollment-tokens", KEY, body.clone()).await.ok();

    let again = post(&client, "/api/enrollment-tokens", KEY, body).await;

    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "answer_not_kept"));
    let tokens = client.get("/api/enrollment-tokens").await.ok();
    assert_eq!(tokens.as_array().unwrap().len(), 1);
    let directory = server.stop().await;
    for secret in [made["token"].as_str().unwrap(), "canary-password"] {
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_grpc() {
    let server = TestServer::start().await;
    let operator = server.grpc(OPERATOR).await;
    let mut service = JobServiceClient::new(operator.channel.clone());
    let host = server.ready_host("web-01").await;
    let order = |kind: &str| v1::RunJobRequest {
        host_id: host.id.to_string(),
        kind: kind.into(),
        request_id: KEY.into(),
        ..Default::default()
    };

    let first = service.run_job(operator.request(order("probe"))).await.unwrap();
    let again = service.run_job(operator.request(order("probe"))).await.unwrap();
    let other = service.run_job(operator.request(order("snapshots"))).await.unwrap_err();
    let over_rest = post(
        &server.rest(OPERATOR).await,
        &format!("/api/hosts/{}/jobs", host.id),
        KEY,
        json!({"kind": "probe"}),
    )
    .await;

    assert_eq!(again.metadata().get(REPLAYED).unwrap(), "true");
    let first = first.into_inner();
    assert_eq!(again.into_inner(), first);
    assert_eq!(code(&other), "idempotency_mismatch");
    assert_eq!(over_rest.ok()["id"], first.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_takes_effect_and_all_are_answered_alike() {
    one_of_many_takes_effect(TestServer::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_takes_effect_on_postgres_too() {
    let Some(url) = postgres::new_database().await else {
        return;
    };
    let settings = [("RM_DATABASE_URL", url.as_str())];
    one_of_many_takes_effect(TestServer::start_with(&settings, Arc::new(SystemClock)).await).await;
}

async fn one_of_many_takes_effect(server: TestServer) {
    let client = server.rest(OPERATOR).await;
    for round in 0..5 {
        let key = format!("4f0c1d5e-9d5b-4b57-8a3a-0f6f3a1f7d{round:02}");
        let body = json!({"repo_url": format!("/srv/{round}"), "repo_password": "p"});

        let answers =
            futures_util::future::join_all((0..8).map(|_| post(&client, "/api/repositories", &key, body.clone())))
                .await;

        let first: Value = answers[0].ok();
        for answer in &answers {
            assert_eq!(answer.ok(), first);
        }
        let fresh = answers.iter().filter(|answer| answer.headers.get(REPLAYED).is_none());
        assert_eq!(fresh.count(), 1);
    }
    let all = client.get("/api/repositories").await.ok();
    assert_eq!(all.as_array().unwrap().len(), 5);
}

async fn post(client: &Client, path: &str, key: &str, body: Value) -> Answer {
    let request = client.request(Method::POST, path).header("Idempotency-Key", key);
    send(request.body(body.to_string())).await
}
