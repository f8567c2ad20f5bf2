//! Which repository a host uses and what it opens it with.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::Role;
use domain::enrollment::WantedRepository;
use domain::session::{Ending, Fact};
use serde_json::{Value, json};
use support::host::end;
use support::rest::Client;
use support::{As, TestServer};

const OPERATOR: As = As::User(Role::Operator);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

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
    no_url.refuses(400, "missing_field", "repo_url");
    no_password.refuses(400, "missing_field", "repo_password");
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
    moved.refuses(409, "repository_shared", "repo_url");
    rekeyed.refuses(409, "repository_shared", "repo_password");
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
    no_version.refuses(400, "missing_field", "version");
    late.refuses(409, "version_conflict", "version");
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
    // What the end nudges.
    server.app.order_first_jobs().await.unwrap();

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

    let renamed = client.patch(&path, json!({"name": "NAS", "version": "1"})).await.ok();
    let calm = (kinds(&client, first.id).await, kinds(&client, second.id).await);
    client
        .patch(&path, json!({"repo_url": "/srv/moved", "version": renamed["version"]}))
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
