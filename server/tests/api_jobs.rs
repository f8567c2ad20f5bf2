//! Jobs, their logs and their live streams, over REST and gRPC.

mod support;

use std::time::Duration;

use domain::Role;
use domain::enrollment::WantedRepository;
use domain::id::JobId;
use domain::job::FailureCode;
use domain::session::{Ending, Instruction};
use proto::v1;
use proto::v1::job_event::Event;
use proto::v1::job_service_client::JobServiceClient;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::host::{Connected, end, local_repository};
use support::rest::{Answer, Client};
use support::{As, TestServer, grpc};

const OPERATOR: As = As::User(Role::Operator);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

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
    let repeated = cancel(&client, &unsent).await.ok();
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
    assert_eq!(repeated, cancelled);
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

/// One server-sent event.
#[derive(Debug)]
struct Told {
    id: String,
    name: String,
    data: Value,
}

/// A live stream of a job.
struct Live {
    response: Response,
    text: String,
}

impl Live {
    async fn open(client: &Client, job: JobId, last: Option<&str>) -> Self {
        let mut request = client
            .request(Method::GET, &format!("/api/jobs/{job}/stream"))
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next event; signs of life are passed over.
    async fn next(&mut self) -> Told {
        self.try_next().await.expect("the stream has ended")
    }

    async fn until(&mut self, name: &str) -> Told {
        loop {
            let told = self.next().await;
            if told.name == name {
                return told;
            }
            assert_ne!(told.name, "end", "{told:?}");
        }
    }

    /// All that follows until the stream ends, in short.
    async fn rest(mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(Told { id, name, data }) = self.try_next().await {
            told.push(match name.as_str() {
                "log" => format!("log {id}: {}", payloads(&data["lines"]).join(" ")),
                "gap" => format!(
                    "gap {id}: {}+{}",
                    data["from_seq"].as_str().unwrap(),
                    data["lines"].as_str().unwrap()
                ),
                name => format!("{name} {id}"),
            });
        }
        told
    }

    async fn try_next(&mut self) -> Option<Told> {
        loop {
            while let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                if !frame.starts_with(':') {
                    return Some(told(&frame));
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.response.chunk())
                .await
                .expect("nothing came");
            self.text += std::str::from_utf8(&chunk.unwrap()?).unwrap();
        }
    }
}

fn told(frame: &str) -> Told {
    let field = |name: &str| {
        frame
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .to_owned()
    };
    let data = serde_json::from_str(&field("data: ")).unwrap_or_else(|error| panic!("{error}: {frame}"));
    Told {
        id: field("id: "),
        name: field("event: "),
        data,
    }
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

fn payloads(lines: &Value) -> Vec<&str> {
    lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["payload"].as_str().unwrap())
        .collect()
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
