//! Hosts and the fleet, over REST and gRPC.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::Role;
use domain::enrollment::WantedRepository;
use proto::agent::v1 as agent;
use proto::v1;
use proto::v1::fleet_service_client::FleetServiceClient;
use proto::v1::host_service_client::HostServiceClient;
use reqwest::Method;
use serde_json::{Value, json};
use support::host::local_repository;
use support::machine::names;
use support::rest::{Answer, Client, send};
use support::{As, TestServer, grpc};
use tonic::Code;

const VIEWER: As = As::User(Role::Viewer);
const OPERATOR: As = As::User(Role::Operator);
const ADMIN: As = As::User(Role::Admin);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_found_by_what_they_are_and_how_they_are() {
    let server = TestServer::start().await;
    let web = server.ready_host("web-01").await;
    let db = server.enroll("db-01", local_repository("db-01")).await;
    let mail = server.enroll("mail", WantedRepository::None).await;
    let operator = server.rest(OPERATOR).await;
    patch(&operator, &path(db.id), json!({"tags": ["db", "prod"], "version": "1"}))
        .await
        .ok();
    patch(&operator, &path(mail.id), json!({"tags": ["prod"], "version": "1"}))
        .await
        .ok();
    let client = server.rest(VIEWER).await;

    for (query, expected) in [
        ("", &["db-01", "mail", "web-01"][..]),
        ("?q=01", &["db-01", "web-01"]),
        ("?q=01%20prod", &["db-01"]),
        ("?q=DB-", &["db-01"]),
        ("?q=nobody", &[]),
        ("?tag=prod", &["db-01", "mail"]),
        ("?tag=pro", &[]),
        ("?status=online", &["web-01"]),
        ("?status=pending&tag=db", &["db-01"]),
        ("?health=pending", &["db-01", "mail"]),
        ("?repo_status=ready", &["web-01"]),
        ("?repo_status=unset", &["mail"]),
        ("?order_by=hostname%20desc", &["web-01", "mail", "db-01"]),
        ("?order_by=enrolled_at", &["web-01", "db-01", "mail"]),
        ("?order_by=last_seen_at%20desc", &["web-01", "db-01", "mail"]),
    ] {
        let answer = client.get(&format!("/api/hosts{query}")).await;

        assert_eq!(names(&answer.ok()), expected, "{query}");
        assert_eq!(
            answer.headers["x-total-count"].to_str().unwrap(),
            expected.len().to_string(),
            "{query}"
        );
    }
    drop(web);
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_listed_page_by_page_in_every_order() {
    let server = TestServer::start().await;
    for number in 0..5 {
        server.enroll(&format!("host-{number}"), WantedRepository::None).await;
    }
    let client = server.rest(VIEWER).await;

    for order in [
        "hostname",
        "hostname%20desc",
        "enrolled_at",
        "last_seen_at%20desc",
        "last_backup_at",
    ] {
        let whole = client.get(&format!("/api/hosts?order_by={order}")).await.ok();
        let mut pages = Vec::new();
        let mut token = String::new();
        loop {
            let page = client
                .get(&format!("/api/hosts?order_by={order}&page_size=2&page_token={token}"))
                .await;
            pages.extend(names(&page.ok()).into_iter().map(str::to_owned));
            let Some(next) = page.headers.get("x-next-page-token") else {
                break;
            };
            token = next.to_str().unwrap().to_owned();
        }

        assert_eq!(pages, names(&whole), "{order}");
        assert_eq!(pages.len(), 5, "{order}");
        let foreign = client
            .get(&format!("/api/hosts?q=host&order_by={order}&page_token={token}"))
            .await;
        assert_eq!(
            (foreign.status.as_u16(), foreign.code().as_str()),
            (400, "invalid_page_token"),
            "{order}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_changed_by_those_who_have_read_it() {
    let server = TestServer::start().await;
    let host = server.enroll("web-01", WantedRepository::None).await;
    server.enroll("web-02", WantedRepository::None).await;
    let client = server.rest(OPERATOR).await;
    let path = path(host.id);

    let changed = patch(
        &client,
        &path,
        json!({"hostname": "web-1", "tags": ["b", "a"], "always_on": false, "limit_upload_kib_s": 512, "version": "1"}),
    )
    .await
    .ok();
    let late = patch(&client, &path, json!({"tags": [], "version": "1"})).await;
    let taken = patch(&client, &path, json!({"hostname": "WEB-02", "version": "2"})).await;
    let unchanged = patch(&client, &path, json!({"hostname": "web-1", "version": "2"}))
        .await
        .ok();
    let other_case = patch(&client, &path, json!({"hostname": "WEB-1", "version": "2"}))
        .await
        .ok();
    let emptied = patch(&client, &path, json!({"tags": [], "version": "3"})).await.ok();

    assert_eq!(
        (&changed["hostname"], &changed["restic_host"]),
        (&json!("web-1"), &json!("web-01"))
    );
    assert_eq!(
        (&changed["tags"], &changed["always_on"]),
        (&json!(["a", "b"]), &json!(false))
    );
    assert_eq!(
        (&changed["limit_upload_kib_s"], &changed["limit_download_kib_s"]),
        (&json!(512), &json!(0))
    );
    assert_eq!(
        (&changed["version"], &changed["desired_version"]),
        (&json!("2"), &json!("2"))
    );
    assert_eq!((late.status.as_u16(), late.code().as_str()), (409, "version_conflict"));
    assert_eq!((taken.status.as_u16(), taken.code().as_str()), (409, "host_exists"));
    assert_eq!(unchanged, changed);
    assert_eq!(
        (&other_case["hostname"], &other_case["version"]),
        (&json!("WEB-1"), &json!("3"))
    );
    assert_eq!(
        (&emptied["tags"], &emptied["desired_version"]),
        (&json!([]), &json!("2"))
    );
    let entries = server
        .rest(ADMIN)
        .await
        .get("/api/audit?action=host.updated")
        .await
        .ok();
    assert_eq!(entries.as_array().unwrap().len(), 3);
    assert_eq!(
        entries[2]["payload"]["fields"],
        json!(["hostname", "tags", "always_on", "limit_upload_kib_s"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_host_is_gone_and_its_agent_is_told_to_forget() {
    let server = TestServer::start().await;
    let agent = server.agent("web-01", local_repository("web-01")).await;
    let (mut wire, _) = agent.connect().await;
    let client = server.rest(ADMIN).await;
    let path = path(agent.host);

    let wrong = client.delete(&format!("{path}?confirm_hostname=WEB-01")).await;
    let deleted = client.delete(&format!("{path}?confirm_hostname=web-01")).await.ok();

    assert_eq!(
        (wrong.status.as_u16(), wrong.code().as_str()),
        (400, "confirmation_mismatch")
    );
    assert_eq!(wrong.json()["errors"][0]["field"], "confirm_hostname");
    let reminder = deleted["reminder"].as_str().unwrap();
    assert!(
        reminder.contains("/srv/web-01") && reminder.contains("replace them"),
        "{reminder}"
    );
    assert_eq!(wire.farewell().await.reason(), agent::GoodbyeReason::Revoked);
    let refused = agent.dial().await.err().unwrap();
    assert_eq!(
        refused.code(),
        Code::Unauthenticated,
        "its certificate is of no use any more: {refused:?}"
    );
    assert_eq!(client.get(&path).await.code(), "host_not_found");
    assert_eq!(
        client.delete(&format!("{path}?confirm_hostname=web-01")).await.code(),
        "host_not_found"
    );
    let repositories = client.get("/api/repositories").await.ok();
    assert_eq!(
        (&repositories[0]["repo_url"], &repositories[0]["host_count"]),
        (&json!("/srv/web-01"), &json!("0"))
    );
    let entry = &client.get("/api/audit?action=host.deleted").await.ok()[0];
    assert_eq!(
        (&entry["target_name"], &entry["actor_name"]),
        (&json!("web-01"), &json!("admin"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_revoked_by_its_name_and_released_only_from_quarantine() {
    let server = TestServer::start().await;
    let host = server.enroll("web-01", WantedRepository::None).await;
    let client = server.rest(ADMIN).await;
    let below = |action: &str| format!("{}/{action}", path(host.id));

    let mistyped = client
        .post(&below("revoke"), json!({"confirm_hostname": "web-1"}))
        .await;
    let nothing_to_release = client.post(&below("release"), json!({})).await.ok();
    let revoked = client
        .post(&below("revoke"), json!({"confirm_hostname": "web-01"}))
        .await
        .ok();
    let still = client.post(&below("release"), json!({})).await.ok();

    assert_eq!(mistyped.code(), "confirmation_mismatch");
    assert_eq!(
        (&nothing_to_release["host"]["status"], &nothing_to_release["reminder"]),
        (&json!("pending"), &json!(""))
    );
    assert_eq!(
        (&revoked["status"], &revoked["health"]),
        (&json!("revoked"), &json!("failing"))
    );
    assert_eq!(still["host"]["status"], "revoked");
    let entry = server.last_entry("host.revoked").await;
    assert_eq!(
        (&entry["actor_name"], &entry["target_name"]),
        (&json!("admin"), &json!("web-01"))
    );
    assert!(!server.actions().await.contains(&"host.released".to_owned()));
    let summary = client.get("/api/fleet/summary").await.ok();
    assert_eq!((&summary["revoked"], &summary["pending"]), (&json!("1"), &json!("0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_repository_leaves_nothing_to_do() {
    let server = TestServer::start().await;
    let host = server.enroll("web-01", WantedRepository::None).await;
    let client = server.rest(ADMIN).await;

    let deleted = client
        .delete(&format!("{}?confirm_hostname=web-01", path(host.id)))
        .await
        .ok();

    assert_eq!(deleted["reminder"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_grpc() {
    let server = TestServer::start().await;
    let host = server.enroll("web-01", WantedRepository::None).await;
    let admin = server.grpc(ADMIN).await;
    let mut service = HostServiceClient::new(admin.channel.clone());
    let id = host.id.to_string();

    let listed = service
        .list_hosts(admin.request(v1::ListHostsRequest::default()))
        .await
        .unwrap()
        .into_inner();
    let update = v1::UpdateHostRequest {
        id: id.clone(),
        always_on: Some(false),
        version: Some(1),
        ..Default::default()
    };
    let updated = service
        .update_host(admin.request(update.clone()))
        .await
        .unwrap()
        .into_inner();
    let late = service.update_host(admin.request(update)).await.unwrap_err();
    let shown = service
        .get_host(admin.request(v1::GetHostRequest { id: id.clone() }))
        .await
        .unwrap()
        .into_inner();
    let delete = v1::DeleteHostRequest {
        id: id.clone(),
        confirm_hostname: "web-01".into(),
    };
    service.delete_host(admin.request(delete)).await.unwrap();
    let gone = service
        .get_host(admin.request(v1::GetHostRequest { id }))
        .await
        .unwrap_err();

    assert_eq!((listed.total_count, listed.hosts[0].hostname.as_str()), (1, "web-01"));
    assert_eq!((updated.always_on, updated.version), (false, 2));
    assert_eq!(shown, updated);
    assert_eq!(grpc::code(&late), "version_conflict");
    assert_eq!(
        (gone.code(), grpc::code(&gone).as_str()),
        (Code::NotFound, "host_not_found")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_is_not_found_for_any_role() {
    let server = TestServer::start().await;
    let unknown = format!("/api/hosts/{UNKNOWN}");

    for who in [VIEWER, OPERATOR, ADMIN] {
        let answer = server.rest(who).await.get(&unknown).await;

        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (404, "host_not_found"),
            "{who:?}"
        );
    }
    let answer = patch(&server.rest(OPERATOR).await, &unknown, json!({"version": "1"})).await;
    assert_eq!(answer.code(), "host_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_needs_somebody_is_listed_and_comes_first() {
    let server = TestServer::start().await;
    // Its clock is far from the server's.
    let skewed = server.ready_host("a-skewed").await;
    let never = server.enroll("b-never", WantedRepository::None).await;
    let revoked = server.enroll("c-revoked", WantedRepository::None).await;
    let confirmation = json!({"confirm_hostname": "c-revoked"});
    let revoke = format!("{}/revoke", path(revoked.id));
    server.rest(ADMIN).await.post(&revoke, confirmation).await.ok();
    let viewer = server.rest(VIEWER).await;

    let list = viewer.get("/api/fleet/attention").await.ok();
    let hosts = viewer.get("/api/hosts?order_by=health").await.ok();

    assert_eq!(list["host_count"], "3", "{list}");
    let shown = |line: &Value| {
        let host = &line["hosts"][0];
        (
            line["health"].clone(),
            line["cause"].clone(),
            host["hostname"].clone(),
            host["id"].clone(),
        )
    };
    assert_eq!(
        list["lines"].as_array().unwrap().iter().map(shown).collect::<Vec<_>>(),
        [
            (
                json!("failing"),
                json!("revoked"),
                json!("c-revoked"),
                json!(revoked.id.to_string())
            ),
            (
                json!("warning"),
                json!("clock_skew"),
                json!("a-skewed"),
                json!(skewed.id.to_string())
            ),
            (
                json!("pending"),
                json!("never_connected"),
                json!("b-never"),
                json!(never.id.to_string())
            ),
        ]
    );
    for line in list["lines"].as_array().unwrap() {
        let is_known_since_when = line["cause"] != "clock_skew";
        assert_eq!(line["since"].is_string(), is_known_since_when, "{line}");
        assert_eq!(
            (&line["result_code"], &line["repository_name"]),
            (&json!(""), &json!("")),
            "{line}"
        );
        assert!(line["reason"].as_str().unwrap().len() > 40, "{line}");
    }
    let names: Vec<&Value> = hosts.as_array().unwrap().iter().map(|host| &host["hostname"]).collect();
    assert_eq!(names, ["c-revoked", "a-skewed", "b-never"]);
    assert_eq!(hosts[0]["health_cause"], "revoked");
    assert_eq!(hosts[2]["recent_runs"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_is_counted() {
    let server = TestServer::start().await;
    let ready = server.ready_host("web-01").await;
    server.enroll("web-02", WantedRepository::None).await;
    let viewer = server.grpc(VIEWER).await;

    let over_rest = server.rest(VIEWER).await.get("/api/fleet/summary").await.ok();
    let over_grpc = FleetServiceClient::new(viewer.channel.clone())
        .get_fleet_summary(viewer.request(v1::GetFleetSummaryRequest {}))
        .await
        .unwrap()
        .into_inner();

    for (field, expected) in [
        ("hosts", 2),
        ("pending", 1),
        ("online", 1),
        ("offline", 0),
        ("ok", 0),
        ("failing", 0),
        ("running_jobs", 0),
    ] {
        assert_eq!(over_rest[field], json!(expected.to_string()), "{field}: {over_rest}");
    }
    assert!(over_rest.get("last_backup_at").is_none());
    assert_eq!(
        (over_grpc.hosts, over_grpc.pending, over_grpc.last_backup_at),
        (2, 1, None)
    );
    // Each host counts once, by its health.
    assert_eq!(
        over_grpc.ok
            + over_grpc.warning
            + over_grpc.failing
            + over_grpc.waiting
            + over_grpc.health_offline
            + over_grpc.health_asleep,
        2
    );
    drop(ready);
}

fn path(host: domain::id::HostId) -> String {
    format!("/api/hosts/{host}")
}

async fn patch(client: &Client, path: &str, body: Value) -> Answer {
    send(client.request(Method::PATCH, path).body(body.to_string())).await
}
