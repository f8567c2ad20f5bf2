//! What machines make of enrollment tokens, over REST and on the agent port.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::enrollment::WantedRepository;
use domain::id::HostId;
use domain::{MockClock, Role};
use proto::agent::v1 as agent;
use proto::agent::v1::enrollment_service_client::EnrollmentServiceClient;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType};
use serde_json::json;
use server::store::{DatabaseUrl, Options, Store};
use support::machine::{Machine, names};
use support::rest::Answer;
use support::{As, TestServer, grpc};

const OPERATOR: As = As::User(Role::Operator);
const ADMIN: As = As::User(Role::Admin);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const URL: &str = "rest:http://127.0.0.1:9/web-01/";
const AGENT_URL: &str = "https://127.0.0.1:8443";

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_a_token_becomes_the_host_it_names() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = client.mint(json!({"hostname": "web-01", "tags": ["web"], "repo_url": URL, "repo_username": "web-01", "repo_password": "correct horse"}),
    )
    .await
    .ok();
    let endpoint = server.rest(As::Anonymous).await.get("/api/agents/endpoint").await.ok();

    let enrolled = server.enroll_machine(&made, &Machine::new()).await.ok();

    let id = enrolled["host_id"].as_str().unwrap();
    assert_eq!(enrolled["cert_pin_sha256"], made["ca_pin_sha256"]);
    assert_eq!(endpoint["ca_pin_sha256"], made["ca_pin_sha256"]);
    assert_eq!(
        (&enrolled["agent_endpoint"], &endpoint["agent_endpoint"]),
        (&json!(AGENT_URL), &json!(AGENT_URL))
    );
    assert_eq!(
        enrolled["certificate_pem"]
            .as_str()
            .unwrap()
            .matches("BEGIN CERTIFICATE")
            .count(),
        2
    );
    assert_eq!(
        enrolled["ca_bundle_pem"]
            .as_str()
            .unwrap()
            .matches("BEGIN CERTIFICATE")
            .count(),
        1
    );
    let host = client.get(&format!("/api/hosts/{id}")).await.ok();
    assert_eq!(
        (&host["hostname"], &host["restic_host"]),
        (&json!("web-01"), &json!("web-01"))
    );
    assert_eq!(
        (&host["reported_hostname"], &host["os"]),
        (&json!("machine.local"), &json!("linux"))
    );
    assert_eq!(
        (&host["status"], &host["repo_status"]),
        (&json!("pending"), &json!("pending"))
    );
    assert_eq!((&host["tags"], &host["always_on"]), (&json!(["web"]), &json!(true)));
    let repository = host["repository_id"].as_str().unwrap();
    let repository = client.get(&format!("/api/repositories/{repository}")).await.ok();
    assert_eq!(
        (&repository["repo_url"], &repository["host_count"]),
        (&json!(URL), &json!("1"))
    );
    assert_eq!(
        repository["host_states"],
        json!([{ "status": "pending", "detail": "", "hosts": "1" }])
    );
    assert_eq!(repository["credentials"]["backend_password_set"], true);
    let token = &client.get("/api/enrollment-tokens?state=used").await.ok()[0];
    assert_eq!((&token["state"], &token["host_id"]), (&json!("used"), &json!(id)));
    let entry = server.last_entry("host.enrolled").await;
    assert_eq!(
        (&entry["actor_kind"], &entry["target_id"]),
        (&json!("system"), &json!(id))
    );
    assert_eq!(entry["payload"]["token_created_by"], "operator");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_enrolls_over_the_agent_port_too() {
    let server = TestServer::start().await;
    let port = server
        .agent("first", WantedRepository::None)
        .await
        .without_certificate()
        .channel()
        .await;
    let client = server.rest(OPERATOR).await;
    let made = client.mint(json!({"hostname": "web-01"})).await.ok();
    let machine = Machine::new();
    let mut service = EnrollmentServiceClient::new(port);

    let endpoint = service
        .get_endpoint(agent::GetEndpointRequest {})
        .await
        .unwrap()
        .into_inner();
    let enrolled = service.enroll(machine.request(&made)).await.unwrap().into_inner();
    let again = service.enroll(machine.request(&made)).await.unwrap().into_inner();
    let other = service.enroll(Machine::new().request(&made)).await.unwrap_err();

    assert_eq!(endpoint.ca_pin_sha256, enrolled.cert_pin_sha256);
    assert_eq!((endpoint.protocol_min, endpoint.protocol_max), (1, 1));
    assert_eq!(again, enrolled);
    assert_eq!(grpc::code(&other), "token_used");
    assert_eq!(
        client.get(&format!("/api/hosts/{}", enrolled.host_id)).await.ok()["hostname"],
        "web-01"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_can_be_asked_for_again_for_ten_minutes() {
    let clock = Arc::new(MockClock::at(start()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let made = server
        .rest(OPERATOR)
        .await
        .mint(json!({"hostname": "web-01"}))
        .await
        .ok();
    let machine = Machine::new();

    let first = server.enroll_machine(&made, &machine).await.ok();
    clock.advance(Duration::from_mins(9));
    let again = server.enroll_machine(&made, &machine).await.ok();
    clock.advance(Duration::from_mins(2));
    let late = server.enroll_machine(&made, &machine).await;

    assert_eq!(again, first);
    assert_eq!((late.status.as_u16(), late.code().as_str()), (410, "token_used"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_token_in_other_hands_is_refused_and_recorded() {
    let server = TestServer::start().await;
    let made = server
        .rest(OPERATOR)
        .await
        .mint(json!({"hostname": "web-01"}))
        .await
        .ok();
    let machine = Machine::new();
    let host = server.enroll_machine(&made, &machine).await.ok();

    let other_key = server.enroll_machine(&made, &Machine::new()).await;
    let other_attempt = Machine {
        nonce: "f".repeat(32),
        ..machine
    };
    let other_nonce = server.enroll_machine(&made, &other_attempt).await;

    for refused in [other_key, other_nonce] {
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (410, "token_used"),
            "{refused:?}"
        );
    }
    let actions = server.actions().await;
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "security.token_replayed")
            .count(),
        2,
        "{actions:?}"
    );
    let entry = server.last_entry("security.token_replayed").await;
    assert_eq!(
        (&entry["actor_kind"], &entry["target_id"]),
        (&json!("system"), &made["id"])
    );
    assert_eq!(entry["payload"]["host_id"], host["host_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_machines_with_one_token_exactly_one_becomes_the_host() {
    let server = Arc::new(TestServer::start().await);
    let made = server
        .rest(OPERATOR)
        .await
        .mint(json!({"hostname": "web-01"}))
        .await
        .ok();

    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (server, made) = (Arc::clone(&server), made.clone());
        attempts.spawn(async move { server.enroll_machine(&made, &Machine::new()).await });
    }
    let mut codes: Vec<String> = attempts.join_all().await.iter().map(Answer::code).collect();

    codes.sort();
    assert_eq!(codes[0], "", "{codes:?}");
    assert!(codes[1..].iter().all(|code| code == "token_used"), "{codes:?}");
    assert_eq!(
        server.rest(ADMIN).await.get("/api/hosts").await.headers["x-total-count"],
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_over_or_unknown_are_refused_by_their_codes() {
    let clock = Arc::new(MockClock::at(start()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let client = server.rest(OPERATOR).await;
    let expired = client.mint(json!({"hostname": "a", "ttl_seconds": 300})).await.ok();
    let revoked = client.mint(json!({"hostname": "b"})).await.ok();
    client
        .delete(&format!("/api/enrollment-tokens/{}", revoked["id"].as_str().unwrap()))
        .await
        .ok();
    clock.advance(Duration::from_mins(5));
    let other = TestServer::start().await;
    let foreign = other.rest(OPERATOR).await.mint(json!({"hostname": "c"})).await.ok();
    let mut broken = client.mint(json!({"hostname": "d"})).await.ok();
    broken["token"] = json!(format!("{}0", broken["token"].as_str().unwrap()));

    for (token, status, code) in [
        (&expired, 410, "token_expired"),
        (&revoked, 410, "token_revoked"),
        (&foreign, 401, "invalid_token"),
        (&broken, 401, "invalid_token"),
    ] {
        let refused = server.enroll_machine(token, &Machine::new()).await;

        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (status, code),
            "{refused:?}"
        );
    }
    assert_eq!(client.get("/api/hosts").await.headers["x-total-count"], "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_key_of_a_request_counts_and_a_key_serves_one_host() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let (first, second) = (
        client.mint(json!({"hostname": "a"})).await.ok(),
        client.mint(json!({"hostname": "b"})).await.ok(),
    );
    let mut greedy = CertificateParams::new(vec!["evil.example.org".to_owned()]).unwrap();
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy
        .subject_alt_names
        .push(SanType::URI(format!("rm://x/agent/{UNKNOWN}").try_into().unwrap()));
    let machine = Machine::with(&greedy, &KeyPair::generate().unwrap());
    let rsa = Machine {
        csr: "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n".to_owned(),
        ..Machine::new()
    };

    let unreadable = server.enroll_machine(&first, &rsa).await;
    let enrolled = server.enroll_machine(&first, &machine).await.ok();
    let reused = server.enroll_machine(&second, &machine).await;

    assert_eq!(
        (unreadable.status.as_u16(), unreadable.code().as_str()),
        (400, "invalid_csr")
    );
    assert_eq!(unreadable.json()["errors"][0]["field"], "csr_pem");
    let leaf = pem(enrolled["certificate_pem"].as_str().unwrap());
    let text = String::from_utf8_lossy(&leaf);
    assert!(text.contains(enrolled["host_id"].as_str().unwrap()));
    assert!(!text.contains("evil.example.org") && !text.contains(UNKNOWN));
    assert_eq!((reused.status.as_u16(), reused.code().as_str()), (409, "key_reused"));
    let states = client.get("/api/enrollment-tokens?state=active").await.ok();
    assert_eq!(names(&states), ["b"], "a refused enrollment leaves the token as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_given_to_one_host_only() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let first = client.mint(json!({"hostname": "web-01"})).await.ok();
    let second = client.mint(json!({"hostname": "WEB-01"})).await.ok();
    server.enroll_machine(&first, &Machine::new()).await.ok();

    let at_use = server.enroll_machine(&second, &Machine::new()).await;
    let at_mint = client.mint(json!({"hostname": "Web-01"})).await;

    for refused in [at_use, at_mint] {
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (409, "host_exists"),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_replaces_serves_one_machine_with_a_key_of_its_own() {
    let clock = Arc::new(MockClock::at(start()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let client = server.rest(ADMIN).await;
    let made = client.mint(json!({"hostname": "web-01"})).await.ok();
    let former = Machine::new();
    let host = server.enroll_machine(&made, &former).await.ok()["host_id"].clone();
    let replacing = json!({"replace_host_id": host});
    let (first, second) = (
        client.mint(replacing.clone()).await.ok(),
        client.mint(replacing).await.ok(),
    );
    let machine = Machine::new();

    let with_the_old_key = server.enroll_machine(&first, &former).await;
    let enrolled = server.enroll_machine(&first, &machine).await;
    let again = server.enroll_machine(&first, &machine).await;
    let other = server.enroll_machine(&first, &Machine::new()).await;
    let replaced = server.enroll_machine(&second, &Machine::new()).await;
    let too_late = server.enroll_machine(&first, &machine).await;

    assert_eq!(with_the_old_key.code(), "key_reused");
    assert_eq!(enrolled.ok()["host_id"], host);
    assert_eq!(again.ok(), enrolled.ok());
    assert_eq!(other.code(), "token_used");
    assert_eq!(replaced.ok()["host_id"], host);
    // Its certificate is void by now, and is not given out again.
    assert_eq!(too_late.code(), "token_used");
    let hosts = client.get("/api/hosts").await.ok();
    assert_eq!(names(&hosts), ["web-01"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_replaces_a_host_which_is_gone_makes_no_other() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let made = client.mint(json!({"hostname": "web-01"})).await.ok();
    let host = server.enroll_machine(&made, &Machine::new()).await.ok()["host_id"].clone();
    let replacing = client.mint(json!({"replace_host_id": host})).await.ok();
    let path = format!("/api/hosts/{}?confirm_hostname=web-01", host.as_str().unwrap());
    client.delete(&path).await.ok();

    let refused = server.enroll_machine(&replacing, &Machine::new()).await;

    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (404, "host_not_found")
    );
    assert!(refused.text.contains("was deleted since"), "{refused:?}");
    assert_eq!(client.get("/api/hosts").await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_a_network_is_of_no_use_elsewhere() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let here = client
        .mint(json!({"hostname": "here", "source_cidr": "198.51.0.0/16"}))
        .await
        .ok();
    let elsewhere = client
        .mint(json!({"hostname": "elsewhere", "source_cidr": "203.0.113.7"}))
        .await
        .ok();

    let refused = server.enroll_machine(&elsewhere, &Machine::new()).await;
    let admitted = server.enroll_machine(&here, &Machine::new()).await;

    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (401, "invalid_token")
    );
    admitted.ok();
    assert!(
        server
            .actions()
            .await
            .contains(&"security.token_used_elsewhere".to_owned())
    );
    assert_eq!(
        names(&client.get("/api/enrollment-tokens?state=active").await.ok()),
        ["elsewhere"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixty_first_attempt_of_an_address_within_a_minute_waits() {
    let server = TestServer::start().await;
    let made = server
        .rest(OPERATOR)
        .await
        .mint(json!({"hostname": "web-01"}))
        .await
        .ok();
    let client = server.rest(As::Anonymous).await;
    let body = serde_json::to_value(
        Machine {
            csr: "nonsense".to_owned(),
            ..Machine::new()
        }
        .body(&made),
    )
    .unwrap();

    let mut codes = Vec::new();
    for _ in 0..61 {
        codes.push(client.post("/api/agents/enroll", body.clone()).await.code());
    }
    let elsewhere = server.enroll_machine(&made, &Machine::new()).await;

    assert!(codes[..60].iter().all(|code| code == "invalid_csr"), "{codes:?}");
    assert_eq!(codes[60], "rate_limited");
    elsewhere.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_an_enrollment_rests_in_clear() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = client.mint(json!({"hostname": "a", "repo_url": "s3:s3.example.org/bucket", "repo_password": "canary-repo", "backend_password": "canary-login", "backend_env": {"AWS_SECRET_ACCESS_KEY": "canary-key"}}),
    )
    .await
    .ok();
    let waiting = client
        .mint(json!({"hostname": "b", "repo_url": "/srv/b", "repo_password": "canary-waiting"}))
        .await
        .ok();
    server.enroll_machine(&made, &Machine::new()).await.ok();
    let answers = [
        client.get("/api/enrollment-tokens").await.text,
        client.get("/api/repositories").await.text,
        client.get("/api/hosts").await.text,
        server.rest(ADMIN).await.get("/api/audit").await.text,
    ];

    let directory = server.stop().await;

    let secrets: Vec<String> = [&made, &waiting]
        .iter()
        .map(|made| made["token"].as_str().unwrap()[38..64].to_owned())
        .chain(["canary-repo", "canary-login", "canary-key", "canary-waiting"].map(str::to_owned))
        .collect();
    for secret in secrets {
        assert!(
            !answers.iter().any(|answer| answer.contains(&secret)),
            "{secret} in an answer"
        );
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
                "{secret} in {}",
                path.display()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_begins_with_one_source_group_of_what_was_asked_or_what_is_usual() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let linux = client.mint(json!({"hostname": "linux"})).await.ok();
    let windows = client.mint(json!({"hostname": "windows"})).await.ok();
    let asked = client
        .mint(json!({"hostname": "asked", "initial_paths": ["/srv", "/var/lib"]}))
        .await
        .ok();
    let mut hosts: Vec<HostId> = Vec::new();
    for (made, os) in [(linux, "linux"), (windows, "windows"), (asked, "linux")] {
        let machine = Machine { os, ..Machine::new() };
        let enrolled = server.enroll_machine(&made, &machine).await.ok();
        hosts.push(enrolled["host_id"].as_str().unwrap().parse().unwrap());
    }

    let directory = server.stop().await;
    let url = DatabaseUrl::Sqlite(directory.path().join("restic-manager.db"));
    let store = Store::open(&url, Options::default()).await.unwrap();
    let tx = store.read().await.unwrap();
    let mut groups = Vec::new();
    for host in hosts {
        let found = tx.source_groups(host).await.unwrap();
        groups.extend(
            found
                .iter()
                .map(|group| (group.name.to_string(), group.paths.to_strings().join(" "))),
        );
    }

    let expected = ["/etc /home", "C:\\Users", "/srv /var/lib"].map(|paths| ("default".to_owned(), paths.to_owned()));
    assert_eq!(groups, expected);
}

/// The first block of a PEM text.
fn pem(text: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_slice(text.as_bytes())
        .unwrap()
        .to_vec()
}

fn start() -> domain::Timestamp {
    "2026-05-01T02:00:00Z".parse().unwrap()
}
