mod issuing;
mod requests;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use domain::id::HostId;
use domain::{MockClock, Timestamp};
use rcgen::KeyPair;
use uuid::Uuid;

use super::*;
use crate::config::Host;

const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(24 * 7);

/// One deployment with everything it was made of.
struct World {
    parts: NewAuthority,
    authority: Authority,
    clock: Arc<MockClock>,
}

impl World {
    fn new(number: u128) -> Self {
        let clock = Arc::new(MockClock::at(start()));
        let parts = create(Deployment::from_uuid(Uuid::from_u128(number)), start()).unwrap();
        let authority = Authority::new(
            parts.root.certificate.clone(),
            &parts.agents,
            Vec::new(),
            &parts.servers,
        )
        .unwrap();
        Self {
            parts,
            authority,
            clock,
        }
    }

    fn server_leaf(&self) -> ServerLeaf {
        let host = Host::Name("backup.example.org".to_owned());
        self.authority.issue_server(&host, self.clock_now()).unwrap()
    }

    fn clock_now(&self) -> Timestamp {
        domain::Clock::now(self.clock.as_ref())
    }
}

fn start() -> Timestamp {
    "2026-05-01T02:00:00Z".parse().unwrap()
}

fn host(number: u128) -> HostId {
    HostId::from_uuid(Uuid::from_u128(number))
}

fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn request(key: &KeyPair) -> CertificateRequest {
    CertificateRequest::from_pem(&request_pem(&rcgen::CertificateParams::default(), key)).unwrap()
}

fn request_pem(params: &rcgen::CertificateParams, key: &KeyPair) -> String {
    params.serialize_request(key).unwrap().pem().unwrap()
}
