//! Repositories and credentials, over REST and gRPC.

mod support;

use domain::Role;
use domain::enrollment::WantedRepository;
use domain::session::{Ending, Fact};
use proto::v1;
use proto::v1::repository_service_client::RepositoryServiceClient;
use reqwest::Method;
use serde_json::{Value, json};
use support::host::{end, local_repository};
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
    let renamed = patch(&client, &path, json!({"name": "NAS 2", "version": "1"}))
        .await
        .ok();
    let moved = patch(
        &client,
        &path,
        json!({"repo_url": "rest:https://nas.example.org/other", "version": "2"}),
    )
    .await
    .ok();
    let shown = client.get(&path).await.ok();
    let forgotten = delete(&client, &path).await;
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
    let renamed = patch(&client, &path, json!({"name": "NAS", "version": "1"})).await;
    let path = format!("{path}/credentials");
    let relogged = client.put(&path, json!({"repo_username": "web"})).await.ok();
    let path = format!("/api/repositories/{}/credentials", no_name["id"].as_str().unwrap());
    let taken_login = client.put(&path, json!({"repo_username": "web"})).await;

    check(&same_name, 409, "repository_exists", "name");
    check(&same_place, 409, "repository_exists", "repo_url");
    assert_eq!(first["name"], "NAS");
    // A name that is made is one that is free.
    assert_eq!(
        (&other_login["name"], &no_name["name"]),
        (&json!("rest:http://nas/web"), &json!("rest:http://nas/web (2)"))
    );
    check(&renamed, 409, "repository_exists", "name");
    assert_eq!(relogged["credentials"]["username"], "web");
    check(&taken_login, 409, "repository_exists", "repo_url");
}

