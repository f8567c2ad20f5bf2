//! How the agents join: a token each, and a certificate for it.

use std::thread;

use rcgen::{CertificateParams, KeyPair};
use restic_manager_integration_tests::Fleet;
use restic_manager_integration_tests::rest::Rest;
use serde_json::{Value, json};

use super::agent::{Identity, Played};

/// Enough to keep a server of two cores busy.
const THREADS: u16 = 4;

/// Enrolls so many agents, numbered from 0.
pub(super) fn enroll(fleet: &Fleet, count: u16) -> Vec<Played> {
    let mut agents = thread::scope(|scope| {
        let enroll = |first| {
            let mine = (first..count).step_by(usize::from(THREADS));
            mine.map(|number| enroll_one(&fleet.admin, number)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || enroll(first))).collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().expect("enrolling goes well"));
        joined.flatten().collect::<Vec<_>>()
    });
    agents.sort_by_key(Played::number);
    agents
}

fn enroll_one(admin: &Rest, number: u16) -> Played {
    let name = format!("agent-{number}");
    let token = admin.post(
        "/api/enrollment-tokens",
        &json!({ "hostname": name, "repo_url": format!("/srv/{name}"), "repo_password": format!("the password of {name}") }),
    );
    let key = KeyPair::generate().expect("this system has randomness");
    let request = CertificateParams::default().serialize_request(&key);
    let request = request
        .and_then(|request| request.pem())
        .expect("a request can be written");
    let enrolled = admin.on_behalf_of(super::agent::address(number).to_string()).post(
        "/api/agents/enroll",
        &json!({
            "token": token.ok()["token"],
            "hostname": name,
            "os": "linux",
            "arch": "x86_64",
            "agent_version": env!("CARGO_PKG_VERSION"),
            "csr_pem": request,
            "enroll_nonce": format!("{number:032x}"),
        }),
    );
    let enrolled = enrolled.ok();
    let text = |name: &str| text(&enrolled, name);
    let identity = Identity::new(text("certificate_pem"), key.serialize_der(), text("ca_bundle_pem"));
    Played::new(number, text("host_id"), identity)
}

fn text(answer: &Value, name: &str) -> String {
    let text = answer[name].as_str();
    text.unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}
