//! Certificates that near their end, with a server on the wire, and a crash at every step with one in the mind.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where it stands, and looks for one thing among others"
)]

mod support;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use agent::clock::SystemClock;
use agent::config::Places;
use agent::core::{Certificates, Contents, Core, Credential, Effect, Event, Loss, Message, Now, Received, Start};
use agent::identity::next::{self, Wish};
use agent::identity::{self, Candidate, Facts, Identity};
use domain::certificate::Serial;
use domain::id::{EnrollmentTokenId, SessionId};
use domain::session::{Applied, Welcome};
use domain::{Clock as _, Timestamp};
use support::authority::Authority;
use support::host::{HOST_ID, Host};
use support::server::FakeServer;
use uuid::Uuid;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_agent_renews_its_certificate_and_drops_the_old_key() {
    let server = FakeServer::start().await;
    let host = Host::enrolled_with(&server, |csr_pem| {
        let now = SystemClock.now();
        server
            .authority
            .certify_for(csr_pem, now.saturating_sub(DAY * 8), now.saturating_add(DAY * 2))
    });
    let before = credential(&host.places);
    let running = host.start();

    server.until_session(2).await;
    let after = eventually_other_than(&host.places, &before.serial).await;

    assert_eq!(server.look(|record| record.wishes.len()), 1);
    let shown = server.look(|record| record.shown.clone());
    assert_ne!(
        shown[0], shown[1],
        "the second session was opened with the next certificate"
    );
    assert!(after.lifetime.not_after > before.lifetime.not_after);
    assert!(next::held(&host.places).unwrap().is_none());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_certificate_has_ended_comes_back_by_itself() {
    let server = FakeServer::start().await;
    let host = Host::enrolled_with(&server, |csr_pem| {
        let now = SystemClock.now();
        server
            .authority
            .certify_for(csr_pem, now.saturating_sub(DAY * 30), now.saturating_sub(DAY * 20))
    });
    let before = credential(&host.places);
    let running = host.start();

    server.until_session(1).await;
    let after = eventually_other_than(&host.places, &before.serial).await;

    let returns = server.look(|record| record.returns.clone());
    assert_eq!(returns.len(), 1);
    assert_eq!(
        (returns[0].host_id.as_str(), &returns[0].last_serial),
        (HOST_ID, &before.serial.to_string())
    );
    assert!(!after.lifetime.has_ended(SystemClock.now()));
    assert_eq!(server.look(|record| record.enrollments.len()), 0);
    running.stop().await;
}

#[test]
fn a_crash_at_any_step_of_a_renewal_leaves_a_credential_that_the_server_knows() {
    crash_everywhere(&day(6));
}

#[test]
fn a_crash_at_any_step_of_coming_back_leaves_a_credential_or_the_way_to_one() {
    crash_everywhere(&day(30));
}

/// Lets the agent crash at its first step, at its second and so on, until it gets through, and start again each time.
fn crash_everywhere(now: &Timestamp) {
    let mut steps = 0;
    loop {
        let mut world = World::new(*now);
        let first = credential(&world.places).serial;
        let is_through = world.live(Some(steps));
        world.knows_a_way();

        world.live(None);

        let last = credential(&world.places).serial;
        assert_ne!(last, first, "step {steps}: no certificate was put in place");
        assert_eq!(
            world.server.good(),
            std::slice::from_ref(&last),
            "step {steps}: one credential, and the agent has it"
        );
        assert!(next::held(&world.places).unwrap().is_none(), "step {steps}");
        if is_through {
            break;
        }
        steps += 1;
    }
    assert!(steps > 8, "only {steps} steps were seen");
}

/// A host on a real disk, and a server that keeps certificates as the real one does.
struct World {
    places: Places,
    server: Model,
    now: Timestamp,
    _directory: tempfile::TempDir,
}

/// Which certificates a server knows.
struct Model {
    authority: Authority,
    now: Timestamp,
    /// In the order they were issued: the request's key, the certificate, whether it is good.
    issued: Vec<(Vec<u8>, String, Serial, bool)>,
    answered: HashMap<Vec<u8>, String>,
}

impl World {
    /// Enrolled with a certificate for ten days from day 0.
    fn new(now: Timestamp) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(None, Some(directory.path().to_owned()));
        let mut server = Model {
            authority: Authority::new(),
            now: day(0),
            issued: Vec::new(),
            answered: HashMap::new(),
        };
        let candidate = Candidate::for_token(&places, EnrollmentTokenId::from_uuid(Uuid::from_u128(1))).unwrap();
        let certificate = server.issue(&candidate.csr_pem().unwrap());
        let facts = Facts {
            host_id: HOST_ID.parse().unwrap(),
            agent_endpoint: "https://localhost:8443".to_owned(),
            ca_pin: server.authority.pin().to_string(),
            enrolled_at: day(0),
        };
        candidate.promote(&places, &facts, &certificate, "bundle").unwrap();
        server.now = now;
        Self {
            places,
            server,
            now,
            _directory: directory,
        }
    }

    /// Lives from a start of the agent until nothing more happens, or to a crash after so many steps: an effect is about to
    /// be performed, or was performed and nobody heard of it. False when it crashed.
    fn live(&mut self, crash_after: Option<usize>) -> bool {
        let mut core = Core::new(Start {
            certificates: Certificates {
                host: HOST_ID.parse().unwrap(),
                current: credential(&self.places).lifetime,
                candidate: next::held(&self.places).unwrap().map(|held| held.lifetime),
            },
            outbox: Contents {
                next_seq: 1,
                acknowledged: 0,
                ends: BTreeMap::new(),
            },
            applied: Applied::default(),
            commands: Vec::new(),
            begun: Vec::new(),
            logs: Vec::new(),
        });
        let now = Now {
            wall: self.now,
            uptime: Duration::ZERO,
        };
        let mut steps = 0;
        let mut is_over = || {
            steps += 1;
            crash_after.is_some_and(|limit| steps > limit)
        };
        let mut events = VecDeque::from([Event::Started { random: 0.0 }]);
        while let Some(event) = events.pop_front() {
            for effect in core.on_event(event, now) {
                if is_over() {
                    return false;
                }
                let heard = self.perform(effect);
                if is_over() {
                    return false;
                }
                events.extend(heard);
            }
        }
        true
    }

    fn perform(&mut self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::Connect { with, .. } => self.connect(with),
            Effect::Disconnect => vec![Event::LinkLost {
                loss: Loss::Broken,
                random: 0.0,
            }],
            Effect::Send(Message::Hello { .. }) => vec![Event::Received(Received::Welcome(welcome(self.now)))],
            Effect::AskCertificate => {
                let wish = Wish::take_up(&self.places).unwrap();
                let certificate_pem = self.server.issue(&wish.csr_pem().unwrap());
                vec![Event::Received(Received::CertificateOffer { certificate_pem })]
            }
            Effect::StoreOffer { certificate_pem } => {
                let outcome = next::store(&self.places, &certificate_pem).map_err(|error| error.to_string());
                vec![Event::OfferStored { outcome }]
            }
            Effect::PromoteCandidate => {
                let outcome = next::promote(&self.places).map_err(|error| error.to_string());
                vec![Event::Promoted { outcome }]
            }
            Effect::DiscardCandidate => {
                next::discard(&self.places).unwrap();
                Vec::new()
            }
            other => panic!("{other:?} has no place in this story"),
        }
    }

    fn connect(&mut self, proof: Credential) -> Vec<Event> {
        let shown = match proof {
            Credential::Current => credential(&self.places).serial,
            Credential::Candidate => next::held(&self.places).unwrap().unwrap().serial,
            Credential::IdentityKey => {
                let wish = Wish::take_up(&self.places).unwrap();
                let certificate_pem = self.server.issue(&wish.csr_pem().unwrap());
                return vec![Event::Offered { certificate_pem }];
            }
        };
        if self.server.sees(&shown) {
            vec![Event::LinkUp]
        } else {
            vec![Event::LinkLost {
                loss: Loss::Unauthenticated,
                random: 0.0,
            }]
        }
    }

    /// Whatever happened, the disk holds a certificate that the server takes, or the key for which it will give one.
    fn knows_a_way(&self) {
        let held = next::held(&self.places).unwrap();
        let on_disk = [Some(credential(&self.places)), held];
        let is_known = on_disk
            .iter()
            .flatten()
            .any(|credential| self.server.good().contains(&credential.serial));
        assert!(
            is_known || self.now > day(10),
            "no credential is left that the server takes"
        );
    }
}

