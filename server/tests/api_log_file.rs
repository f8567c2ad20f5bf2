//! Whole logs as files, and what is missing of a log.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::Role;
use domain::id::JobId;
use domain::session::{Ending, JobEnd};
use serde_json::{Value, json};
use support::host::{Connected, end};
use support::live::Live;
use support::rest::Client;
use support::{As, TestServer};

const OPERATOR: As = As::User(Role::Operator);
const VIEWER: As = As::User(Role::Viewer);

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_job_at_work_is_a_file_that_says_so() {
    let server = TestServer::start().await;
    let client = server.rest(VIEWER).await;
    let (host, job) = job_at_work(&server).await;
    host.log(job, 1, &["one", "two"]).await;
    host.log(job, 6, &["six"]).await;

    let text = client.get(&format!("/api/jobs/{job}/log.txt")).await;
    let ndjson = client.get(&format!("/api/jobs/{job}/log.ndjson")).await;

    assert_eq!(text.status, 200);
    assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    let name = text.headers["content-disposition"].to_str().unwrap();
    assert!(
        name.starts_with("attachment; filename=\"web-01-backup-20") && name.ends_with(".txt\""),
        "{name}"
    );
    assert_eq!(
        text.text.lines().collect::<Vec<_>>(),
        [
            "- stdout one",
            "- stdout two",
            "[lines 3 to 5 are missing: the log was too long, or they were not received from the host]",
            "- stdout six",
            "[the job has not ended: this is its log so far]",
        ]
    );
    let lines = json_lines(&ndjson.text);
    assert_eq!(
        (&lines[1]["payload"], &lines[1]["seq"], &lines[1]["stream"]),
        (&json!("two"), &json!("2"), &json!("stdout"))
    );
    assert_eq!(lines[2], json!({"gap": {"from_seq": "3", "lines": "3"}}));
    assert_eq!(
        lines[4],
        json!({"end": {"status": "running", "log_lines": "6", "complete": false}})
    );
    assert_eq!(lines.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_job_that_ended_is_whole_and_says_so() {
    let server = TestServer::start().await;
    let client = server.rest(VIEWER).await;
    let (host, job) = job_at_work(&server).await;
    host.log(job, 1, &["one"]).await;
    finish(&host, job, 1).await;

    let text = client.get(&format!("/api/jobs/{job}/log.txt")).await;
    let ndjson = client.get(&format!("/api/jobs/{job}/log.ndjson")).await;

    assert_eq!(text.text, "- stdout one\n");
    assert_eq!(
        json_lines(&ndjson.text).last(),
        Some(&json!({"end": {"status": "succeeded", "log_lines": "1", "complete": true}}))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_never_came_are_missing_everywhere_until_they_come() {
    let server = TestServer::start().await;
    let client = server.rest(VIEWER).await;
    let (host, job) = job_at_work(&server).await;
    host.log(job, 1, &["one", "two"]).await;
    finish(&host, job, 5).await;

    let page = client.get(&format!("/api/jobs/{job}/log")).await;
    let shown = client.get(&format!("/api/jobs/{job}")).await.ok();
    let live = Live::open(&client, job, None).await.rest().await;
    let text = client.get(&format!("/api/jobs/{job}/log.txt")).await;
    host.log(job, 3, &["three", "four", "five"]).await;
    let after = client.get(&format!("/api/jobs/{job}/log")).await;
    let shown_after = client.get(&format!("/api/jobs/{job}")).await.ok();

    assert_eq!(page.headers["x-log-gaps"], "3-5");
    assert_eq!(shown["log_truncated"], true);
    assert_eq!(live, ["state 1", "log 3: one two", "gap 6: 3+3", "end 6"]);
    assert!(text.text.ends_with("not received from the host]\n"), "{}", text.text);
    assert!(after.headers.get("x-log-gaps").is_none());
    assert_eq!(after.ok().as_array().unwrap().len(), 5);
    assert_eq!(shown_after["log_truncated"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_too_long_keeps_its_beginning_and_its_end() {
    let server = TestServer::start().await;
    let client = server.rest(VIEWER).await;
    let (host, job) = job_at_work(&server).await;
    let line = "x".repeat(16_000);
    let lines = vec![line.as_str(); 60];
    for chunk in 0..40 {
        host.log(job, chunk * 60 + 1, &lines).await;
    }

    let shown = client.get(&format!("/api/jobs/{job}")).await.ok();
    let text = client.get(&format!("/api/jobs/{job}/log.txt")).await.text;
    let ndjson = client.get(&format!("/api/jobs/{job}/log.ndjson")).await.text;

    assert_eq!(
        (&shown["log_lines"], &shown["log_truncated"]),
        (&json!("2400"), &json!(true))
    );
    assert!(text.len() < 33 * 1024 * 1024, "{}", text.len());
    let marks: Vec<&str> = text.lines().filter(|line| line.starts_with("[lines")).collect();
    assert_eq!(marks.len(), 1, "{marks:?}");
    let lines = json_lines(&ndjson);
    assert_eq!(lines[0]["seq"], "1");
    assert_eq!(lines[lines.len() - 2]["seq"], "2400");
    let gap = lines.iter().find_map(|line| line.get("gap")).unwrap();
    let missing: usize = gap["lines"].as_str().unwrap().parse().unwrap();
    assert_eq!(lines.len() - 2 + missing, 2400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_file_has_the_door_of_the_log() {
    let server = TestServer::start().await;
    let (host, job) = job_at_work(&server).await;
    host.log(job, 1, &["canary"]).await;
    let nobody = server.rest(As::Anonymous).await;
    let viewer = server.rest(VIEWER).await;

    for form in ["txt", "ndjson"] {
        let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
        let refused = nobody.get(&format!("/api/jobs/{job}/log.{form}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (401, "unauthorized")
        );
        assert!(!refused.text.contains("canary"));
        let absent = viewer.get(&format!("/api/jobs/{unknown}/log.{form}")).await;
        assert_eq!((absent.status.as_u16(), absent.code().as_str()), (404, "job_not_found"));
        for bad in ["x", "%00", "%ff"] {
            let refused = viewer.get(&format!("/api/jobs/{bad}/log.{form}")).await;
            assert_eq!(refused.status, 400, "{bad}");
            assert_eq!(refused.json()["errors"][0]["field"], "id", "{bad}");
        }
    }
}

async fn job_at_work(server: &TestServer) -> (Connected, JobId) {
    let client: Client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let ordered = client
        .post(&format!("/api/hosts/{}/jobs", host.id), json!({"kind": "backup"}))
        .await
        .ok();
    let job = ordered["id"].as_str().unwrap().parse().unwrap();
    host.accept().await;
    host.begin(job).await;
    (host, job)
}

async fn finish(host: &Connected, job: JobId, log_lines: u64) {
    let end = JobEnd {
        log_lines,
        ..end(Ending::Succeeded)
    };
    host.end(job, end).await;
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
