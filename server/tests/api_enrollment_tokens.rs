//! Enrollment tokens: making, listing and ending them, over REST and gRPC.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock as _, MockClock, Role};
use proto::v1;
use proto::v1::enrollment_token_service_client::EnrollmentTokenServiceClient;
use serde_json::json;
use support::machine::{Machine, names};
use support::{As, TestServer};

const OPERATOR: As = As::User(Role::Operator);
const ADMIN: As = As::User(Role::Admin);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const URL: &str = "rest:http://127.0.0.1:9/web-01/";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_then_listed_without_its_value() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;

    let made = client
        .mint(json!({"hostname": "web-01", "tags": ["web", "db"]}))
        .await
        .ok();
    let listed = client.get("/api/enrollment-tokens").await;

    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("rme1_") && token.len() == 138, "{token}");
    assert!(token.contains(made["ca_pin_sha256"].as_str().unwrap()));
    for command in ["install_command", "install_command_windows", "installer_script"] {
        let text = made[command].as_str().unwrap();
        assert!(
            text.contains(token) && text.contains("http://localhost:8080"),
            "{command}: {text}"
        );
    }
    assert!(made.get("generated_repo_password").is_none() && made.get("htpasswd_line").is_none());
    assert_eq!(listed.headers["x-total-count"], "1");
    assert!(!listed.text.contains(token) && !listed.text.contains(&token[38..64]));
    let shown = &listed.ok()[0];
    assert_eq!(shown["id"], made["id"]);
    assert_eq!(
        (&shown["hostname"], &shown["tags"]),
        (&json!("web-01"), &json!(["db", "web"]))
    );
    assert_eq!(
        (&shown["state"], &shown["created_by"]),
        (&json!("active"), &json!("operator"))
    );
    assert_eq!(shown["expires_at"], made["expires_at"]);
    assert!(shown.get("host_id").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_listed_and_revoked_over_grpc() {
    let server = TestServer::start().await;
    let operator = server.grpc(OPERATOR).await;
    let mut service = EnrollmentTokenServiceClient::new(operator.channel.clone());
    let wanted = v1::CreateEnrollmentTokenRequest {
        hostname: "web-01".into(),
        ttl_seconds: 300,
        ..Default::default()
    };

    let made = service
        .create_enrollment_token(operator.request(wanted))
        .await
        .unwrap()
        .into_inner();
    let revoke = v1::RevokeEnrollmentTokenRequest { id: made.id.clone() };
    service
        .revoke_enrollment_token(operator.request(revoke.clone()))
        .await
        .unwrap();
    service.revoke_enrollment_token(operator.request(revoke)).await.unwrap();
    let query = |state: v1::EnrollmentTokenState| v1::ListEnrollmentTokensRequest {
        state: state.into(),
        ..Default::default()
    };
    let mut listed = async |state| {
        service
            .list_enrollment_tokens(operator.request(query(state)))
            .await
            .unwrap()
            .into_inner()
    };
    let revoked = listed(v1::EnrollmentTokenState::Revoked).await;
    let active = listed(v1::EnrollmentTokenState::Active).await;

    assert_eq!((revoked.total_count, active.total_count), (1, 0));
    assert_eq!(
        (&revoked.tokens[0].id, revoked.tokens[0].state()),
        (&made.id, v1::EnrollmentTokenState::Revoked)
    );
    let actions = server.actions().await;
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "enrollment_token.revoked")
            .count(),
        1,
        "{actions:?}"
    );
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "enrollment_token.created")
            .count(),
        1,
        "{actions:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_listed_page_by_page_newest_first() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    for name in ["a", "b", "c"] {
        client.mint(json!({"hostname": name})).await.ok();
    }

    let first = client.get("/api/enrollment-tokens?page_size=2").await;
    let page_token = first.headers["x-next-page-token"].to_str().unwrap().to_owned();
    let second = client
        .get(&format!("/api/enrollment-tokens?page_size=2&page_token={page_token}"))
        .await;
    let foreign = client
        .get(&format!("/api/enrollment-tokens?state=active&page_token={page_token}"))
        .await;

    assert_eq!(names(&first.ok()), ["c", "b"]);
    assert_eq!(names(&second.ok()), ["a"]);
    assert!(!second.headers.contains_key("x-next-page-token"));
    assert_eq!(
        (foreign.status.as_u16(), foreign.code().as_str()),
        (400, "invalid_page_token")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_a_password_gets_one_and_a_line_for_its_server() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;

    let with_login = client
        .mint(json!({"hostname": "a", "repo_url": "rest:http://127.0.0.1:9/a/", "repo_username": "a"}))
        .await
        .ok();
    let without = client.mint(json!({"hostname": "b", "repo_url": "/srv/b"})).await.ok();
    let own_login = client.mint(json!({"hostname": "c", "repo_url": "rest:http://127.0.0.1:9/c/", "repo_username": "c", "backend_password": "own"}),
    )
    .await
    .ok();

    let password = with_login["generated_repo_password"].as_str().unwrap();
    assert_eq!(password.len(), 32, "24 bytes in base64url");
    let (user, hash) = with_login["htpasswd_line"].as_str().unwrap().split_once(':').unwrap();
    assert_eq!(user, "a");
    assert!(bcrypt::verify(password, hash).unwrap());
    assert_eq!(without["generated_repo_password"].as_str().unwrap().len(), 32);
    assert!(without.get("htpasswd_line").is_none());
    assert_eq!(own_login["generated_repo_password"].as_str().unwrap().len(), 32);
    assert!(own_login.get("htpasswd_line").is_none(), "its login password was given");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_location_has_one_set_of_secrets_whoever_names_it() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let wanted = |name: &str, password: &str| json!({"hostname": name, "repo_url": URL, "repo_username": "web", "repo_password": password});
    let first = client.mint(wanted("a", "correct horse")).await.ok();
    let early = client.mint(wanted("b", "another horse")).await.ok();
    server.enroll_machine(&first, &Machine::new()).await.ok();

    let at_use = server.enroll_machine(&early, &Machine::new()).await;
    let at_mint = client.mint(wanted("c", "another horse")).await;
    let same = client
        .mint(json!({"hostname": "d", "repo_url": "rest:http://127.0.0.1:9/web-01", "repo_username": "web"}))
        .await
        .ok();
    let linked = server.enroll_machine(&same, &Machine::new()).await.ok();

    for refused in [at_use, at_mint] {
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (409, "repository_credentials_differ"),
            "{refused:?}"
        );
    }
    assert!(
        same.get("generated_repo_password").is_none(),
        "the repository has a password"
    );
    let repositories = client.get("/api/repositories").await.ok();
    assert_eq!(repositories.as_array().unwrap().len(), 1);
    assert_eq!(repositories[0]["host_count"], "2");
    let host = client
        .get(&format!("/api/hosts/{}", linked["host_id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(host["repository_id"], repositories[0]["id"]);
    assert_eq!(
        names(&client.get("/api/enrollment-tokens?state=active").await.ok()),
        ["b"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_can_name_a_repository_by_its_id() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let repository = client
        .post(
            "/api/repositories",
            json!({"repo_url": "/srv/backup", "repo_password": "correct horse"}),
        )
        .await
        .ok();
    let id = repository["id"].as_str().unwrap();
    let made = client.mint(json!({"hostname": "a", "repository_id": id})).await.ok();
    let early = client.mint(json!({"hostname": "b", "repository_id": id})).await.ok();

    let unknown = client.mint(json!({"hostname": "c", "repository_id": UNKNOWN})).await;
    let host = server.enroll_machine(&made, &Machine::new()).await.ok();
    let host = client
        .get(&format!("/api/hosts/{}", host["host_id"].as_str().unwrap()))
        .await
        .ok();
    client
        .delete(&format!(
            "/api/hosts/{}?confirm_hostname=a",
            host["id"].as_str().unwrap()
        ))
        .await
        .ok();
    client.delete(&format!("/api/repositories/{id}")).await.ok();
    let gone = server.enroll_machine(&early, &Machine::new()).await;

    assert_eq!(host["repository_id"], id);
    assert_eq!(
        (unknown.status.as_u16(), unknown.code().as_str()),
        (404, "repository_not_found")
    );
    assert_eq!(unknown.json()["errors"][0]["field"], "repository_id");
    assert_eq!(
        (gone.status.as_u16(), gone.code().as_str()),
        (404, "repository_not_found")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_replaces_a_host_says_so_and_takes_nothing_else() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let first = client.mint(json!({"hostname": "web-01"})).await.ok();
    let enrolled = server.enroll_machine(&first, &Machine::new()).await.ok();
    let host = &enrolled["host_id"];

    let taken = client.mint(json!({"hostname": "WEB-01"})).await;
    let made = client.mint(json!({"replace_host_id": host})).await.ok();
    let named = client
        .mint(json!({"replace_host_id": host, "hostname": "Web-01"}))
        .await;

    // The refusal names the way out.
    assert_eq!((taken.status.as_u16(), taken.code().as_str()), (409, "host_exists"));
    let way_out = format!("`replace_host_id` = {}", host.as_str().unwrap());
    assert!(taken.text.contains(&way_out), "{taken:?}");
    assert_eq!(named.status.as_u16(), 200, "{named:?}");
    assert!(made["installer_script"].as_str().unwrap().contains("web-01"));
    let listed = client.get("/api/enrollment-tokens?state=active").await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(
        (&listed[1]["hostname"], &listed[1]["replace_host_id"]),
        (&json!("web-01"), host)
    );
    let entry = server.last_entry("enrollment_token.created").await;
    assert_eq!(&entry["payload"]["replace_host_id"], host);
    for (body, status, code, field) in [
        (
            json!({"replace_host_id": UNKNOWN}),
            404,
            "host_not_found",
            "replace_host_id",
        ),
        (
            json!({"replace_host_id": host, "hostname": "web-02"}),
            400,
            "invalid_argument",
            "hostname",
        ),
        (
            json!({"replace_host_id": host, "repo_url": URL}),
            400,
            "invalid_argument",
            "repo_url",
        ),
        (
            json!({"replace_host_id": host, "tags": ["a"]}),
            400,
            "invalid_argument",
            "tags",
        ),
    ] {
        let refused = client.mint(body).await;

        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (status, code),
            "{refused:?}"
        );
        assert_eq!(refused.json()["errors"][0]["field"], field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_token_cannot_be_revoked_and_an_unknown_one_not_be_found() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = client.mint(json!({"hostname": "web-01"})).await.ok();
    server.enroll_machine(&made, &Machine::new()).await.ok();

    let used = client
        .delete(&format!("/api/enrollment-tokens/{}", made["id"].as_str().unwrap()))
        .await;
    let unknown = client.delete(&format!("/api/enrollment-tokens/{UNKNOWN}")).await;

    assert_eq!((used.status.as_u16(), used.code().as_str()), (410, "token_used"));
    assert_eq!(
        (unknown.status.as_u16(), unknown.code().as_str()),
        (404, "enrollment_token_not_found")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_tokens_are_removed_after_seven_days() {
    let clock = Arc::new(MockClock::at(start()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let client = server.rest(OPERATOR).await;
    client
        .mint(json!({"hostname": "web-01", "ttl_seconds": 300}))
        .await
        .ok();

    clock.set(clock.now().saturating_add(Duration::from_hours(7 * 24)));
    let kept = server.app.remove_ended_enrollment_tokens().await.unwrap();
    clock.advance(Duration::from_mins(5));
    let removed = server.app.remove_ended_enrollment_tokens().await.unwrap();

    assert_eq!((kept, removed), (0, 1));
}

fn start() -> domain::Timestamp {
    "2026-05-01T02:00:00Z".parse().unwrap()
}
