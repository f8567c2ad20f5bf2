//! How hosts get their next certificate: in their session, or when the last one has ended.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use domain::enrollment::WantedRepository;
use domain::fleet::RevokeHost;
use domain::{Clock, MockClock, Timestamp};
use proto::agent::v1;
use proto::agent::v1::agent_message::Body as Up;
use proto::agent::v1::enrollment_service_client::EnrollmentServiceClient;
use proto::agent::v1::server_message::Body as Down;
use server::clock::SystemClock;
use support::agent::{Agent, Wire};
use support::{TestServer, grpc, system};
use tonic::{Code, Status};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn a_host_gets_its_next_certificate_in_its_session_and_the_present_one_stays_good_until_then() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (mut wire, _) = agent.connect().await;
    clock.advance(DAY);
    let (wish, key) = agent.wish();

    let first = offer(&mut wire, wish.clone()).await;
    let again = offer(&mut wire, wish).await;

    assert_eq!(
        again.certificate_pem, first.certificate_pem,
        "the same question has the same answer"
    );
    assert_eq!(ends(&first), clock.now().saturating_add(DAY * 7).as_seconds());
    agent.connect().await;
    let renewed = agent.with_certificate(&first.certificate_pem, &key);
    renewed.connect().await;
    let refused = agent.dial().await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated, "the one before is void now");
    let shown = server.app.get_host(&system(), agent.host).await.unwrap();
    assert_eq!(shown.certificate_ends_at.map(Timestamp::as_seconds), Some(ends(&first)));
    let actions = server.actions().await;
    let about_certificates: Vec<&str> = actions
        .iter()
        .map(String::as_str)
        .filter(|action| action.starts_with("certificate."))
        .collect();
    assert_eq!(about_certificates, ["certificate.renewed", "certificate.issued"]);
    let entry = server.last_entry("certificate.renewed").await;
    assert_eq!(entry["payload"]["serial"], renewed.serial);
    assert_eq!(entry["target_name"], "web-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_identity_key_did_not_sign_is_refused_and_the_session_goes_on() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let other = server.agent("web-02", WantedRepository::None).await;
    let (mut wire, _) = agent.connect().await;
    clock.advance(DAY);
    let (good, _) = agent.wish();
    let (of_another_host, _) = other.wish();
    let with_another_request = v1::RenewRequest {
        csr_pem: of_another_host.csr_pem.clone(),
        ..good.clone()
    };
    let not_a_request = v1::RenewRequest {
        csr_pem: "pem".to_owned(),
        ..good.clone()
    };

    for (wish, code) in [
        (of_another_host, "invalid_proof"),
        (with_another_request, "invalid_proof"),
        (not_a_request, "invalid_csr"),
    ] {
        let refused = refusal(&mut wire, wish).await;

        assert_eq!(refused.code, code);
        assert!(
            refused.message.ends_with('.') || code == "invalid_csr",
            "{}",
            refused.message
        );
    }
    offer(&mut wire, good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_not_certified_in_a_row() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let (mut wire, _) = agent.connect().await;
    clock.advance(DAY);
    offer(&mut wire, agent.wish().0).await;

    let refused = refusal(&mut wire, agent.wish().0).await;

    assert_eq!(refused.code, "rate_limited");
    assert!(refused.retry_after.unwrap().seconds > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_certificate_has_ended_comes_back_by_its_identity_key() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    agent.connect().await;
    clock.advance(DAY * 66);
    let (wish, key) = agent.wish_to_come_back(clock.now());

    let first = come_back(&agent, wish.clone()).await.unwrap();
    let again = come_back(&agent, wish).await.unwrap();

    assert_eq!(
        first.certificate_pem, again.certificate_pem,
        "a lost answer can be asked for again"
    );
    assert_eq!(first.host_id, agent.host.to_string());
    agent.with_certificate(&first.certificate_pem, &key).connect().await;
    assert_eq!(server.last_entry("certificate.issued").await["actor_id"], first.host_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_come_back_is_told_why() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let other = server.agent("web-02", WantedRepository::None).await;
    let (mut wire, _) = other.connect().await;
    clock.advance(DAY);
    let (wish, key) = other.wish();
    let renewed = offer(&mut wire, wish).await;
    other.with_certificate(&renewed.certificate_pem, &key).connect().await;
    clock.advance(DAY * 8);
    let now = clock.now();
    let (good, _) = agent.wish_to_come_back(now);
    let (of_another, _) = other.wish_to_come_back(now);
    let for_another = v1::RenewExpiredRequest {
        host_id: other.host.to_string(),
        ..good.clone()
    };
    let unknown = v1::RenewExpiredRequest {
        host_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        ..good.clone()
    };
    let changed = v1::RenewExpiredRequest {
        csr_pem: of_another.csr_pem.clone(),
        ..good.clone()
    };
    let (too_early, _) = agent.wish_to_come_back(now.saturating_sub(Duration::from_secs(601)));
    let (too_late, _) = agent.wish_to_come_back(now.saturating_add(Duration::from_secs(601)));

    for (wish, code, reason) in [
        (for_another, Code::Unauthenticated, "invalid_proof"),
        (unknown, Code::Unauthenticated, "invalid_proof"),
        (changed, Code::Unauthenticated, "invalid_proof"),
        (too_early, Code::FailedPrecondition, "clock_skewed"),
        (too_late, Code::FailedPrecondition, "clock_skewed"),
        (of_another, Code::FailedPrecondition, "certificate_superseded"),
    ] {
        let refused = come_back(&agent, wish).await.unwrap_err();

        assert_eq!((refused.code(), grpc::code(&refused).as_str()), (code, reason));
    }
    assert_eq!(
        server.last_entry("security.superseded_certificate").await["target_name"],
        "web-02"
    );
    come_back(&agent, good).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_host_does_not_come_back() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    let revoke = RevokeHost {
        id: agent.host,
        confirmation: "web-01".to_owned(),
    };
    server.app.revoke_host(&system(), revoke).await.unwrap();
    clock.advance(DAY * 8);

    let refused = come_back(&agent, agent.wish_to_come_back(clock.now()).0)
        .await
        .unwrap_err();

    assert_eq!(grpc::code(&refused), "host_not_active");
    assert!(
        refused.message().starts_with("The host is revoked."),
        "{}",
        refused.message()
    );
    let actions = server.actions().await;
    assert!(
        !actions.iter().any(|action| action == "certificate.issued"),
        "{actions:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_days_after_its_end_a_certificate_is_not_renewed_any_more() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    clock.advance(DAY * 67 + Duration::from_secs(2));

    let refused = come_back(&agent, agent.wish_to_come_back(clock.now()).0)
        .await
        .unwrap_err();

    assert_eq!(grpc::code(&refused), "certificate_lapsed");
    assert!(
        refused.message().contains("token that replaces the host"),
        "{}",
        refused.message()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn coming_back_is_throttled_like_enrolling() {
    let (server, clock) = start().await;
    let agent = server.agent("web-01", WantedRepository::None).await;
    clock.advance(DAY * 8);
    let (mut wish, _) = agent.wish_to_come_back(clock.now());
    wish.proof = vec![0; 64];
    for _ in 0..60 {
        let refused = come_back(&agent, wish.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }

    let refused = come_back(&agent, wish).await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_notice_nothing_when_the_server_replaces_its_cas_and_its_leaf() {
    let (server, clock) = start().await;
    clock.advance(DAY * 274);
    server.app.renew_certificates(&system()).await.unwrap();
    let agent = server
        .agent("web-01", WantedRepository::None)
        .await
        .by_clock(clock.clone());
    let (mut wire, _) = agent.connect().await;
    clock.advance(DAY);

    let renewed = server.app.renew_certificates(&system()).await.unwrap();

    assert!(renewed.agents && renewed.servers && renewed.leaf, "{renewed:?}");
    agent.connect().await;
    let (mut again, _) = agent.connect().await;
    let (wish, key) = agent.wish();
    let next = offer(&mut again, wish).await;
    let of_the_new_ca = agent.with_certificate(&next.certificate_pem, &key);
    of_the_new_ca.connect().await;
    // The stream that was open all the time was ended by the newer ones, and by nothing else.
    assert_eq!(wire.farewell().await.reason, i32::from(v1::GoodbyeReason::Superseded));
}

async fn start() -> (TestServer, Arc<MockClock>) {
    let clock = Arc::new(MockClock::at(SystemClock.now()));
    let server = TestServer::start_with(&[("RM_OFFLINE_AFTER", "1d")], clock.clone()).await;
    (server, clock)
}

async fn offer(wire: &mut Wire, wish: v1::RenewRequest) -> v1::CertificateOffer {
    wire.say(Up::RenewRequest(wish)).await;
    wire.hear_until(|heard| match heard {
        Down::CertificateOffer(offer) => Some(offer),
        Down::RenewRefused(refused) => panic!("{refused:?}"),
        _ => None,
    })
    .await
}

async fn refusal(wire: &mut Wire, wish: v1::RenewRequest) -> v1::RenewRefused {
    wire.say(Up::RenewRequest(wish)).await;
    wire.hear_until(|heard| match heard {
        Down::RenewRefused(refused) => Some(refused),
        Down::CertificateOffer(offer) => panic!("{offer:?}"),
        _ => None,
    })
    .await
}

/// Asks without a certificate, as an agent whose last one has ended.
async fn come_back(agent: &Agent, wish: v1::RenewExpiredRequest) -> Result<v1::EnrollResponse, Status> {
    let nobody = agent.clone().without_certificate();
    let answer = EnrollmentServiceClient::new(nobody.channel().await)
        .renew_expired(wish)
        .await;
    answer.map(tonic::Response::into_inner)
}

fn ends(offer: &v1::CertificateOffer) -> i64 {
    offer.not_after.as_ref().unwrap().seconds
}
