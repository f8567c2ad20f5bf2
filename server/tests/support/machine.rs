//! A machine that enrolls over the network, and what the tests of that ask of a server.

use proto::agent::v1::EnrollRequest;
use rcgen::{CertificateParams, KeyPair};
use reqwest::Method;
use serde_json::Value;

use super::rest::{Answer, Client, send};
use super::{As, Role, TestServer};

/// What a machine brings to its enrollment.
pub struct Machine {
    pub csr: String,
    pub nonce: String,
    pub os: &'static str,
}

impl Machine {
    /// Linux, with a new key.
    pub fn new() -> Self {
        Self::with(&CertificateParams::default(), &KeyPair::generate().unwrap())
    }

    /// With a request of this content, signed with this key.
    pub fn with(params: &CertificateParams, key: &KeyPair) -> Self {
        Self {
            csr: params.serialize_request(key).unwrap().pem().unwrap(),
            nonce: "0".repeat(32),
            os: "linux",
        }
    }

    /// What it sends with the token of this answer.
    pub fn request(&self, made: &Value) -> EnrollRequest {
        EnrollRequest {
            token: made["token"].as_str().unwrap().to_owned(),
            hostname: "machine.local".into(),
            os: self.os.into(),
            arch: "x86_64".into(),
            agent_version: "0.1.0".into(),
            restic_version: "0.18.0".into(),
            csr_pem: self.csr.clone(),
            enroll_nonce: self.nonce.clone(),
            ..EnrollRequest::default()
        }
    }

    /// The same as JSON.
    pub fn body(&self, made: &Value) -> Value {
        serde_json::to_value(self.request(made)).unwrap()
    }
}

impl TestServer {
    /// Lets a machine enroll over REST, from an address of its own.
    pub async fn enroll_machine(&self, made: &Value, machine: &Machine) -> Answer {
        let client = self.rest(As::Anonymous).await;
        client.post("/api/agents/enroll", machine.body(made)).await
    }

    /// The actions in the record, newest first.
    pub async fn actions(&self) -> Vec<String> {
        let entries = self
            .rest(As::User(Role::Admin))
            .await
            .get("/api/audit?page_size=500")
            .await
            .ok();
        let action = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(action).collect()
    }

    /// The newest entry of the record about an action.
    pub async fn last_entry(&self, action: &str) -> Value {
        let entries = self
            .rest(As::User(Role::Admin))
            .await
            .get(&format!("/api/audit?action={action}"))
            .await
            .ok();
        entries[0].clone()
    }
}

impl Client {
    /// Makes an enrollment token.
    pub async fn mint(&self, body: Value) -> Answer {
        self.post("/api/enrollment-tokens", body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }
}

/// The host names in a list of hosts or tokens.
pub fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["hostname"].as_str().unwrap())
        .collect()
}