#[tokio::test(flavor = "multi_thread")]
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

        check(&answer, status, code, field);
    }
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
    assert_eq!(client.get(&path).await.ok(), made);
    assert_eq!(actions(&client).await.len(), entries);
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
    let moved = patch(&client, &path, json!({"repo_url": "/srv/copy", "version": "1"}))
        .await
        .ok();
    let removed = delete(&client, &format!("{path}/admin-credentials")).await.ok();
    let removed_again = delete(&client, &format!("{path}/admin-credentials")).await.ok();

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

    let refused = delete(&client, &format!("/api/repositories/{id}")).await;

    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (409, "repository_in_use")
    );
    assert!(refused.text.contains("web-01"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_credentials_reaches_online_hosts_and_is_probed() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let shown = client.get(&format!("/api/hosts/{}", host.id)).await.ok();
    let id = shown["repository_id"].as_str().unwrap();
    let before = host.credentials().await.unwrap();

    client
        .put(
            &format!("/api/repositories/{id}/credentials"),
            json!({"repo_password": "new one"}),
        )
        .await
        .ok();

    let after = host.credentials().await.unwrap();
    let jobs = client
        .get(&format!("/api/hosts/{}/jobs?kind=probe", host.id))
        .await
        .ok();
    assert_ne!(before.repo_password, after.repo_password);
    assert_eq!(after.repo_password.expose(), "new one");
    assert!(
        desired_version(&client, host.id).await > shown["desired_version"].as_str().unwrap().parse::<u64>().unwrap()
    );
    assert_eq!(jobs.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&jobs[0]["actor_kind"], &jobs[0]["actor_name"], &jobs[0]["status"]),
        (&json!("system"), &json!("system"), &json!("queued"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_repository_gets_one_with_its_credentials() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.enroll("web-01", WantedRepository::None).await.connect().await;
    let path = format!("/api/hosts/{}/repo-credentials", host.id);

    let none = client.get(&path).await;
    let no_url = client.put(&path, json!({"repo_password": "x"})).await;
    let no_password = client.put(&path, json!({"repo_url": "/srv/a"})).await;
    let set = client
        .put(
            &path,
            json!({"repo_url": "rest:http://web@nas/", "repo_password": "one for both"}),
        )
        .await
        .ok();
    let shown = client.get(&path).await.ok();

    assert_eq!(none.code(), "repository_not_found");
    check(&no_url, 400, "missing_field", "repo_url");
    check(&no_password, 400, "missing_field", "repo_password");
    assert_eq!(set, shown);
    assert_eq!(
        (&set["repo_url"], &set["repo_username"]),
        (&json!("rest:http://nas/"), &json!("web"))
    );
    assert_eq!(
        (&set["password_set"], &set["host_override"]),
        (&json!(true), &json!(false))
    );
    let held = host.credentials().await.unwrap();
    assert_eq!(
        (held.username.as_str(), held.backend_password.expose().as_str()),
        ("web", "one for both")
    );
    // The first time that credentials are there, the repository is made.
    let jobs = client.get(&format!("/api/hosts/{}/jobs", host.id)).await.ok();
    assert_eq!(
        (&jobs[0]["kind"], jobs.as_array().map(Vec::len)),
        (&json!("init"), Some(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_host_changes_the_repository_and_one_of_several_its_own_login() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let (web, db) = (
        server.enroll("web-01", WantedRepository::None).await.connect().await,
        server.enroll("db-01", WantedRepository::None).await.connect().await,
    );
    let path = |host: &support::host::Connected| format!("/api/hosts/{}/repo-credentials", host.id);
    let given = json!({"repo_url": "rest:http://nas/", "repo_username": "all", "repo_password": "repo"});
    client.put(&path(&web), given.clone()).await.ok();

    let alone = client
        .put(&path(&web), json!({"backend_password": "login 1"}))
        .await
        .ok();
    let other_secret = client.put(&path(&db), given).await;
    let joined = client
        .put(&path(&db), json!({"repo_url": "rest:http://nas/", "repo_username": "all", "repo_password": "repo", "backend_password": "login 1"}))
        .await
        .ok();
    let moved = client
        .put(&path(&db), json!({"repo_url": "rest:http://nas/other"}))
        .await;
    let rekeyed = client.put(&path(&db), json!({"repo_password": "other"})).await;
    let own = client
        .put(
            &path(&db),
            json!({"repo_username": "db", "backend_password": "login 2", "repo_password": "repo"}),
        )
        .await
        .ok();

    assert_eq!(alone["host_override"], false);
    assert_eq!(
        (other_secret.status.as_u16(), other_secret.code().as_str()),
        (409, "repository_credentials_differ")
    );
    assert_eq!(joined["repository_id"], alone["repository_id"]);
    check(&moved, 409, "repository_shared", "repo_url");
    check(&rekeyed, 409, "repository_shared", "repo_password");
    assert_eq!(
        (&own["host_override"], &own["repo_username"]),
        (&json!(true), &json!("db"))
    );
    let (of_web, of_db) = (web.credentials().await.unwrap(), db.credentials().await.unwrap());
    assert_eq!(
        (of_web.username.as_str(), of_web.backend_password.expose().as_str()),
        ("all", "login 1")
    );
    assert_eq!(
        (of_db.username.as_str(), of_db.backend_password.expose().as_str()),
        ("db", "login 2")
    );
    assert_eq!(of_db.repo_password.expose(), "repo");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_host_may_move_its_repository_and_it_counts_as_untried() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/repo-credentials", host.id);
    let ready = client.get(&format!("/api/hosts/{}", host.id)).await.ok();

    let moved = client.put(&path, json!({"repo_url": "/srv/elsewhere"})).await.ok();

    let after = client.get(&format!("/api/hosts/{}", host.id)).await.ok();
    let repository = client
        .get(&format!(
            "/api/repositories/{}",
            moved["repository_id"].as_str().unwrap()
        ))
        .await
        .ok();
    let jobs = client
        .get(&format!("/api/hosts/{}/jobs?status=queued", host.id))
        .await
        .ok();
    assert_eq!(
        (&ready["repo_status"], &after["repo_status"]),
        (&json!("ready"), &json!("pending"))
    );
    assert_eq!(
        (&repository["repo_url"], &repository["restic_repository_id"]),
        (&json!("/srv/elsewhere"), &json!(""))
    );
    // It had an init before, so what lies there now is looked at and not made.
    assert_eq!(
        (&jobs[0]["kind"], jobs.as_array().map(Vec::len)),
        (&json!("probe"), Some(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_bound_to_another_repository() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let other = client
        .post(
            "/api/repositories",
            json!({"repo_url": "/srv/other", "repo_password": "x"}),
        )
        .await
        .ok();
    let path = format!("/api/hosts/{}/repository", host.id);
    let version = client.get(&format!("/api/hosts/{}", host.id)).await.ok()["version"].clone();
    let body = |repository: &Value, version: &Value| json!({"repository_id": repository, "version": version});

    let unknown = client.put(&path, body(&json!(UNKNOWN), &version)).await;
    let no_version = client.put(&path, json!({"repository_id": other["id"]})).await;
    let late = client.put(&path, body(&other["id"], &json!("99"))).await;
    let bound = client.put(&path, body(&other["id"], &version)).await.ok();
    let again = client.put(&path, body(&other["id"], &bound["version"])).await.ok();

    assert_eq!(unknown.code(), "repository_not_found");
    check(&no_version, 400, "missing_field", "version");
    check(&late, 409, "version_conflict", "version");
    assert_eq!(
        (&bound["repository_id"], &bound["repo_status"]),
        (&other["id"], &json!("initialising"))
    );
    assert_eq!(again["version"], bound["version"]);
    assert_eq!(
        client
            .get(&format!("/api/repositories/{}", other["id"].as_str().unwrap()))
            .await
            .ok()["host_count"],
        "1"
    );
    assert_eq!(host.credentials().await.unwrap().url, "/srv/other");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_makes_a_shared_repository_and_the_others_look_at_it() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = client
        .post(
            "/api/repositories",
            json!({"repo_url": "/srv/shared", "repo_password": "x"}),
        )
        .await
        .ok();
    let shared = || WantedRepository::Known(made["id"].as_str().unwrap().parse().unwrap());

    let first = server.enroll("web-01", shared()).await.connect().await;
    let second = server.enroll("db-01", shared()).await.connect().await;
    let waiting = kinds(&client, second.id).await;
    let init = first.accept().await[0];
    first.begin(init).await;
    first
        .report(Fact::JobFinished {
            job: init,
            end: Box::new(end(Ending::Succeeded)),
        })
        .await;

    assert_eq!(kinds(&client, first.id).await, ["init"]);
    assert_eq!(waiting, Vec::<String>::new());
    assert_eq!(kinds(&client, second.id).await, ["probe"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_was_moved_is_looked_for_by_all_its_hosts_and_made_by_none() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = client
        .post(
            "/api/repositories",
            json!({"repo_url": "/srv/shared", "repo_password": "x"}),
        )
        .await
        .ok();
    let path = format!("/api/repositories/{}", made["id"].as_str().unwrap());
    let shared = || WantedRepository::Known(made["id"].as_str().unwrap().parse().unwrap());
    let first = server.enroll("web-01", shared()).await.connect().await;
    first.make_repository().await;
    let second = server.enroll("db-01", shared()).await.connect().await;
    second.make_repository().await;

    let renamed = patch(&client, &path, json!({"name": "NAS", "version": "1"})).await.ok();
    let calm = (kinds(&client, first.id).await, kinds(&client, second.id).await);
    patch(
        &client,
        &path,
        json!({"repo_url": "/srv/moved", "version": renamed["version"]}),
    )
    .await
    .ok();

    assert_eq!(calm, (vec!["init".to_owned()], vec!["probe".to_owned()]));
    assert_eq!(kinds(&client, first.id).await, ["probe", "init"]);
    assert_eq!(kinds(&client, second.id).await, ["probe", "probe"]);
    for host in [&first, &second] {
        assert_eq!(
            client.get(&format!("/api/hosts/{}", host.id)).await.ok()["repo_status"],
            "pending"
        );
        assert_eq!(host.credentials().await.unwrap().url, "/srv/moved");
    }
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

async fn patch(client: &Client, path: &str, body: Value) -> Answer {
    call(client, "PATCH", path, body).await
}

async fn delete(client: &Client, path: &str) -> Answer {
    call(client, "DELETE", path, json!({})).await
}

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str, field: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (status, code),
        "{answer:?}"
    );
    assert_eq!(answer.json()["errors"][0]["field"], field, "{answer:?}");
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

async fn kinds(client: &Client, host: domain::id::HostId) -> Vec<String> {
    let jobs = client.get(&format!("/api/hosts/{host}/jobs")).await.ok();
    jobs.as_array()
        .unwrap()
        .iter()
        .map(|job| job["kind"].as_str().unwrap().to_owned())
        .collect()
}

async fn desired_version(client: &Client, host: domain::id::HostId) -> u64 {
    let shown = client.get(&format!("/api/hosts/{host}")).await.ok();
    shown["desired_version"].as_str().unwrap().parse().unwrap()
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
