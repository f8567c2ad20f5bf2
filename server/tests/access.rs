//! Who may call what: every method of the contract, every caller, both ways of calling.
//!
//! The cases are made from the descriptors, so a new method is covered the day it is written.

mod support;

use domain::Role;
use domain::enrollment::WantedRepository;
use server::gateway::routes::ROUTES;
use server::grpc::authorize::{ACCESS, Requirement};
use support::rest::begin;
use support::{As, TestServer, grpc};
use tonic::Code;

/// What the door says to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Admitted,
    Unauthorized,
    Forbidden,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_admits_exactly_the_roles_of_its_option() {
    let server = TestServer::start().await;

    for who in As::ALL {
        for route in ROUTES.iter() {
            // A route may end the session that calls it, so each call has one of its own.
            let client = server.rest(who).await;
            let path = route.template.replace("{id}", UNKNOWN).replace("{host_id}", UNKNOWN);
            let request = client.request(route.verb.clone(), &path);

            let answer = begin(if route.has_body { request.body("{}") } else { request }).await;

            let verdict = verdict(&answer.code());
            assert_eq!(
                verdict,
                expected(who, route.access.requirement),
                "{who:?} {} {path}: {answer:?}",
                route.verb
            );
            assert_ne!(answer.status.as_u16(), 500, "{who:?} {} {path}: {answer:?}", route.verb);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_admits_exactly_the_roles_of_its_option_over_grpc() {
    let server = TestServer::start().await;
    let mut seen = 0;

    for who in As::ALL {
        for (path, access) in ACCESS
            .iter()
            .filter(|(path, _)| path.starts_with("/restic_manager.v1."))
        {
            let client = server.grpc(who).await;

            let result = client.call(path, Vec::new()).await;

            let code = result.as_ref().err().map(grpc::code).unwrap_or_default();
            assert_eq!(
                verdict(&code),
                expected(who, access.requirement),
                "{who:?} {path}: {result:?}"
            );
            assert!(
                !matches!(&result, Err(status) if status.code() == Code::Internal),
                "{who:?} {path}: {result:?}"
            );
            assert!(
                !matches!(&result, Err(status) if status.code() == Code::Unimplemented),
                "{path} is not served"
            );
            seen += 1;
        }
    }
    assert!(seen >= 4 * 9, "only {seen} calls were made");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_agent_port_a_certificate_opens_sessions_and_nothing_else() {
    let server = TestServer::start().await;
    let with = server.agent("web-01", WantedRepository::None).await;
    let without = server
        .agent("web-02", WantedRepository::None)
        .await
        .without_certificate();
    let admin = server.token(As::User(Role::Admin)).await;
    let callers = [
        ("agent", grpc::Client::over(with.channel().await, None)),
        ("nobody", grpc::Client::over(without.channel().await, None)),
        ("admin", grpc::Client::over(without.channel().await, admin)),
    ];
    let mut seen = 0;

    for (who, client) in &callers {
        for (path, access) in ACCESS.iter().filter(|(path, _)| path.starts_with("/restic_manager.")) {
            let result = client.call(path, Vec::new()).await;

            let code = result.as_ref().err().map(grpc::code).unwrap_or_default();
            let is_served = path.starts_with("/restic_manager.agent.");
            let unimplemented = matches!(&result, Err(status) if status.code() == Code::Unimplemented);
            assert_eq!(unimplemented, !is_served, "{who} {path}: {result:?}");
            if is_served {
                let wanted = match (access.requirement, *who) {
                    (Some(Requirement::Anonymous), _) | (Some(Requirement::Agent), "agent") => Verdict::Admitted,
                    (Some(Requirement::Agent), "admin") => Verdict::Forbidden,
                    _ => Verdict::Unauthorized,
                };
                assert_eq!(verdict(&code), wanted, "{who} {path}: {result:?}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 9, "only {seen} calls were served");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_method_is_unimplemented_and_not_a_page() {
    let server = TestServer::start().await;
    let client = server.grpc(As::User(Role::Admin)).await;

    for path in ["/restic_manager.v1.AuthService/Nothing", "/nobody.Nothing/Nothing"] {
        let status = client.call(path, Vec::new()).await.unwrap_err();

        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status:?}");
    }
}

const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn verdict(code: &str) -> Verdict {
    match code {
        "unauthorized" => Verdict::Unauthorized,
        "forbidden" => Verdict::Forbidden,
        _ => Verdict::Admitted,
    }
}

fn expected(who: As, requirement: Option<Requirement>) -> Verdict {
    match (requirement, who) {
        (Some(Requirement::Anonymous), _) => Verdict::Admitted,
        (_, As::Anonymous) => Verdict::Unauthorized,
        (Some(Requirement::Role(least)), As::User(role)) if role >= least => Verdict::Admitted,
        (Some(Requirement::Role(_) | Requirement::Agent) | None, As::User(_)) => Verdict::Forbidden,
    }
}
