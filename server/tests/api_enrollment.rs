//! Enrollment tokens and what hosts make of them, over REST and gRPC.

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::enrollment::WantedRepository;
use domain::{Clock as _, MockClock, Role};
use proto::agent::v1 as agent;
use proto::agent::v1::enrollment_service_client::EnrollmentServiceClient;
use proto::v1;
use proto::v1::enrollment_token_service_client::EnrollmentTokenServiceClient;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType};
use reqwest::Method;
use serde_json::{Value, json};
use support::rest::{Answer, Client, send};
use support::{As, TestServer, grpc};

const OPERATOR: As = As::User(Role::Operator);
const ADMIN: As = As::User(Role::Admin);
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const URL: &str = "rest:http://127.0.0.1:9/web-01/";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_then_listed_without_its_value() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;

    let made = mint(&client, json!({"hostname": "web-01", "tags": ["web", "db"]}))
        .await
        .ok();
    let listed = client.get("/api/enrollment-tokens").await;

    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("rme1_") && token.len() == 138, "{token}");
    assert!(token.contains(made["ca_pin_sha256"].as_str().unwrap()));
    for command in ["install_command", "install_command_windows", "installer_script"] {
        let text = made[command].as_str().unwrap();
        assert!(
            text.contains(token) && text.contains("http://localhost:8080"),
            "{command}: {text}"
        );
    }
    assert!(made.get("generated_repo_password").is_none() && made.get("htpasswd_line").is_none());
    assert_eq!(listed.headers["x-total-count"], "1");
    assert!(!listed.text.contains(token) && !listed.text.contains(&token[38..64]));
    let shown = &listed.ok()[0];
    assert_eq!(shown["id"], made["id"]);
    assert_eq!(
        (&shown["hostname"], &shown["tags"]),
        (&json!("web-01"), &json!(["db", "web"]))
    );
    assert_eq!(
        (&shown["state"], &shown["created_by"]),
        (&json!("active"), &json!("operator"))
    );
    assert_eq!(shown["expires_at"], made["expires_at"]);
    assert!(shown.get("host_id").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_listed_and_revoked_over_grpc() {
    let server = TestServer::start().await;
    let operator = server.grpc(OPERATOR).await;
    let mut service = EnrollmentTokenServiceClient::new(operator.channel.clone());
    let wanted = v1::CreateEnrollmentTokenRequest {
        hostname: "web-01".into(),
        ttl_seconds: 300,
        ..Default::default()
    };

    let made = service
        .create_enrollment_token(operator.request(wanted))
        .await
        .unwrap()
        .into_inner();
    let revoke = v1::RevokeEnrollmentTokenRequest { id: made.id.clone() };
    service
        .revoke_enrollment_token(operator.request(revoke.clone()))
        .await
        .unwrap();
    service.revoke_enrollment_token(operator.request(revoke)).await.unwrap();
    let query = |state: v1::EnrollmentTokenState| v1::ListEnrollmentTokensRequest {
        state: state.into(),
        ..Default::default()
    };
    let mut listed = async |state| {
        service
            .list_enrollment_tokens(operator.request(query(state)))
            .await
            .unwrap()
            .into_inner()
    };
    let revoked = listed(v1::EnrollmentTokenState::Revoked).await;
    let active = listed(v1::EnrollmentTokenState::Active).await;

    assert_eq!((revoked.total_count, active.total_count), (1, 0));
    assert_eq!(
        (&revoked.tokens[0].id, revoked.tokens[0].state()),
        (&made.id, v1::EnrollmentTokenState::Revoked)
    );
    let actions = actions(&server).await;
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "enrollment_token.revoked")
            .count(),
        1,
        "{actions:?}"
    );
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "enrollment_token.created")
            .count(),
        1,
        "{actions:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_listed_page_by_page_newest_first() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    for name in ["a", "b", "c"] {
        mint(&client, json!({"hostname": name})).await.ok();
    }

    let first = client.get("/api/enrollment-tokens?page_size=2").await;
    let page_token = first.headers["x-next-page-token"].to_str().unwrap().to_owned();
    let second = client
        .get(&format!("/api/enrollment-tokens?page_size=2&page_token={page_token}"))
        .await;
    let foreign = client
        .get(&format!("/api/enrollment-tokens?state=active&page_token={page_token}"))
        .await;

    assert_eq!(names(&first.ok()), ["c", "b"]);
    assert_eq!(names(&second.ok()), ["a"]);
    assert!(!second.headers.contains_key("x-next-page-token"));
    assert_eq!(
        (foreign.status.as_u16(), foreign.code().as_str()),
        (400, "invalid_page_token")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_a_token_becomes_the_host_it_names() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = mint(
        &client,
        json!({"hostname": "web-01", "tags": ["web"], "repo_url": URL, "repo_username": "web-01", "repo_password": "correct horse"}),
    )
    .await
    .ok();
    let endpoint = server.rest(As::Anonymous).await.get("/api/agents/endpoint").await.ok();

    let enrolled = enroll(&server, &made, &Machine::new()).await.ok();

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
    assert_eq!(repository["credentials"]["backend_password_set"], true);
    let token = &client.get("/api/enrollment-tokens?state=used").await.ok()[0];
    assert_eq!((&token["state"], &token["host_id"]), (&json!("used"), &json!(id)));
    let entry = last_entry(&server, "host.enrolled").await;
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
    let made = mint(&client, json!({"hostname": "web-01"})).await.ok();
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
    let made = mint(&server.rest(OPERATOR).await, json!({"hostname": "web-01"}))
        .await
        .ok();
    let machine = Machine::new();

    let first = enroll(&server, &made, &machine).await.ok();
    clock.advance(Duration::from_mins(9));
    let again = enroll(&server, &made, &machine).await.ok();
    clock.advance(Duration::from_mins(2));
    let late = enroll(&server, &made, &machine).await;

    assert_eq!(again, first);
    assert_eq!((late.status.as_u16(), late.code().as_str()), (410, "token_used"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_token_in_other_hands_is_refused_and_recorded() {
    let server = TestServer::start().await;
    let made = mint(&server.rest(OPERATOR).await, json!({"hostname": "web-01"}))
        .await
        .ok();
    let machine = Machine::new();
    let host = enroll(&server, &made, &machine).await.ok();

    let other_key = enroll(&server, &made, &Machine::new()).await;
    let other_nonce = enroll(
        &server,
        &made,
        &Machine {
            nonce: "f".repeat(32),
            ..machine
        },
    )
    .await;

    for refused in [other_key, other_nonce] {
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (410, "token_used"),
            "{refused:?}"
        );
    }
    let actions = actions(&server).await;
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "security.token_replayed")
            .count(),
        2,
        "{actions:?}"
    );
    let entry = last_entry(&server, "security.token_replayed").await;
    assert_eq!(
        (&entry["actor_kind"], &entry["target_id"]),
        (&json!("system"), &made["id"])
    );
    assert_eq!(entry["payload"]["host_id"], host["host_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_machines_with_one_token_exactly_one_becomes_the_host() {
    let server = Arc::new(TestServer::start().await);
    let made = mint(&server.rest(OPERATOR).await, json!({"hostname": "web-01"}))
        .await
        .ok();

    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (server, made) = (Arc::clone(&server), made.clone());
        attempts.spawn(async move { enroll(&server, &made, &Machine::new()).await });
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
    let expired = mint(&client, json!({"hostname": "a", "ttl_seconds": 300})).await.ok();
    let revoked = mint(&client, json!({"hostname": "b"})).await.ok();
    delete(
        &client,
        &format!("/api/enrollment-tokens/{}", revoked["id"].as_str().unwrap()),
    )
    .await
    .ok();
    clock.advance(Duration::from_mins(5));
    let other = TestServer::start().await;
    let foreign = mint(&other.rest(OPERATOR).await, json!({"hostname": "c"})).await.ok();
    let mut broken = mint(&client, json!({"hostname": "d"})).await.ok();
    broken["token"] = json!(format!("{}0", broken["token"].as_str().unwrap()));

    for (token, status, code) in [
        (&expired, 410, "token_expired"),
        (&revoked, 410, "token_revoked"),
        (&foreign, 401, "invalid_token"),
        (&broken, 401, "invalid_token"),
    ] {
        let refused = enroll(&server, token, &Machine::new()).await;

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
        mint(&client, json!({"hostname": "a"})).await.ok(),
        mint(&client, json!({"hostname": "b"})).await.ok(),
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

    let unreadable = enroll(&server, &first, &rsa).await;
    let enrolled = enroll(&server, &first, &machine).await.ok();
    let reused = enroll(&server, &second, &machine).await;

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
    let first = mint(&client, json!({"hostname": "web-01"})).await.ok();
    let second = mint(&client, json!({"hostname": "WEB-01"})).await.ok();
    enroll(&server, &first, &Machine::new()).await.ok();

    let at_use = enroll(&server, &second, &Machine::new()).await;
    let at_mint = mint(&client, json!({"hostname": "Web-01"})).await;

    for refused in [at_use, at_mint] {
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (409, "host_exists"),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_a_network_is_of_no_use_elsewhere() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let here = mint(&client, json!({"hostname": "here", "source_cidr": "198.51.0.0/16"}))
        .await
        .ok();
    let elsewhere = mint(&client, json!({"hostname": "elsewhere", "source_cidr": "203.0.113.7"}))
        .await
        .ok();

    let refused = enroll(&server, &elsewhere, &Machine::new()).await;
    let admitted = enroll(&server, &here, &Machine::new()).await;

    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (401, "invalid_token")
    );
    admitted.ok();
    assert!(
        actions(&server)
            .await
            .contains(&"security.token_used_elsewhere".to_owned())
    );
    assert_eq!(
        names(&client.get("/api/enrollment-tokens?state=active").await.ok()),
        ["elsewhere"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_a_password_gets_one_and_a_line_for_its_server() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;

    let with_login = mint(
        &client,
        json!({"hostname": "a", "repo_url": "rest:http://127.0.0.1:9/a/", "repo_username": "a"}),
    )
    .await
    .ok();
    let without = mint(&client, json!({"hostname": "b", "repo_url": "/srv/b"})).await.ok();
    let own_login = mint(
        &client,
        json!({"hostname": "c", "repo_url": "rest:http://127.0.0.1:9/c/", "repo_username": "c", "backend_password": "own"}),
    )
    .await
    .ok();

    let password = with_login["generated_repo_password"].as_str().unwrap();
    assert_eq!(password.len(), 32, "24 bytes in base64url");
    let (user, hash) = with_login["htpasswd_line"].as_str().unwrap().split_once(':').unwrap();
    assert_eq!(user, "a");
    assert!(bcrypt::verify(password, hash).unwrap());
    assert_eq!(without["generated_repo_password"].as_str().unwrap().len(), 32);
    assert!(without.get("htpasswd_line").is_none());
    assert_eq!(own_login["generated_repo_password"].as_str().unwrap().len(), 32);
    assert!(own_login.get("htpasswd_line").is_none(), "its login password was given");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_location_has_one_set_of_secrets_whoever_names_it() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let wanted = |name: &str, password: &str| json!({"hostname": name, "repo_url": URL, "repo_username": "web", "repo_password": password});
    let first = mint(&client, wanted("a", "correct horse")).await.ok();
    let early = mint(&client, wanted("b", "another horse")).await.ok();
    enroll(&server, &first, &Machine::new()).await.ok();

    let at_use = enroll(&server, &early, &Machine::new()).await;
    let at_mint = mint(&client, wanted("c", "another horse")).await;
    let same = mint(
        &client,
        json!({"hostname": "d", "repo_url": "rest:http://127.0.0.1:9/web-01", "repo_username": "web"}),
    )
    .await
    .ok();
    let linked = enroll(&server, &same, &Machine::new()).await.ok();

    for refused in [at_use, at_mint] {
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (409, "repository_credentials_differ"),
            "{refused:?}"
        );
    }
    assert!(
        same.get("generated_repo_password").is_none(),
        "the repository has a password"
    );
    let repositories = client.get("/api/repositories").await.ok();
    assert_eq!(repositories.as_array().unwrap().len(), 1);
    assert_eq!(repositories[0]["host_count"], "2");
    let host = client
        .get(&format!("/api/hosts/{}", linked["host_id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(host["repository_id"], repositories[0]["id"]);
    assert_eq!(
        names(&client.get("/api/enrollment-tokens?state=active").await.ok()),
        ["b"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_can_name_a_repository_by_its_id() {
    let server = TestServer::start().await;
    let client = server.rest(ADMIN).await;
    let repository = client
        .post(
            "/api/repositories",
            json!({"repo_url": "/srv/backup", "repo_password": "correct horse"}),
        )
        .await
        .ok();
    let id = repository["id"].as_str().unwrap();
    let made = mint(&client, json!({"hostname": "a", "repository_id": id})).await.ok();
    let early = mint(&client, json!({"hostname": "b", "repository_id": id})).await.ok();

    let unknown = mint(&client, json!({"hostname": "c", "repository_id": UNKNOWN})).await;
    let host = enroll(&server, &made, &Machine::new()).await.ok();
    let host = client
        .get(&format!("/api/hosts/{}", host["host_id"].as_str().unwrap()))
        .await
        .ok();
    delete(
        &client,
        &format!("/api/hosts/{}?confirm_hostname=a", host["id"].as_str().unwrap()),
    )
    .await
    .ok();
    delete(&client, &format!("/api/repositories/{id}")).await.ok();
    let gone = enroll(&server, &early, &Machine::new()).await;

    assert_eq!(host["repository_id"], id);
    assert_eq!(
        (unknown.status.as_u16(), unknown.code().as_str()),
        (404, "repository_not_found")
    );
    assert_eq!(unknown.json()["errors"][0]["field"], "repository_id");
    assert_eq!(
        (gone.status.as_u16(), gone.code().as_str()),
        (404, "repository_not_found")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_token_cannot_be_revoked_and_an_unknown_one_not_be_found() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = mint(&client, json!({"hostname": "web-01"})).await.ok();
    enroll(&server, &made, &Machine::new()).await.ok();

    let used = delete(
        &client,
        &format!("/api/enrollment-tokens/{}", made["id"].as_str().unwrap()),
    )
    .await;
    let unknown = delete(&client, &format!("/api/enrollment-tokens/{UNKNOWN}")).await;

    assert_eq!((used.status.as_u16(), used.code().as_str()), (410, "token_used"));
    assert_eq!(
        (unknown.status.as_u16(), unknown.code().as_str()),
        (404, "enrollment_token_not_found")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_tokens_are_removed_after_seven_days() {
    let clock = Arc::new(MockClock::at(start()));
    let server = TestServer::start_with(&[], clock.clone()).await;
    let client = server.rest(OPERATOR).await;
    mint(&client, json!({"hostname": "web-01", "ttl_seconds": 300}))
        .await
        .ok();

    clock.set(clock.now().saturating_add(Duration::from_hours(7 * 24)));
    let kept = server.app.remove_ended_enrollment_tokens().await.unwrap();
    clock.advance(Duration::from_mins(5));
    let removed = server.app.remove_ended_enrollment_tokens().await.unwrap();

    assert_eq!((kept, removed), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixty_first_attempt_of_an_address_within_a_minute_waits() {
    let server = TestServer::start().await;
    let made = mint(&server.rest(OPERATOR).await, json!({"hostname": "web-01"}))
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
    let elsewhere = enroll(&server, &made, &Machine::new()).await;

    assert!(codes[..60].iter().all(|code| code == "invalid_csr"), "{codes:?}");
    assert_eq!(codes[60], "rate_limited");
    elsewhere.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_an_enrollment_rests_in_clear() {
    let server = TestServer::start().await;
    let client = server.rest(OPERATOR).await;
    let made = mint(
        &client,
        json!({"hostname": "a", "repo_url": "s3:s3.example.org/bucket", "repo_password": "canary-repo", "backend_password": "canary-login", "backend_env": {"AWS_SECRET_ACCESS_KEY": "canary-key"}}),
    )
    .await
    .ok();
    let waiting = mint(
        &client,
        json!({"hostname": "b", "repo_url": "/srv/b", "repo_password": "canary-waiting"}),
    )
    .await
    .ok();
    enroll(&server, &made, &Machine::new()).await.ok();
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

const AGENT_URL: &str = "https://127.0.0.1:8443";

/// What an agent brings to its enrollment.
struct Machine {
    csr: String,
    nonce: String,
}

impl Machine {
    fn new() -> Self {
        Self::with(&CertificateParams::default(), &KeyPair::generate().unwrap())
    }

    fn with(params: &CertificateParams, key: &KeyPair) -> Self {
        Self {
            csr: params.serialize_request(key).unwrap().pem().unwrap(),
            nonce: "0".repeat(32),
        }
    }

    fn request(&self, made: &Value) -> agent::EnrollRequest {
        agent::EnrollRequest {
            token: made["token"].as_str().unwrap().to_owned(),
            hostname: "machine.local".into(),
            os: "linux".into(),
            arch: "x86_64".into(),
            agent_version: "0.1.0".into(),
            restic_version: "0.18.0".into(),
            csr_pem: self.csr.clone(),
            enroll_nonce: self.nonce.clone(),
        }
    }

    fn body(&self, made: &Value) -> Value {
        serde_json::to_value(self.request(made)).unwrap()
    }
}

async fn mint(client: &Client, body: Value) -> Answer {
    client.post("/api/enrollment-tokens", body).await
}

async fn enroll(server: &TestServer, made: &Value, machine: &Machine) -> Answer {
    server
        .rest(As::Anonymous)
        .await
        .post("/api/agents/enroll", machine.body(made))
        .await
}

async fn delete(client: &Client, path: &str) -> Answer {
    send(client.request(Method::DELETE, path)).await
}

/// The actions in the record, newest first.
async fn actions(server: &TestServer) -> Vec<String> {
    let entries = server.rest(ADMIN).await.get("/api/audit?page_size=500").await.ok();
    entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect()
}

async fn last_entry(server: &TestServer, action: &str) -> Value {
    server
        .rest(ADMIN)
        .await
        .get(&format!("/api/audit?action={action}"))
        .await
        .ok()[0]
        .clone()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["hostname"].as_str().unwrap())
        .collect()
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
