//! The logs of jobs: live and in pages, over REST and gRPC.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::Role;
use domain::id::JobId;
use proto::v1;
use proto::v1::job_event::Event;
use proto::v1::job_service_client::JobServiceClient;
use serde_json::{Value, json};
use support::host::Connected;
use support::live::{Live, payloads};
use support::rest::{Answer, Client};
use support::{As, TestServer, grpc};

const OPERATOR: As = As::User(Role::Operator);

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_ordered_watched_and_ends_with_its_numbers() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;

    let ordered = run(&client, &host, json!({"kind": "backup", "args": ["/srv", "/etc"]}))
        .await
        .ok();
    let id: JobId = ordered["id"].as_str().unwrap().parse().unwrap();
    let mut live = Live::open(&client, id, None).await;
    let first = live.next().await;
    assert_eq!(host.accept().await, [id]);
    host.begin(id).await;
    host.log(id, 1, &["open repository", "scan"]).await;
    let log = live.until("log").await;
    host.progress(id, 1, 4).await;
    let progress = live.until("progress").await;
    let running = client.get(&format!("/api/jobs/{id}")).await.ok();
    host.log(id, 3, &["done"]).await;
    host.succeed(id).await;
    let end = live.until("end").await;
    let after = live.rest().await;
    let shown = client.get(&format!("/api/jobs/{id}")).await.ok();

    assert_eq!(
        (&ordered["status"], &ordered["paths"]),
        (&json!("queued"), &json!(["/srv", "/etc"]))
    );
    assert_eq!(
        (&ordered["actor_kind"], &ordered["actor_name"]),
        (&json!("user"), &json!("operator"))
    );
    assert_eq!((first.name.as_str(), first.id.as_str()), ("state", "1"));
    assert_eq!(
        (log.id.as_str(), payloads(&log.data["lines"])),
        ("3", vec!["open repository", "scan"])
    );
    assert_eq!(progress.data["percent_done"], 0.25);
    assert_eq!(
        (&running["status"], &running["progress"]["bytes_done"]),
        (&json!("running"), &json!("1"))
    );
    assert_eq!(
        (&end.data["status"], &end.data["result_code"], end.id.as_str()),
        (&json!("succeeded"), &json!("ok"), "4")
    );
    assert_eq!(end.data["summary"]["files_new"], "3");
    assert_eq!(after, Vec::<String>::new(), "the stream ends behind the end");
    assert_eq!(
        (&shown["log_lines"], &shown["log_truncated"]),
        (&json!("3"), &json!(false))
    );
    assert_eq!(payloads(&shown["log_tail"]), ["open repository", "scan", "done"]);
    assert!(shown.get("progress").is_none());
    let listed = client
        .get(&format!("/api/hosts/{}/jobs?kind=backup", host.id))
        .await
        .ok();
    assert_eq!(
        (&listed[0]["id"], listed[0].get("log_tail")),
        (&json!(id.to_string()), Some(&json!([])))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_grpc() {
    let server = TestServer::start().await;
    let operator = server.grpc(OPERATOR).await;
    let mut service = JobServiceClient::new(operator.channel.clone());
    let host = server.ready_host("web-01").await;

    let order = v1::RunJobRequest {
        host_id: host.id.to_string(),
        kind: "backup".into(),
        args: vec!["/srv".into()],
        ..Default::default()
    };
    let ordered = service.run_job(operator.request(order)).await.unwrap().into_inner();
    let id: JobId = ordered.id.parse().unwrap();
    let watch = v1::WatchJobRequest { id: ordered.id.clone() };
    let mut live = service.watch_job(operator.request(watch)).await.unwrap().into_inner();
    host.accept().await;
    host.begin(id).await;
    host.log(id, 1, &["one", "two"]).await;
    host.succeed(id).await;
    let (mut lines, mut end) = (Vec::new(), None);
    while let Some(event) = live.message().await.unwrap() {
        match event.event.unwrap() {
            Event::Log(log) => lines.extend(log.lines.into_iter().map(|line| line.payload)),
            Event::End(job) => end = Some(job),
            Event::State(_) | Event::Progress(_) | Event::Gap(_) => {}
        }
    }
    let page = v1::GetJobLogRequest {
        id: ordered.id.clone(),
        from_seq: 2,
        limit: 0,
    };
    let page = service.get_job_log(operator.request(page)).await.unwrap().into_inner();
    let list = v1::ListJobsRequest {
        host_id: host.id.to_string(),
        kind: v1::JobKind::Backup.into(),
        ..Default::default()
    };
    let listed = service.list_jobs(operator.request(list)).await.unwrap().into_inner();
    let cancel = v1::CancelJobRequest { id: ordered.id };
    let late = service.cancel_job(operator.request(cancel)).await.unwrap_err();

    assert_eq!(lines, ["one", "two"]);
    assert_eq!(end.map(|job| job.status()), Some(v1::JobStatus::Succeeded));
    assert_eq!(
        page.lines.iter().map(|line| line.payload.as_str()).collect::<Vec<_>>(),
        ["two"]
    );
    assert_eq!((listed.total_count, listed.jobs.len()), (1, 1));
    assert_eq!(grpc::code(&late), "job_already_finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_behind_the_line_that_the_client_has_and_tells_gaps() {
    let server = TestServer::start().await;
    let client = server.rest(As::User(Role::Viewer)).await;
    let host = server.ready_host("web-01").await;
    run(&server.rest(OPERATOR).await, &host, json!({"kind": "backup"}))
        .await
        .ok();
    let id = host.accept().await[0];
    host.begin(id).await;
    host.log(id, 1, &["1", "2", "3"]).await;
    host.log(id, 10, &["10", "11"]).await;
    host.succeed(id).await;

    let whole = Live::open(&client, id, None).await.rest().await;
    let resumed = Live::open(&client, id, Some("3")).await.rest().await;
    let at_the_end = Live::open(&client, id, Some("12")).await.rest().await;
    let nonsense = Live::open(&client, id, Some("x")).await.rest().await;

    assert_eq!(
        whole,
        ["state 1", "log 4: 1 2 3", "gap 10: 4+6", "log 12: 10 11", "end 12"]
    );
    assert_eq!(
        resumed,
        ["state 3", "log 4: 3", "gap 10: 4+6", "log 12: 10 11", "end 12"]
    );
    assert_eq!(at_the_end, ["state 12", "end 12"]);
    assert_eq!(nonsense, whole);
    let shown = client.get(&format!("/api/jobs/{id}")).await.ok();
    assert_eq!(
        (&shown["log_lines"], &shown["log_truncated"]),
        (&json!("11"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_login_session_that_opened_it() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let job = run(&client, &host, json!({"kind": "backup"})).await.ok();
    let id = job["id"].as_str().unwrap().parse().unwrap();
    let mut live = Live::open(&client, id, None).await;
    live.next().await;

    client.post("/api/auth/logout", json!({})).await.ok();

    let last = live.until("error").await;
    assert_eq!(last.data["code"], "unauthorized");
    assert_eq!(live.rest().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_in_pages() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    run(&client, &host, json!({"kind": "backup"})).await.ok();
    let id = host.accept().await[0];
    let lines: Vec<String> = (1..=250).map(|number| format!("line {number}")).collect();
    for (index, part) in lines.chunks(40).enumerate() {
        let part: Vec<&str> = part.iter().map(String::as_str).collect();
        host.log(id, u64::try_from(index * 40 + 1).unwrap(), &part).await;
    }
    let page = async |query: &str| client.get(&format!("/api/jobs/{id}/log{query}")).await;

    let first = page("?limit=100").await;
    let second = page("?from_seq=101&limit=100").await;
    let last = page("?from_seq=201").await;
    let beyond = page("?from_seq=251").await;
    let tail = client.get(&format!("/api/jobs/{id}")).await.ok();

    for (answer, expected, next) in [
        (&first, 1..=100, "101"),
        (&second, 101..=200, "201"),
        (&last, 201..=250, "0"),
    ] {
        let expected: Vec<String> = expected.map(|number| format!("line {number}")).collect();
        assert_eq!(payloads(&answer.ok()), expected);
        assert_eq!(answer.headers["x-next-seq"], next);
    }
    assert_eq!(
        (beyond.ok(), beyond.headers["x-next-seq"].to_str().unwrap()),
        (json!([]), "0")
    );
    let tail = payloads(&tail["log_tail"])
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    assert_eq!(tail, lines[50..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hostile_host_says_stays_text_on_one_line() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    run(&client, &host, json!({"kind": "backup"})).await.ok();
    let id = host.accept().await[0];

    host.log(
        id,
        1,
        &["<script>alert(1)</script>\u{1b}[2J\u{202e}", "data: x\n\nevent: end"],
    )
    .await;

    let page = client.get(&format!("/api/jobs/{id}/log")).await;
    assert_eq!(
        payloads(&page.ok()),
        ["<script>alert(1)</script>[2J", "data: x  event: end"]
    );
}

async fn run(client: &Client, host: &Connected, body: Value) -> Answer {
    client.post(&format!("/api/hosts/{}/jobs", host.id), body).await
}
