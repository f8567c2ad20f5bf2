//! Another repository in the place of the known one: held back, shown, and confirmed or seen to be gone again.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::enrollment::WantedRepository;
use domain::id::RepositoryId;
use domain::job::FailureCode;
use domain::session::{Ending, JobEnd};
use domain::{ResticRepositoryId, Role};
use proto::v1;
use proto::v1::repository_service_client::RepositoryServiceClient;
use serde_json::{Value, json};
use support::host::{Connected, RESTIC_ID, end};
use support::rest::{Answer, Client};
use support::{As, TestServer, grpc};

const ADMIN: As = As::User(Role::Admin);
const OPERATOR: As = As::User(Role::Operator);

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_held_back_until_an_admin_names_the_new_repository() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let host = server.ready_host("web-01").await;
    let repository = repository_of(&client, &host).await;
    let path = format!("/api/repositories/{repository}");
    let confirm = format!("{path}/confirm-replaced");

    find_another(&client, &host, &other(1)).await;
    let shown = client.get(&path).await.ok();
    let seen = client.get(&format!("/api/hosts/{}", host.id)).await.ok();
    let backup = order(&client, &host, "backup").await;
    let init = order(&client, &host, "init").await;
    let of_another = client
        .post(&confirm, json!({"restic_repository_id": other(2).to_string()}))
        .await;
    let confirmed = client
        .post(&confirm, json!({"restic_repository_id": other(1).to_string()}))
        .await
        .ok();

    assert_eq!(shown["restic_repository_id"], RESTIC_ID);
    let replacement = &shown["replacements"][0];
    assert_eq!(replacement["restic_repository_id"], other(1).to_string());
    assert_eq!(
        (&replacement["host_id"], &replacement["hostname"]),
        (&json!(host.id.to_string()), &json!("web-01"))
    );
    assert!(replacement["found_at"].is_string(), "{shown:#}");
    assert_eq!(
        (&seen["repo_status"], &seen["repo_status_detail"]),
        (&json!("error"), &json!("repository_replaced"))
    );
    assert_eq!(refusal(&backup), (409, "repository_replaced".to_owned()));
    assert!(backup.json()["message"].as_str().unwrap().contains("admin confirms"));
    assert_eq!(refusal(&init), (409, "repository_replaced".to_owned()));
    assert_eq!(refusal(&of_another), (409, "repository_not_replaced".to_owned()));
    let message = of_another.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains(&format!("web-01 found {}", other(1))),
        "it does not say what was found: {message}"
    );
    assert_eq!(confirmed["restic_repository_id"], other(1).to_string());
    assert_eq!(confirmed["replacements"], json!([]));
    let held = host.credentials().await.expect("the host has a repository");
    assert_eq!(held.restic_id, Some(other(1)));
    assert_eq!(order(&client, &host, "backup").await.status, 200);
    let entry = &client.get("/api/audit?action=repository.*").await.ok()[0];
    assert_eq!(entry["action"], "repository.replacement_confirmed");
    assert!(
        entry.to_string().contains(RESTIC_ID) && entry.to_string().contains(&other(1).to_string()),
        "{entry:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_older_than_the_confirmation_holds_nothing_back() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let host = server.ready_host("web-01").await;
    let repository = repository_of(&client, &host).await;
    let confirm = format!("/api/repositories/{repository}/confirm-replaced");
    find_another(&client, &host, &other(1)).await;
    client
        .post(&confirm, json!({"restic_repository_id": other(1).to_string()}))
        .await
        .ok();

    // The agent has not heard of it and still compares with the former id.
    find_another(&client, &host, &other(1)).await;

    assert_eq!(status(&client, &host).await, "ready");
    let again = client
        .post(&confirm, json!({"restic_repository_id": other(1).to_string()}))
        .await;
    assert_eq!(refusal(&again), (409, "repository_not_replaced".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_known_repository_is_recognised_when_it_is_back() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let repository = repository_of(&client, &host).await;
    find_another(&client, &host, &other(1)).await;

    order(&client, &host, "probe").await.ok();
    for job in host.accept().await {
        host.begin(job).await;
        host.succeed(job).await;
    }

    assert_eq!(status(&client, &host).await, "ready");
    let shown = client.get(&format!("/api/repositories/{repository}")).await.ok();
    assert_eq!(
        (&shown["replacements"], &shown["restic_repository_id"]),
        (&json!([]), &json!(RESTIC_ID))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_host_claims_does_not_hold_back_the_others() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let liar = server.ready_host("web-01").await;
    let repository: RepositoryId = repository_of(&client, &liar).await.parse().unwrap();
    let honest = server
        .enroll("web-02", WantedRepository::Known(repository))
        .await
        .connect()
        .await;
    honest.make_repository().await;

    find_another(&client, &liar, &other(1)).await;

    assert_eq!(
        refusal(&order(&client, &liar, "backup").await),
        (409, "repository_replaced".to_owned())
    );
    assert_eq!(order(&client, &honest, "backup").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_over_grpc_and_its_bad_inputs() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let host = server.ready_host("web-01").await;
    let id = repository_of(&client, &host).await;
    find_another(&client, &host, &other(1)).await;
    let admin = server.grpc(ADMIN).await;
    let mut service = RepositoryServiceClient::new(admin.channel.clone());
    let mut confirm = async |id: &str, restic_repository_id: &str| {
        let message = v1::ConfirmReplacedRequest {
            id: id.to_owned(),
            restic_repository_id: restic_repository_id.to_owned(),
        };
        service.confirm_replaced(admin.request(message)).await
    };

    for (restic_id, code) in [("", "missing_field"), ("abcd", "invalid_argument")] {
        let refused = confirm(&id, restic_id).await.unwrap_err();

        assert_eq!(grpc::code(&refused), code, "{restic_id}");
    }
    let unknown = confirm("01890a5d-ac96-774b-bcce-b302099a8057", RESTIC_ID)
        .await
        .unwrap_err();
    let confirmed = confirm(&id, &other(1).to_string()).await.unwrap().into_inner();

    assert_eq!(grpc::code(&unknown), "repository_not_found");
    assert_eq!(confirmed.restic_repository_id, other(1).to_string());
    assert!(confirmed.replacements.is_empty());
}

/// The host's agent looks before it writes, and finds this one.
async fn find_another(client: &Client, host: &Connected, found: &ResticRepositoryId) {
    order(client, host, "probe").await.ok();
    for job in host.accept().await {
        host.begin(job).await;
        let replaced = JobEnd {
            failure: Some(FailureCode::RepositoryReplaced),
            restic_repository: Some(*found),
            ..end(Ending::Failed)
        };
        host.end(job, replaced).await;
    }
}

async fn order(client: &Client, host: &Connected, kind: &str) -> Answer {
    let mut body = json!({ "kind": kind });
    if kind == "backup" {
        body["args"] = json!(["/srv"]);
    }
    client.post(&format!("/api/hosts/{}/jobs", host.id), body).await
}

async fn repository_of(client: &Client, host: &Connected) -> String {
    let seen = client.get(&format!("/api/hosts/{}", host.id)).await.ok();
    seen["repository_id"].as_str().unwrap().to_owned()
}

async fn status(client: &Client, host: &Connected) -> Value {
    client.get(&format!("/api/hosts/{}", host.id)).await.ok()["repo_status"].clone()
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

fn other(number: u8) -> ResticRepositoryId {
    format!("{number:02x}").repeat(32).parse().unwrap()
}
