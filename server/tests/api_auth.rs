//! Signing in and out, over REST and gRPC.

mod support;

use domain::Role;
use proto::v1::auth_service_client::AuthServiceClient;
use proto::v1::{self, LoginRequest};
use reqwest::Method;
use serde_json::json;
use support::rest::{Client, send};
use support::{As, PASSWORD, TestServer, grpc};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_is_made_once_with_the_setup_token() {
    let server = TestServer::start_empty().await;
    let client = server.rest(As::Anonymous).await;
    let token = server.app.mint_setup_token().await.unwrap().unwrap();
    let body = |token: &str| json!({"token": token, "username": "Ada", "password": PASSWORD});

    let before = client.get("/api/bootstrap").await.ok();
    let wrong = client.post("/api/bootstrap", body("not the token")).await;
    let right = client.post("/api/bootstrap", body(token.expose())).await;
    let again = client.post("/api/bootstrap", body(token.expose())).await;

    assert_eq!(before["required"], true);
    wrong.refuses(401, "invalid_token", "token");
    assert_eq!(right.ok()["role"], "admin");
    assert_eq!(
        (again.status.as_u16(), again.code().as_str()),
        (409, "already_bootstrapped")
    );
    assert_eq!(client.get("/api/bootstrap").await.ok()["required"], false);
    assert!(server.app.mint_setup_token().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_setup_token_voids_the_first() {
    let server = TestServer::start_empty().await;
    let client = server.rest(As::Anonymous).await;
    let first = server.app.mint_setup_token().await.unwrap().unwrap();
    server.app.mint_setup_token().await.unwrap();

    let answer = client
        .post(
            "/api/bootstrap",
            json!({"token": first.expose(), "username": "ada", "password": PASSWORD}),
        )
        .await;

    assert_eq!(answer.code(), "invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_sets_a_cookie_that_is_a_session_until_logout() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;
    // curl's default content type, as the onboarding script sends it.
    let login = client
        .request(Method::POST, "/api/auth/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(json!({"username": "OPERATOR", "password": PASSWORD}).to_string());

    let answer = send(login).await;

    assert_eq!(answer.ok()["role"], "operator");
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("rm_session=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "the base URL is http: {cookie}");
    let session = answer.session().unwrap();
    let with_cookie = |method, path: &str| {
        client
            .request(method, path)
            .header("cookie", format!("rm_session={session}"))
    };
    let seen = send(with_cookie(Method::GET, "/api/auth/session")).await.ok();
    assert_eq!(
        (seen["username"].as_str(), seen["role"].as_str()),
        (Some("operator"), Some("operator"))
    );
    send(with_cookie(Method::POST, "/api/auth/logout")).await.ok();
    assert_eq!(
        send(with_cookie(Method::GET, "/api/auth/session")).await.code(),
        "unauthorized"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failed_login_gets_the_same_answer() {
    let server = TestServer::start().await;

    let mut answers = Vec::new();
    for (username, password) in [
        ("viewer", "wrong password!!"),
        ("nobody", PASSWORD),
        ("no such name\u{e9}", PASSWORD),
    ] {
        let client = server.rest(As::Anonymous).await;
        let answer = client
            .post("/api/auth/login", json!({"username": username, "password": password}))
            .await;
        let mut body = answer.json();
        body["request_id"].take();
        answers.push((answer.status, body));
    }

    assert_eq!(answers[0].0.as_u16(), 401);
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert_eq!(answers[0].1["code"], "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_the_victim_can_still_sign_in_from_elsewhere() {
    let server = TestServer::start().await;
    let attacker = server.rest(As::Anonymous).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        let answer = attacker
            .post(
                "/api/auth/login",
                json!({"username": "viewer", "password": "guess guess guess"}),
            )
            .await;
        let body = answer.json();
        let said = body["retry_after_seconds"]
            .as_u64()
            .map(|seconds| format!("Try again in {seconds} s."));
        let is_said = said.is_some_and(|said| body["message"].as_str().is_some_and(|message| message.ends_with(&said)));
        codes.push((answer.code(), is_said));
    }
    let victim = server.rest(As::Anonymous).await;

    let answer = victim
        .post("/api/auth/login", json!({"username": "viewer", "password": PASSWORD}))
        .await;

    assert!(
        codes[..5].iter().all(|(code, _)| code == "invalid_credentials"),
        "{codes:?}"
    );
    assert_eq!(codes[5], ("rate_limited".to_owned(), true));
    assert_eq!(answer.ok()["role"], "viewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_all_other_sessions() {
    let server = TestServer::start().await;
    let (here, there) = (
        server.rest(As::User(Role::Viewer)).await,
        server.rest(As::User(Role::Viewer)).await,
    );
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});

    let wrong = here
        .put("/api/auth/password", change("not my password", "a new long password"))
        .await;
    let weak = here.put("/api/auth/password", change(PASSWORD, "short")).await;
    let right = here
        .put("/api/auth/password", change(PASSWORD, "a new long password"))
        .await;

    assert_eq!(
        (wrong.status.as_u16(), wrong.code().as_str()),
        (401, "invalid_credentials")
    );
    assert_eq!(wrong.json()["errors"][0]["field"], "current_password");
    assert_eq!((weak.status.as_u16(), weak.code().as_str()), (400, "weak_password"));
    assert_eq!(weak.json()["errors"][0]["field"], "new_password");
    right.ok();
    here.get("/api/auth/session").await.ok();
    assert_eq!(there.get("/api/auth/session").await.code(), "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_use_the_cookie() {
    let server = TestServer::start().await;
    for (header, value, refused) in [
        ("origin", "https://evil.example", true),
        ("origin", "http://localhost:8080", false),
        ("sec-fetch-site", "cross-site", true),
        ("sec-fetch-site", "same-origin", false),
    ] {
        let client = server.rest(As::User(Role::Viewer)).await;

        let answer = send(client.request(Method::POST, "/api/auth/logout").header(header, value)).await;

        assert_eq!(
            answer.code() == "csrf_rejected",
            refused,
            "{header}: {value}: {answer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_sign_its_visitor_in() {
    let server = TestServer::start().await;
    let visitor = server.rest(As::Anonymous).await;
    let login = json!({"username": "viewer", "password": PASSWORD}).to_string();

    let from_elsewhere = send(
        visitor
            .request(Method::POST, "/api/auth/login")
            .header("sec-fetch-site", "cross-site")
            .body(login.clone()),
    )
    .await;
    let from_here = send(visitor.request(Method::POST, "/api/auth/login").body(login)).await;

    assert_eq!(
        (from_elsewhere.status.as_u16(), from_elsewhere.code().as_str()),
        (403, "csrf_rejected")
    );
    assert!(from_elsewhere.session().is_none());
    from_here.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_grpc() {
    let server = TestServer::start().await;
    let client = server.grpc(As::Anonymous).await;
    let mut service = AuthServiceClient::new(client.channel.clone());
    let login = |password: &str| LoginRequest {
        username: "admin".to_owned(),
        password: password.to_owned(),
    };

    let wrong = service
        .login(client.request(login("wrong wrong wrong")))
        .await
        .unwrap_err();
    let right = service.login(client.request(login(PASSWORD))).await.unwrap();

    assert_eq!(grpc::code(&wrong), "invalid_credentials");
    let cookie = right.metadata().get("set-cookie").unwrap().to_str().unwrap().to_owned();
    let token = cookie.split([';', '=']).nth(1).unwrap().to_owned();
    assert_eq!(right.into_inner().role(), v1::Role::Admin);
    let mut request = client.request(v1::GetSessionRequest {});
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    let session = service.get_session(request).await.unwrap().into_inner();
    assert_eq!((session.username.as_str(), session.role()), ("admin", v1::Role::Admin));
    assert!(session.expires_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_stands_in_the_record() {
    let server = TestServer::start().await;
    let stranger = server.rest(As::Anonymous).await;
    stranger
        .post(
            "/api/auth/login",
            json!({"username": "viewer", "password": "wrong password"}),
        )
        .await;
    let viewer: Client = server.rest(As::User(Role::Viewer)).await;
    assert_eq!(viewer.get("/api/audit").await.code(), "forbidden");
    assert_eq!(viewer.get("/api/audit").await.code(), "forbidden");
    let admin = server.rest(As::User(Role::Admin)).await;

    let failed = admin.get("/api/audit?action=auth.login_failed").await.ok();
    let denied = admin.get("/api/audit?action=auth.denied").await.ok();
    let page = admin.get("/api/audit?page_size=2").await;

    assert_eq!(
        (failed[0]["actor_name"].as_str(), failed[0]["actor_id"].as_str()),
        (Some("viewer"), Some(""))
    );
    assert!(failed[0]["ip"].as_str().unwrap().starts_with("198.51."), "{failed}");
    assert_eq!(
        denied.as_array().unwrap().len(),
        1,
        "repeats within a minute are folded: {denied}"
    );
    assert_eq!(
        denied[0]["payload"]["method"],
        "/restic_manager.v1.AuditService/ListAuditEntries"
    );
    let entries = page.ok();
    let ids: Vec<u64> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids[0], ids[1] + 1, "newest first, without gaps");
    let token = page.headers["x-next-page-token"].to_str().unwrap();
    let next = admin
        .get(&format!("/api/audit?page_size=2&page_token={token}"))
        .await
        .ok();
    assert_eq!(next[0]["id"], (ids[1] - 1).to_string());
    let foreign = admin
        .get(&format!("/api/audit?action=auth.login&page_token={token}"))
        .await;
    assert_eq!(
        (foreign.status.as_u16(), foreign.code().as_str()),
        (400, "invalid_page_token")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_database_is_alive_but_not_ready() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;
    server.app.close().await.unwrap();

    let alive = client.get("/healthz").await;
    let ready = client.get("/readyz").await;

    assert_eq!(alive.status.as_u16(), 204);
    assert_eq!(ready.status.as_u16(), 503);
    let checks = ready.json()["checks"].clone();
    assert_ne!(checks["database"], "ok");
    assert_ne!(checks["migrations"], "ok");
    assert_ne!(checks["key"], "ok");
    assert_eq!(checks["ca"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_what_it_is() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;

    let version = client.get("/api/version").await.ok();
    let ready = client.get("/readyz").await.ok();
    let document = client.get("/api/openapi.json").await.ok();
    let healthy = client.get("/healthz").await;
    let tasks = server
        .rest(As::User(Role::Admin))
        .await
        .get("/api/system/tasks")
        .await
        .ok();

    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(ready["checks"]["database"], "ok");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(healthy.status.as_u16(), 204);
    assert!(
        tasks
            .as_array()
            .unwrap()
            .iter()
            .any(|task| task["name"] == "expired_sessions"),
        "{tasks}"
    );
    assert_eq!(healthy.headers["x-content-type-options"], "nosniff");
}