impl Model {
    fn issue(&mut self, csr_pem: &str) -> String {
        let key = csr_pem.as_bytes().to_vec();
        let public_key = rcgen::CertificateSigningRequestParams::from_pem(csr_pem)
            .unwrap()
            .public_key;
        let key_of = rcgen::PublicKeyData::der_bytes(&public_key).to_vec();
        if let Some(answer) = self.answered.get(&key_of) {
            return answer.clone();
        }
        let end = self.now.saturating_add(DAY * 10);
        let certificate = self.authority.certify_for(csr_pem, self.now, end);
        self.issued.push((key, certificate.clone(), serial(&certificate), true));
        self.answered.insert(key_of, certificate.clone());
        certificate
    }

    /// A session is opened with this: it is known, and those issued before are void from here on.
    fn sees(&mut self, serial: &Serial) -> bool {
        let Some(place) = self
            .issued
            .iter()
            .position(|(_, _, issued, is_good)| issued == serial && *is_good)
        else {
            return false;
        };
        for (_, _, _, is_good) in &mut self.issued[..place] {
            *is_good = false;
        }
        true
    }

    fn good(&self) -> Vec<Serial> {
        let good = self.issued.iter().filter(|(_, _, _, is_good)| *is_good);
        good.map(|(_, _, serial, _)| serial.clone()).collect()
    }
}

fn welcome(now: Timestamp) -> Welcome {
    Welcome {
        protocol: 1,
        session: SessionId::from_uuid(Uuid::nil()),
        epoch: 1,
        acknowledged_seq: 0,
        heartbeat: Duration::from_secs(30),
        server_time: now,
        log_window_bytes: 1000,
        reconnect_spread: Duration::ZERO,
    }
}

fn credential(places: &Places) -> identity::Credential {
    Identity::load(places).unwrap().unwrap().credential
}

/// The certificate in use, once it is another one.
async fn eventually_other_than(places: &Places, before: &Serial) -> identity::Credential {
    let waiting = async {
        loop {
            let credential = credential(places);
            if credential.serial != *before {
                return credential;
            }
            // sleep: the pause between two looks at the disk
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, waiting)
        .await
        .expect("another certificate in use")
}

fn serial(certificate_pem: &str) -> Serial {
    let (_, pem) = x509_parser::pem::parse_x509_pem(certificate_pem.as_bytes()).unwrap();
    let serial = data_encoding::HEXLOWER.encode(pem.parse_x509().unwrap().raw_serial());
    serial.parse().unwrap()
}

fn day(number: u32) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(DAY * (20_000 + number))
}
