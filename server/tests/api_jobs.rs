//! Ordering, listing and cancelling jobs.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::time::Duration;

use domain::Role;
use domain::enrollment::WantedRepository;
use domain::id::JobId;
use domain::job::FailureCode;
use domain::session::{Ending, Instruction};
use serde_json::{Value, json};
use support::host::{Connected, end, local_repository};
use support::rest::{Answer, Client};
use support::{As, TestServer};

const OPERATOR: As = As::User(Role::Operator);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_an_order_is_named_and_nothing_is_ordered() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;

    for (body, status, code, field) in [
        (json!({}), 400, "missing_field", "kind"),
        (json!({"kind": "prune"}), 400, "invalid_kind", "kind"),
        (
            json!({"kind": "backup", "args": ["srv"]}),
            400,
            "invalid_path",
            "args[0]",
        ),
        (
            json!({"kind": "backup", "args": ["/srv", "--stdin"]}),
            400,
            "invalid_path",
            "args[1]",
        ),
        (
            json!({"kind": "backup", "args": ["/a", "/a"]}),
            400,
            "invalid_path",
            "args[1]",
        ),
        (
            json!({"kind": "backup", "args": ["/a"], "source_group_ids": [UNKNOWN]}),
            400,
            "invalid_argument",
            "source_group_ids",
        ),
        (
            json!({"kind": "backup", "source_group_ids": ["x"]}),
            400,
            "invalid_argument",
            "source_group_ids[0]",
        ),
        (
            json!({"kind": "backup", "source_group_ids": [UNKNOWN]}),
            404,
            "source_group_not_found",
            "source_group_ids[0]",
        ),
        (
            json!({"kind": "probe", "args": ["/a"]}),
            400,
            "invalid_argument",
            "args",
        ),
    ] {
        let answer = run(&client, &host, body.clone()).await;

        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{body}: {answer:?}"
        );
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    let jobs = client.get(&format!("/api/hosts/{}/jobs", host.id)).await.ok();
    assert_eq!(
        jobs.as_array().unwrap().len(),
        1,
        "the init of the first session, and nothing else"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_are_not_found_and_bad_queries_are_named() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;

    for (path, status, code) in [
        (format!("/api/hosts/{UNKNOWN}/jobs"), 404, "host_not_found"),
        (format!("/api/jobs/{UNKNOWN}"), 404, "job_not_found"),
        (format!("/api/jobs/{UNKNOWN}/log"), 404, "job_not_found"),
        (format!("/api/jobs/{UNKNOWN}/stream"), 404, "job_not_found"),
        (format!("/api/jobs/{UNKNOWN}/log?limit=5001"), 400, "invalid_argument"),
        ("/api/jobs/x".to_owned(), 400, "invalid_argument"),
        ("/api/jobs/x/stream".to_owned(), 400, "invalid_argument"),
        ("/api/jobs?kind=prune".to_owned(), 400, "invalid_argument"),
        ("/api/jobs?status=dead".to_owned(), 400, "invalid_argument"),
        ("/api/jobs?host_id=x".to_owned(), 400, "invalid_argument"),
        ("/api/jobs?from=yesterday".to_owned(), 400, "invalid_argument"),
        ("/api/jobs?page_size=-1".to_owned(), 400, "invalid_argument"),
        ("/api/jobs?page_token=x".to_owned(), 400, "invalid_page_token"),
    ] {
        let answer = client.get(&path).await;

        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{path}: {answer:?}"
        );
    }
    assert_eq!(
        client
            .post(&format!("/api/jobs/{UNKNOWN}/cancel"), json!({}))
            .await
            .code(),
        "job_not_found"
    );
    let order = client
        .post(&format!("/api/hosts/{UNKNOWN}/jobs"), json!({"kind": "probe"}))
        .await;
    assert_eq!(order.code(), "host_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_offline_takes_jobs_only_when_asked_to() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.enroll("web-01", local_repository("web-01")).await;
    let path = format!("/api/hosts/{}/jobs", host.id);

    let refused = client.post(&path, json!({"kind": "probe"})).await;
    let queued = client
        .post(&path, json!({"kind": "probe", "queue_if_offline": true}))
        .await
        .ok();
    let commands = host.connect().await.commands().await;

    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (409, "host_offline")
    );
    assert_eq!(
        (&queued["kind"], &queued["status"]),
        (&json!("probe"), &json!("queued"))
    );
    let of_probe = commands
        .iter()
        .find(|command| begins(&command.instruction) == queued["id"])
        .unwrap();
    assert!(of_probe.ttl > Duration::from_hours(23), "{:?}", of_probe.ttl);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_admits_what_it_is_ready_for() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let bare = server.enroll("bare", WantedRepository::None).await.connect().await;
    let fresh = server.enroll("fresh", local_repository("fresh")).await.connect().await;
    let ready = server.ready_host("ready").await;

    for (host, kind, code) in [
        (&bare, "backup", "repository_not_ready"),
        (&bare, "init", "repository_not_ready"),
        // Its first session has ordered the init.
        (&fresh, "backup", "repository_not_ready"),
        (&fresh, "init", "repository_not_ready"),
        (&fresh, "probe", ""),
        (&ready, "init", "repository_ready"),
        (&ready, "snapshots", ""),
        (&ready, "backup", ""),
    ] {
        let answer = run(&client, host, json!({"kind": kind})).await;

        assert_eq!(answer.code(), code, "{kind}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_that_failed_is_not_repeated_by_itself_and_may_be_ordered() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let enrolled = server.enroll("web-01", local_repository("web-01")).await;
    let host = enrolled.connect().await;
    let init = host.accept().await[0];
    host.begin(init).await;
    host.fail(init, FailureCode::AccessDenied).await;
    let shown = client.get(&format!("/api/hosts/{}", host.id)).await.ok();
    drop(host);

    let again = enrolled.connect().await;
    let by_itself = again.accept().await;
    let ordered = run(&client, &again, json!({"kind": "init"})).await.ok();

    assert_eq!(
        (&shown["repo_status"], &shown["repo_status_detail"]),
        (&json!("init_failed"), &json!("access_denied"))
    );
    assert_eq!(by_itself, []);
    assert_eq!(ordered["kind"], "init");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_waits_is_not_ordered_twice() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let of_group = json!({"kind": "backup"});
    let by_hand = json!({"kind": "backup", "args": ["/srv"]});

    let first = run(&client, &host, of_group.clone()).await.ok();
    let same = run(&client, &host, of_group.clone()).await.ok();
    let other = run(&client, &host, by_hand.clone()).await.ok();
    let same_paths = run(&client, &host, by_hand).await.ok();
    let begun = host.accept().await;
    host.begin(begun[0]).await;
    let while_it_runs = run(&client, &host, of_group).await.ok();

    assert_eq!(first["id"], same["id"]);
    assert_eq!(
        (first["source_group_id"].is_string(), &first["paths"]),
        (true, &json!(["/etc", "/home"]))
    );
    assert_ne!(first["id"], other["id"]);
    assert_eq!((&same_paths["id"], other.get("source_group_id")), (&other["id"], None));
    assert_ne!(while_it_runs["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_32_waiting_jobs_the_queue_is_full() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let order = async |number: usize| {
        run(
            &client,
            &host,
            json!({"kind": "backup", "args": [format!("/{number}")]}),
        )
        .await
    };

    for number in 0..32 {
        order(number).await.ok();
    }
    let refused = order(32).await;
    let known = order(31).await;

    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "queue_full"));
    assert_eq!(known.ok()["status"], "queued", "one that waits is still answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_not_accepted_is_cancelled_at_once() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let unsent = run(&client, &host, json!({"kind": "backup", "args": ["/a"]}))
        .await
        .ok();
    let cancelled = cancel(&client, &unsent).await.ok();
    let repeated = cancel(&client, &unsent).await;
    let none = host.commands().await;
    let sent = run(&client, &host, json!({"kind": "backup", "args": ["/b"]}))
        .await
        .ok();
    host.commands().await;

    let withdrawn = cancel(&client, &sent).await.ok();
    let commands = host.commands().await;

    assert_eq!(
        (&cancelled["status"], &cancelled["phase"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
    assert_eq!(
        (repeated.status.as_u16(), repeated.code().as_str()),
        (409, "job_already_finished")
    );
    assert_eq!(none, []);
    assert_eq!(withdrawn["status"], "cancelled");
    let id: JobId = sent["id"].as_str().unwrap().parse().unwrap();
    let instructions: Vec<_> = commands.into_iter().map(|command| command.instruction).collect();
    assert_eq!(
        instructions,
        [Instruction::Cancel { job: id }],
        "the acceptance may be under way"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_ends_when_its_host_says_so() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let job = run(&client, &host, json!({"kind": "backup"})).await.ok();
    let id = host.accept().await[0];
    host.begin(id).await;

    let asked = cancel(&client, &job).await.ok();
    let repeated = cancel(&client, &job).await.ok();
    let commands = host.commands().await;
    host.end(id, end(Ending::Cancelled)).await;
    let ended = client.get(&format!("/api/jobs/{id}")).await.ok();

    assert_eq!(
        (&asked["status"], &asked["cancel_requested"]),
        (&json!("running"), &json!(true))
    );
    assert_eq!(repeated["cancel_requested"], true);
    assert_eq!(commands.len(), 1, "{commands:?}");
    assert_eq!(commands[0].instruction, Instruction::Cancel { job: id });
    assert_eq!(
        (&ended["status"], &ended["cancel_requested"]),
        (&json!("cancelled"), &json!(false))
    );
    let admin = server.rest(As::User(Role::Admin)).await;
    let cancels = admin.get("/api/audit?action=job.cancel").await.ok();
    assert_eq!(cancels.as_array().unwrap().len(), 1);
    assert_eq!(
        (&cancels[0]["target_id"], &cancels[0]["target_name"]),
        (&json!(id.to_string()), &json!("web-01"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_that_is_cancelled_leaves_the_repository_unmade() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server
        .enroll("web-01", local_repository("web-01"))
        .await
        .connect()
        .await;
    let jobs = client.get(&format!("/api/hosts/{}/jobs", host.id)).await.ok();

    cancel(&client, &jobs[0]).await.ok();

    let shown = client.get(&format!("/api/hosts/{}", host.id)).await.ok();
    assert_eq!(
        (&shown["repo_status"], &shown["repo_status_detail"]),
        (&json!("init_failed"), &json!("cancelled"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_filtered_and_come_in_pages_newest_first() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let (web, db) = (server.ready_host("web-01").await, server.ready_host("db-01").await);
    let first = run(&client, &web, json!({"kind": "probe"})).await.ok();
    let second = run(&client, &db, json!({"kind": "probe"})).await.ok();
    let third = run(&client, &web, json!({"kind": "snapshots"})).await.ok();
    cancel(&client, &third).await.ok();

    let page = client.get("/api/jobs?kind=probe&page_size=1").await;
    let token = page.headers["x-next-page-token"].to_str().unwrap().to_owned();
    let next = client
        .get(&format!("/api/jobs?kind=probe&page_size=1&page_token={token}"))
        .await;
    let foreign = client
        .get(&format!("/api/jobs?kind=init&page_size=1&page_token={token}"))
        .await;
    let cancelled = client.get("/api/jobs?status=cancelled").await;
    let of_web = client.get(&format!("/api/jobs?host_id={}", web.id)).await;
    let before = client.get("/api/jobs?to=2020-01-01T00:00:00Z").await;

    assert_eq!(
        (ids(&page), page.headers["x-total-count"].to_str().unwrap()),
        (vec![second["id"].clone()], "2")
    );
    assert_eq!(
        (ids(&next), next.headers.get("x-next-page-token")),
        (vec![first["id"].clone()], None)
    );
    assert_eq!(foreign.code(), "invalid_page_token");
    assert_eq!(ids(&cancelled), [third["id"].clone()]);
    assert_eq!(of_web.ok().as_array().unwrap().len(), 3);
    assert_eq!(ids(&before), Vec::<Value>::new());
}

async fn run(client: &Client, host: &Connected, body: Value) -> Answer {
    client.post(&format!("/api/hosts/{}/jobs", host.id), body).await
}

async fn cancel(client: &Client, job: &Value) -> Answer {
    client
        .post(&format!("/api/jobs/{}/cancel", job["id"].as_str().unwrap()), json!({}))
        .await
}

fn begins(instruction: &Instruction) -> String {
    match instruction {
        Instruction::Run { job, .. } => job.to_string(),
        Instruction::Cancel { .. } => String::new(),
    }
}

fn ids(answer: &Answer) -> Vec<Value> {
    answer
        .ok()
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].clone())
        .collect()
}
