//! What is kept of the past, as operators see it: jobs, logs and the audit log, with a clock that is stepped.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::clock::MockClock;
use domain::{Clock as _, Role};
use serde_json::json;
use server::app::Removed;
use server::clock::SystemClock;
use support::live::Live;
use support::{As, TestServer};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn an_old_log_goes_before_its_job_and_both_say_so() {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let host = server.ready_host("web-01").await;
    let client = server.rest(As::User(Role::Operator)).await;
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let path = format!("/api/hosts/{}/jobs", host.id);
        let ordered = client
            .post(&path, json!({"kind": "backup", "args": ["/srv"]}))
            .await
            .ok();
        let id = host.accept().await[0];
        assert_eq!(ordered["id"], json!(id.to_string()));
        host.begin(id).await;
        host.log(id, 1, &["open repository", "done"]).await;
        host.succeed(id).await;
        jobs.push(id);
    }
    let of_job = |id: domain::id::JobId, rest: &str| format!("/api/jobs/{id}{rest}");
    assert_eq!(server.app.apply_retention().await.unwrap(), Removed::default());

    clock.advance(91 * DAY);
    let removed = server.app.apply_retention().await.unwrap();

    assert_eq!((removed.jobs, removed.logs, removed.audit_lines), (0, 2, 0));
    // The sign-in has ended long ago.
    let client = server.rest(As::User(Role::Operator)).await;
    let refused = client.get(&of_job(jobs[0], "/log")).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["code"].clone()),
        (410, json!("log_expired"))
    );
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("RM_LOG_RETENTION"), "{message}");
    let shown = client.get(&of_job(jobs[0], "")).await.ok();
    assert_eq!(
        (
            &shown["status"],
            &shown["log_expired"],
            &shown["log_lines"],
            &shown["log_tail"]
        ),
        (&json!("succeeded"), &json!(true), &json!("2"), &json!([]))
    );
    let told = Live::open(&client, jobs[0], None).await.rest().await;
    assert_eq!(
        told,
        ["state 1", "gap 3: 1+2", "end 3"],
        "who watches it is told what is missing"
    );

    clock.advance(275 * DAY);
    let removed = server.app.apply_retention().await.unwrap();

    assert_eq!((removed.jobs, removed.logs), (1, 0));
    let client = server.rest(As::User(Role::Operator)).await;
    assert_eq!(client.get(&of_job(jobs[0], "")).await.json()["code"], "job_not_found");
    assert_eq!(client.get(&of_job(jobs[1], "")).await.ok()["status"], "succeeded");
    let shown = client.get(&format!("/api/hosts/{}", host.id)).await.ok();
    assert_eq!(shown["last_backup_status"], "ok", "the last backup stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_kept_for_ever_unless_it_is_told_otherwise_and_a_cut_is_recorded() {
    for (setting, removes) in [("0", false), ("30d", true)] {
        let clock = Arc::new(MockClock::at(SystemClock.now()));
        let server = TestServer::start_with(&[("RM_AUDIT_RETENTION", setting)], clock.clone()).await;
        let admin = server.rest(As::User(Role::Admin)).await;
        let before = admin.get("/api/audit").await.ok().as_array().unwrap().len();
        clock.advance(31 * DAY);
        let admin = server.rest(As::User(Role::Admin)).await;

        let removed = server.app.apply_retention().await.unwrap().audit_lines;

        let after = admin.get("/api/audit").await.ok();
        let actions: Vec<&str> = after
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["action"].as_str().unwrap())
            .collect();
        assert_eq!(removed > 0, removes, "{setting}");
        if removes {
            assert_eq!(actions, ["audit.cut", "auth.login"], "{before} before");
        } else {
            assert_eq!(actions.len(), before + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_that_retention_runs() {
    let server = TestServer::start().await;
    let admin = server.rest(As::User(Role::Admin)).await;

    let tasks = admin.get("/api/system/tasks").await.ok();

    let task = tasks
        .as_array()
        .unwrap()
        .iter()
        .find(|task| task["name"] == "retention");
    assert_eq!(task.unwrap()["period"], "86400s", "{tasks:#}");
}
