//! Jobs that look after a repository: making it anew, removing its locks, measuring it.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use domain::enrollment::WantedRepository;
use domain::id::{JobId, RepositoryId};
use domain::job::UnlockSummary;
use domain::repository::{RepositoryLock, RepositoryStats};
use domain::session::{Ending, Instruction, JobEnd, Work};
use domain::{ByteSize, ResticRepositoryId, Role, Timestamp};
use proto::v1;
use proto::v1::job_service_client::JobServiceClient;
use serde_json::{Value, json};
use support::host::{Connected, RESTIC_ID, end};
use support::rest::{Answer, Client};
use support::{As, TestServer, grpc};

const ADMIN: As = As::User(Role::Admin);
const OPERATOR: As = As::User(Role::Operator);

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_makes_a_repository_anew_by_typing_the_hosts_name() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/repo/reinit", host.id);
    let repository = repository_of(&client, &host).await;

    let nothing = client.post(&path, json!({})).await;
    let misspelt = client.post(&path, json!({"confirm_hostname": "web-1"})).await;
    let ordered = client.post(&path, json!({"confirm_hostname": "web-01"})).await.ok();
    let work = begun(&host).await;
    let made: ResticRepositoryId = "cd".repeat(32).parse().unwrap();
    let (job, _) = work[0].clone();
    host.begin(job).await;
    let ended = JobEnd {
        restic_repository: Some(made),
        ..end(Ending::Succeeded)
    };
    host.end(job, ended).await;

    assert_eq!(refusal(&nothing), (400, "missing_field".to_owned()));
    assert_eq!(refusal(&misspelt), (400, "confirmation_mismatch".to_owned()));
    assert_eq!(
        (&ordered["kind"], &ordered["must_be_new"]),
        (&json!("init"), &json!(true))
    );
    assert_eq!(work, [(job, Work::Reinit)]);
    let shown = client.get(&format!("/api/repositories/{repository}")).await.ok();
    assert_eq!(shown["restic_repository_id"], made.to_string());
    assert_eq!(shown["replacements"], json!([]));
    assert_eq!(seen(&client, &host).await["repo_status"], "ready");
    let entry = &client.get("/api/audit?action=repository.reinit").await.ok()[0];
    assert!(entry.to_string().contains(RESTIC_ID), "{entry:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reinit_that_found_a_repository_changes_nothing() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/hosts/{}/repo/reinit", host.id);
    client.post(&path, json!({"confirm_hostname": "web-01"})).await.ok();

    for job in host.accept().await {
        host.begin(job).await;
        let ended = JobEnd {
            failure: Some(domain::job::FailureCode::LocationNotEmpty),
            restic_repository: None,
            ..end(Ending::Failed)
        };
        host.end(job, ended).await;
    }

    let jobs = client.get(&format!("/api/hosts/{}/jobs?kind=init", host.id)).await.ok();
    assert_eq!(jobs[0]["result_code"], "location_not_empty");
    let error = jobs[0]["error"].as_str().unwrap();
    assert!(error.contains("no repository was made"), "{error}");
    let repository = repository_of(&client, &host).await;
    let shown = client.get(&format!("/api/repositories/{repository}")).await.ok();
    assert_eq!(shown["restic_repository_id"], RESTIC_ID);
    assert_eq!(seen(&client, &host).await["repo_status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_by_hand_is_for_repositories_that_were_not_made() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;

    let init = order(&client, &host, json!({"kind": "init"})).await;
    let reinit = client
        .post(
            &format!("/api/hosts/{}/repo/reinit", host.id),
            json!({"confirm_hostname": "web-01"}),
        )
        .await;

    assert_eq!(refusal(&init), (409, "repository_ready".to_owned()));
    assert_eq!(refusal(&reinit), (403, "forbidden".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_removes_what_was_left_behind_and_an_admin_all() {
    let server = TestServer::start().await;
    let operator = server.rest(OPERATOR).await;
    let admin = server.rest(ADMIN).await;
    let host = server.ready_host("web-01").await;

    let refused = order(&operator, &host, json!({"kind": "unlock", "remove_all": true})).await;
    let of_another_kind = order(&admin, &host, json!({"kind": "probe", "remove_all": true})).await;
    let plain = order(&operator, &host, json!({"kind": "unlock"})).await.ok();
    let begun_plain = begun(&host).await;
    unlocked(&host, begun_plain[0].0, &[lock(1)], &[lock(2)]).await;
    let shown = operator
        .get(&format!("/api/jobs/{}", plain["id"].as_str().unwrap()))
        .await
        .ok();
    let all = order(&admin, &host, json!({"kind": "unlock", "remove_all": true}))
        .await
        .ok();
    let begun_all = begun(&host).await;

    assert_eq!(refusal(&refused), (403, "forbidden".to_owned()));
    assert_eq!(refused.json()["errors"][0]["field"], "remove_all");
    assert_eq!(refusal(&of_another_kind), (400, "invalid_argument".to_owned()));
    assert_eq!(begun_plain[0].1, Work::Unlock { all: false });
    let (removed, left) = (&shown["unlock"]["removed"], &shown["unlock"]["left"]);
    assert_eq!((&removed[0]["pid"], &left[0]["pid"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&left[0]["hostname"], &left[0]["since"]),
        (&json!("web-1"), &json!("2026-05-01T00:00:00+00:00"))
    );
    assert_eq!(
        (&all["remove_all"], &begun_all[0].1),
        (&json!(true), &Work::Unlock { all: true })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lock_is_taken_from_a_job_that_is_under_way_on_any_host() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let first = server.ready_host("web-01").await;
    let repository: RepositoryId = repository_of(&client, &first).await.parse().unwrap();
    let second = server
        .enroll("web-02", WantedRepository::Known(repository))
        .await
        .connect()
        .await;
    second.make_repository().await;
    let backup = order(&client, &second, json!({"kind": "backup", "args": ["/srv"]}))
        .await
        .ok();
    for job in second.accept().await {
        second.begin(job).await;
    }

    let busy = order(&client, &first, json!({"kind": "unlock", "remove_all": true})).await;
    let plain = order(&client, &first, json!({"kind": "unlock"})).await;

    assert_eq!(refusal(&busy), (409, "repository_busy".to_owned()));
    let message = busy.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("web-02") && message.contains(backup["id"].as_str().unwrap()),
        "{message}"
    );
    assert_eq!(plain.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_a_repository_come_from_jobs_and_stay_where_none_is_newer() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let host = server.ready_host("web-01").await;
    let path = format!("/api/repositories/{}/stats", repository_of(&client, &host).await);

    let before = client.get(&path).await.ok();
    order(&client, &host, json!({"kind": "stats"})).await.ok();
    let work = begun(&host).await;
    let counted = JobEnd {
        stats: Some(RepositoryStats {
            raw_size: Some(ByteSize::from_bytes(100)),
            uncompressed_size: Some(ByteSize::from_bytes(200)),
            restore_size: Some(ByteSize::from_bytes(800)),
            snapshot_count: Some(4),
            locks: Some(vec![lock(1)]),
        }),
        ..end(Ending::Succeeded)
    };
    host.begin(work[0].0).await;
    host.end(work[0].0, counted).await;
    let after = client.get(&path).await.ok();
    order(&client, &host, json!({"kind": "unlock"})).await.ok();
    let unlock = begun(&host).await;
    unlocked(&host, unlock[0].0, &[lock(1)], &[]).await;
    let without_lock = client.get(&path).await.ok();
    let unknown = client
        .get("/api/repositories/01890a5d-ac96-774b-bcce-b302099a8057/stats")
        .await;

    assert!(
        before.get("raw_size").is_none() && before.get("sizes_at").is_none(),
        "{before:#}"
    );
    assert_eq!(before["locks"], json!([]));
    assert_eq!(work[0].1, Work::Stats);
    assert_eq!(
        (&after["raw_size"], &after["restore_size"], &after["snapshot_count"]),
        (&json!("100"), &json!("800"), &json!("4"))
    );
    assert_eq!(
        (&after["compression_ratio"], &after["dedup_ratio"]),
        (&json!(2.0), &json!(4.0))
    );
    assert_eq!(after["locks"][0]["pid"], 1);
    assert!(after["sizes_at"].is_string() && after["locks_at"].is_string());
    assert_eq!(without_lock["locks"], json!([]));
    assert_eq!(
        (&without_lock["raw_size"], &without_lock["sizes_at"]),
        (&json!("100"), &after["sizes_at"])
    );
    assert_eq!(refusal(&unknown), (404, "repository_not_found".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reinit_over_grpc_and_the_hosts_that_cannot_have_one() {
    let server = TestServer::start().await;
    let host = server.ready_host("web-01").await;
    let bare = server.enroll("web-02", WantedRepository::None).await.connect().await;
    let offline = server.enroll("web-03", WantedRepository::None).await;
    let admin = server.grpc(ADMIN).await;
    let mut service = JobServiceClient::new(admin.channel.clone());
    let mut reinit = async |host: domain::id::HostId, name: &str| {
        let message = v1::ReinitHostRepositoryRequest {
            host_id: host.to_string(),
            confirm_hostname: name.to_owned(),
            ..v1::ReinitHostRepositoryRequest::default()
        };
        service.reinit_host_repository(admin.request(message)).await
    };

    let ordered = reinit(host.id, "web-01").await.unwrap().into_inner();
    let without = reinit(bare.id, "web-02").await.unwrap_err();
    let away = reinit(offline.id, "web-03").await.unwrap_err();

    assert!(ordered.must_be_new);
    assert_eq!(grpc::code(&without), "repository_not_ready");
    assert_eq!(grpc::code(&away), "host_offline");
}

/// Takes the commands that wait, accepts them, and says what they are.
async fn begun(host: &Connected) -> Vec<(JobId, Work)> {
    let commands = host.commands().await;
    host.accept().await;
    let work = commands.into_iter().filter_map(|command| match command.instruction {
        Instruction::Run { job, work, .. } => Some((job, work)),
        Instruction::Cancel { .. } => None,
    });
    work.collect()
}

async fn unlocked(host: &Connected, job: JobId, removed: &[RepositoryLock], left: &[RepositoryLock]) {
    host.begin(job).await;
    let ended = JobEnd {
        unlock: Some(UnlockSummary {
            removed: removed.to_vec(),
            left: left.to_vec(),
        }),
        ..end(Ending::Succeeded)
    };
    host.end(job, ended).await;
}

fn lock(pid: u32) -> RepositoryLock {
    RepositoryLock {
        id: format!("{pid:02x}").repeat(32).into(),
        exclusive: false,
        hostname: "web-1".into(),
        username: "root".into(),
        pid,
        since: Timestamp::from_seconds(1_777_593_600, 0).unwrap(),
    }
}

async fn order(client: &Client, host: &Connected, body: Value) -> Answer {
    client.post(&format!("/api/hosts/{}/jobs", host.id), body).await
}

async fn seen(client: &Client, host: &Connected) -> Value {
    client.get(&format!("/api/hosts/{}", host.id)).await.ok()
}

async fn repository_of(client: &Client, host: &Connected) -> String {
    seen(client, host).await["repository_id"].as_str().unwrap().to_owned()
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}
