//! Repositories and their slots, over REST and gRPC.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::Role;
use domain::enrollment::WantedRepository;
use proto::v1;
use proto::v1::repository_service_client::RepositoryServiceClient;
use reqwest::Method;
use serde_json::{Value, json};
use support::host::local_repository;
use support::rest::{Answer, Client, send};
use support::{As, TestServer, grpc};

const OPERATOR: As = As::User(Role::Operator);
const ADMIN: As = As::User(Role::Admin);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_known_shown_changed_and_forgotten() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;

    let made = client
        .post("/api/repositories", json!({"name": "NAS", "repo_url": "rest:https://nas.example.org/web", "repo_username": "web", "repo_password": "correct horse"}))
        .await
        .ok();
    let id = made["id"].as_str().unwrap();
    let path = format!("/api/repositories/{id}");
    let listed = client.get("/api/repositories").await;
    let renamed = client.patch(&path, json!({"name": "NAS 2", "version": "1"})).await.ok();
    let moved = client
        .patch(
            &path,
            json!({"repo_url": "rest:https://nas.example.org/other", "version": "2"}),
        )
        .await
        .ok();
    let shown = client.get(&path).await.ok();
    let forgotten = client.delete(&path).await;
    let gone = client.get(&path).await;

    assert_eq!(
        (&made["name"], &made["kind"], &made["version"]),
        (&json!("NAS"), &json!("rest"), &json!("1"))
    );
    // One password serves for both where none is given for the login.
    let slot = &made["credentials"];
    assert_eq!(
        (&slot["username"], &slot["repo_password_set"]),
        (&json!("web"), &json!(true))
    );
    assert_eq!(slot["backend_password_set"], true);
    assert!(made.get("admin_credentials").is_none());
    assert_eq!(listed.headers["x-total-count"], "1");
    assert_eq!(listed.ok()[0]["id"], made["id"]);
    assert_eq!((&renamed["name"], &renamed["version"]), (&json!("NAS 2"), &json!("2")));
    assert_eq!(moved["repo_url"], "rest:https://nas.example.org/other");
    assert_eq!(shown, moved);
    assert_eq!(forgotten.ok(), json!({}));
    assert_eq!(
        (gone.status.as_u16(), gone.code().as_str()),
        (404, "repository_not_found")
    );
    let actions = actions(&client).await;
    assert_eq!(
        actions[..4],
        [
            "repository.deleted",
            "repository.updated",
            "repository.updated",
            "repository.created"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_grpc() {
    let server = TestServer::start().await;
    let admin = server.grpc(ADMIN).await;
    let mut service = RepositoryServiceClient::new(admin.channel.clone());

    let new = v1::CreateRepositoryRequest {
        repo_url: "/srv/backup".into(),
        ..Default::default()
    };
    let made = service
        .create_repository(admin.request(new))
        .await
        .unwrap()
        .into_inner();
    let update = v1::UpdateRepositoryRequest {
        id: made.id.clone(),
        name: Some("Disk".into()),
        repo_url: None,
        version: Some(1),
    };
    let renamed = service
        .update_repository(admin.request(update.clone()))
        .await
        .unwrap()
        .into_inner();
    let late = service.update_repository(admin.request(update)).await.unwrap_err();
    let list = v1::ListRepositoriesRequest::default();
    let listed = service
        .list_repositories(admin.request(list))
        .await
        .unwrap()
        .into_inner();
    let remove = v1::DeleteRepositoryRequest { id: made.id.clone() };
    service.delete_repository(admin.request(remove)).await.unwrap();
    let get = v1::GetRepositoryRequest { id: made.id.clone() };
    let gone = service.get_repository(admin.request(get)).await.unwrap_err();

    assert_eq!((made.name.as_str(), made.kind.as_str()), ("/srv/backup", "local"));
    assert_eq!((renamed.name.as_str(), renamed.version), ("Disk", 2));
    assert_eq!(grpc::code(&late), "version_conflict");
    assert_eq!(
        (listed.total_count, listed.repositories.as_slice()),
        (1, [renamed].as_slice())
    );
    assert_eq!(grpc::code(&gone), "repository_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_location_with_a_login_are_taken_once() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let make = async |body: Value| client.post("/api/repositories", body).await;
    let first = make(json!({"name": "NAS", "repo_url": "rest:http://nas/web", "repo_username": "web"}))
        .await
        .ok();
    let other = make(json!({"repo_url": "rest:http://nas/db", "repo_username": "db"}))
        .await
        .ok();

    let same_name = make(json!({"name": "nas", "repo_url": "/srv/x"})).await;
    let same_place = make(json!({"repo_url": "rest:http://NAS:80/web/", "repo_username": "web"})).await;
    let other_login = make(json!({"repo_url": "rest:http://nas/web", "repo_username": "mail"}))
        .await
        .ok();
    let no_name = make(json!({"repo_url": "rest:http://nas/web"})).await.ok();
    let path = format!("/api/repositories/{}", other["id"].as_str().unwrap());
    let renamed = client.patch(&path, json!({"name": "NAS", "version": "1"})).await;
    let path = format!("{path}/credentials");
    let relogged = client.put(&path, json!({"repo_username": "web"})).await.ok();
    let path = format!("/api/repositories/{}/credentials", no_name["id"].as_str().unwrap());
    let taken_login = client.put(&path, json!({"repo_username": "web"})).await;

    same_name.refuses(409, "repository_exists", "name");
    same_place.refuses(409, "repository_exists", "repo_url");
    assert_eq!(first["name"], "NAS");
    // A name that is made is one that is free.
    assert_eq!(
        (&other_login["name"], &no_name["name"]),
        (&json!("rest:http://nas/web"), &json!("rest:http://nas/web (2)"))
    );
    renamed.refuses(409, "repository_exists", "name");
    assert_eq!(relogged["credentials"]["username"], "web");
    taken_login.refuses(409, "repository_exists", "repo_url");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_bad_field_is_named_and_nothing_changes() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let made = client
        .post("/api/repositories", json!({"repo_url": "s3:s3.example.org/bucket"}))
        .await
        .ok();
    let path = format!("/api/repositories/{}", made["id"].as_str().unwrap());
    let entries = actions(&client).await.len();

    for (verb, path, body, status, code, field) in [
        ("POST", "/api/repositories", json!({}), 400, "missing_field", "repo_url"),
        (
            "POST",
            "/api/repositories",
            json!({"repo_url": "ftp://x/y"}),
            400,
            "invalid_repo_url",
            "repo_url",
        ),
        (
            "POST",
            "/api/repositories",
            json!({"repo_url": "sftp:-oProxyCommand=x:/y"}),
            400,
            "invalid_repo_url",
            "repo_url",
        ),
        (
            "POST",
            "/api/repositories",
            json!({"repo_url": "/x\u{0}"}),
            400,
            "invalid_repo_url",
            "repo_url",
        ),
        (
            "POST",
            "/api/repositories",
            json!({"repo_url": "/x", "name": "x".repeat(65)}),
            400,
            "invalid_argument",
            "name",
        ),
        (
            "POST",
            "/api/repositories",
            json!({"repo_url": "/x", "repo_password": "a\nb"}),
            400,
            "invalid_argument",
            "repo_password",
        ),
        (
            "POST",
            "/api/repositories",
            json!({"repo_url": "/x", "backend_env": {"AWS_REGION": "x"}}),
            400,
            "invalid_argument",
            "backend_env",
        ),
        ("PATCH", &path, json!({"name": "x"}), 400, "missing_field", "version"),
        (
            "PATCH",
            &path,
            json!({"name": "x", "version": "9"}),
            409,
            "version_conflict",
            "version",
        ),
        (
            "PATCH",
            &path,
            json!({"name": "", "version": "1"}),
            400,
            "missing_field",
            "name",
        ),
        (
            "PATCH",
            &path,
            json!({"repo_url": "rest:http://a:b@nas/", "version": "1"}),
            400,
            "invalid_repo_url",
            "repo_url",
        ),
        (
            "PUT",
            &format!("{path}/credentials"),
            json!({"repo_username": "a:b"}),
            400,
            "invalid_argument",
            "repo_username",
        ),
        (
            "PUT",
            &format!("{path}/credentials"),
            json!({"backend_password": "x".repeat(5000)}),
            400,
            "invalid_argument",
            "backend_password",
        ),
        (
            "PUT",
            &format!("{path}/credentials"),
            json!({"backend_env": {"LD_PRELOAD": "x"}}),
            400,
            "invalid_argument",
            "backend_env",
        ),
        (
            "PUT",
            &format!("{path}/credentials"),
            json!({"backend_env": {"B2_ACCOUNT_ID": "x"}}),
            400,
            "invalid_argument",
            "backend_env",
        ),
        (
            "PUT",
            &format!("{path}/credentials"),
            json!({"backend_env": {"AWS_REGION": ""}}),
            400,
            "invalid_argument",
            "backend_env.AWS_REGION",
        ),
        (
            "PUT",
            &format!("{path}/admin-credentials"),
            json!({"backend_env": {"B2_ACCOUNT_ID": "x"}}),
            400,
            "invalid_argument",
            "backend_env",
        ),
    ] {
        let answer = call(&client, verb, path, body).await;

        answer.refuses(status, code, field);
    }
    assert_eq!(client.get(&path).await.ok(), made);
    assert_eq!(actions(&client).await.len(), entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_are_not_found_and_bad_queries_are_named() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;

    for (verb, path, code) in [
        ("GET", format!("/api/repositories/{UNKNOWN}"), "repository_not_found"),
        ("DELETE", format!("/api/repositories/{UNKNOWN}"), "repository_not_found"),
        (
            "PUT",
            format!("/api/repositories/{UNKNOWN}/credentials"),
            "repository_not_found",
        ),
        (
            "PUT",
            format!("/api/repositories/{UNKNOWN}/admin-credentials"),
            "repository_not_found",
        ),
        (
            "DELETE",
            format!("/api/repositories/{UNKNOWN}/admin-credentials"),
            "repository_not_found",
        ),
        (
            "GET",
            format!("/api/hosts/{UNKNOWN}/repo-credentials"),
            "host_not_found",
        ),
        (
            "PUT",
            format!("/api/hosts/{UNKNOWN}/repo-credentials"),
            "host_not_found",
        ),
        ("GET", "/api/repositories/x".to_owned(), "invalid_argument"),
        ("GET", "/api/repositories?page_size=501".to_owned(), "invalid_argument"),
        ("GET", "/api/repositories?page_token=x".to_owned(), "invalid_page_token"),
    ] {
        let body = json!({"repo_password": "x"});
        let answer = if verb == "PUT" {
            call(&client, verb, &path, body).await
        } else {
            call(&client, verb, &path, json!({})).await
        };

        assert_eq!(answer.code(), code, "{verb} {path}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_slots_keep_what_is_not_given() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let made = client
        .post(
            "/api/repositories",
            json!({"repo_url": "s3:s3.example.org/bucket", "repo_password": "x"}),
        )
        .await
        .ok();
    let path = format!("/api/repositories/{}", made["id"].as_str().unwrap());

    let env = json!({"backend_env": {"AWS_SECRET_ACCESS_KEY": "s", "AWS_ACCESS_KEY_ID": "i"}});
    let everyday = client.put(&format!("{path}/credentials"), env).await.ok();
    let admin = client
        .put(
            &format!("{path}/admin-credentials"),
            json!({"repo_username": "root", "backend_password": "p"}),
        )
        .await
        .ok();
    let again = client
        .put(
            &format!("{path}/admin-credentials"),
            json!({"repo_password": "own key"}),
        )
        .await
        .ok();
    let moved = client
        .patch(&path, json!({"repo_url": "/srv/copy", "version": "1"}))
        .await
        .ok();
    let removed = client.delete(&format!("{path}/admin-credentials")).await.ok();
    let removed_again = client.delete(&format!("{path}/admin-credentials")).await.ok();

    assert_eq!(
        everyday["credentials"]["backend_env_names"],
        json!(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    );
    assert_eq!(everyday["credentials"]["repo_password_set"], true);
    assert_eq!(
        (
            &admin["admin_credentials"]["username"],
            &admin["admin_credentials"]["repo_password_set"]
        ),
        (&json!("root"), &json!(false))
    );
    let slot = &again["admin_credentials"];
    assert_eq!(
        (
            &slot["username"],
            &slot["repo_password_set"],
            &slot["backend_password_set"]
        ),
        (&json!("root"), &json!(true), &json!(true))
    );
    // Another kind of backend reads other variables.
    assert_eq!(moved["credentials"]["backend_env_names"], json!([]));
    assert_eq!(moved["credentials"]["repo_password_set"], true);
    assert!(removed.get("admin_credentials").is_none() && removed_again == removed);
    let actions = actions(&client).await;
    let deletions = actions
        .iter()
        .filter(|action| *action == "repository.admin_credentials_deleted")
        .count();
    assert_eq!(deletions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_in_use_is_not_forgotten() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    server.enroll("web-01", local_repository("web-01")).await;
    let id = client.get("/api/repositories").await.ok()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let refused = client.delete(&format!("/api/repositories/{id}")).await;

    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (409, "repository_in_use")
    );
    assert!(refused.text.contains("web-01"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_come_in_pages_by_name() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    for name in ["c", "A", "b"] {
        client
            .post(
                "/api/repositories",
                json!({"name": name, "repo_url": format!("/srv/{name}")}),
            )
            .await
            .ok();
    }

    let first = client.get("/api/repositories?page_size=2").await;
    let token = first.headers["x-next-page-token"].to_str().unwrap();
    let second = client
        .get(&format!("/api/repositories?page_size=2&page_token={token}"))
        .await;

    assert_eq!(names(&first), ["A", "b"]);
    assert_eq!(names(&second), ["c"]);
    assert_eq!(second.headers["x-total-count"], "3");
    assert!(second.headers.get("x-next-page-token").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_comes_out_again_or_lies_in_clear() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let host = server.enroll("web-01", WantedRepository::None).await.connect().await;
    let mut answers: Vec<String> = Vec::new();
    let made = client
        .post(
            "/api/repositories",
            json!({"repo_url": "rest:http://u:canary-in-url@nas/", "repo_password": "canary-repo"}),
        )
        .await;
    let path = format!("/api/repositories/{}", made.json()["id"].as_str().unwrap());
    answers.push(made.text);
    for (verb, path, body) in [
        (
            "PUT",
            format!("{path}/credentials"),
            json!({"backend_password": "canary-login", "repo_password": "canary-repo-2"}),
        ),
        (
            "PUT",
            format!("{path}/admin-credentials"),
            json!({"repo_password": "canary-admin", "backend_password": "canary-root"}),
        ),
        (
            "POST",
            "/api/repositories".to_owned(),
            json!({"repo_url": "b2:bucket", "backend_env": {"B2_ACCOUNT_KEY": "canary-env"}}),
        ),
        (
            "PUT",
            format!("/api/hosts/{}/repo-credentials", host.id),
            json!({"repo_url": "rest:http://h:canary-host@nas/", "repo_password": "canary-host-2"}),
        ),
        ("GET", format!("/api/hosts/{}/repo-credentials", host.id), json!({})),
        (
            "POST",
            "/api/repositories".to_owned(),
            json!({"repo_url": "rest:ftp://u:canary-bad@nas/", "repo_password": "canary-bad"}),
        ),
        (
            "PUT",
            format!("{path}/credentials"),
            json!({"backend_env": {"canary-name": "canary-value"}}),
        ),
        (
            "PUT",
            format!("{path}/credentials"),
            json!({"repo_password": ["canary-type"]}),
        ),
        ("GET", path.clone(), json!({})),
        ("GET", "/api/repositories".to_owned(), json!({})),
        ("GET", format!("/api/hosts/{}", host.id), json!({})),
        ("GET", "/api/jobs".to_owned(), json!({})),
        ("GET", "/api/audit?page_size=500".to_owned(), json!({})),
    ] {
        answers.push(call(&client, verb, &path, body).await.text);
    }
    let grpc = server.grpc(ADMIN).await;
    let listed = RepositoryServiceClient::new(grpc.channel.clone())
        .list_repositories(grpc.request(v1::ListRepositoriesRequest::default()))
        .await
        .unwrap();
    answers.push(format!("{listed:?}"));

    for answer in &answers {
        assert!(!answer.contains("canary"), "{answer}");
    }
    assert_eq!(
        host.credentials().await.unwrap().backend_password.expose(),
        "canary-host"
    );
    for entry in std::fs::read_dir(server.data_dir()).unwrap() {
        let file = entry.unwrap().path();
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(6).any(|part| part == b"canary"), "{}", file.display());
    }
}

async fn call(client: &Client, verb: &str, path: &str, body: Value) -> Answer {
    let method: Method = verb.parse().unwrap();
    let request = client.request(method.clone(), path);
    let bodiless = method == Method::GET || method == Method::DELETE;
    send(if bodiless {
        request
    } else {
        request.body(body.to_string())
    })
    .await
}

/// The actions in the record, newest first, without those of signing in.
async fn actions(client: &Client) -> Vec<String> {
    let entries = client.get("/api/audit?page_size=500").await.ok();
    let actions = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned());
    actions.filter(|action| !action.starts_with("auth.")).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    answer
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|repository| repository["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_moves_a_repository_to_a_server_that_does_not_know_its_login() {
    let server = TestServer::start().await;
    let (operator, admin) = (
        server.rest(As::User(Role::Operator)).await,
        server.rest(As::User(Role::Admin)).await,
    );
    let made = operator
        .post(
            "/api/repositories",
            json!({"name": "nas", "repo_url": "rest:https://nas/web", "repo_username": "web", "repo_password": "canary"}),
        )
        .await
        .ok();
    let path = format!("/api/repositories/{}", made["id"].as_str().unwrap());
    let elsewhere = json!({"repo_url": "rest:https://evil.example/web", "version": made["version"]});

    let by_operator = operator.patch(&path, elsewhere.clone()).await;
    let untouched = operator.get(&path).await.ok();
    let within_the_server = operator
        .patch(
            &path,
            json!({"repo_url": "rest:https://nas/other", "version": made["version"]}),
        )
        .await
        .ok();
    let by_admin = admin
        .patch(
            &path,
            json!({"repo_url": "rest:https://new-nas/web", "version": within_the_server["version"]}),
        )
        .await;

    by_operator.refuses(403, "forbidden", "repo_url");
    assert_eq!(untouched, made);
    assert_eq!(within_the_server["repo_url"], "rest:https://nas/other");
    assert_eq!(by_admin.ok()["repo_url"], "rest:https://new-nas/web");
}
