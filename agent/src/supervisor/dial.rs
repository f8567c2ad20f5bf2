//! Where to connect, and with what: read anew each time, because bundle and certificates change.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::Clock;
use domain::certificate::Occasion;

use super::Supervisor;
use crate::config::{Config, Places};
use crate::core::Credential;
use crate::durable;
use crate::identity::next::{self, Wish};
use crate::identity::{self, Identity};
use crate::link::{Dial, Question};
use crate::sysinfo::Machine;
use crate::tls::{self, AgentAddress};
use crate::wire;

impl Supervisor {
    pub(super) fn connect(&mut self, after: Duration, with: Credential) {
        // restic may have come, gone or changed; asking it takes a moment and happens beside.
        let machine = Arc::clone(&self.machine);
        let config = self.setup.config.clone();
        tokio::task::spawn_blocking(move || {
            let looked = Machine::look(&config);
            *machine.lock().unwrap_or_else(PoisonError::into_inner) = looked;
        });
        let places = self.setup.places.clone();
        let config = self.setup.config.clone();
        match with {
            Credential::Current | Credential::Candidate => {
                self.link.connect(after, move || dial(&places, &config, with));
            }
            Credential::IdentityKey => {
                let clock = Arc::clone(&self.setup.clock);
                self.link.ask(after, move || question(&places, &config, clock.as_ref()));
            }
        }
    }
}

fn dial(places: &Places, config: &Config, with: Credential) -> Result<Dial, tls::Error> {
    let identity = identity(places)?;
    let bundle = durable::read(&places.ca_bundle()).map_err(unusable)?;
    let bundle = String::from_utf8(bundle.unwrap_or_default()).map_err(unusable)?;
    let address = address(config, &identity)?;
    let candidate = match with {
        Credential::Candidate => next::held(places).map_err(unusable)?,
        Credential::Current | Credential::IdentityKey => None,
    };
    let credential = candidate.unwrap_or(identity.credential);
    let tls = tls::session(&bundle, &credential.pem)?;
    Ok(Dial { address, tls })
}

/// The wish for a certificate in place of the last one, in the words of the identity key.
fn question(places: &Places, config: &Config, clock: &dyn Clock) -> Result<Question, tls::Error> {
    let identity = identity(places)?;
    let wish = Wish::take_up(places).map_err(unusable)?;
    let (host, last, at) = (identity.facts.host_id, &identity.credential.serial, clock.now());
    let proof = wish.proof(&Occasion::Return { host, last, at }).map_err(unusable)?;
    let csr_pem = wish.csr_pem().map_err(unusable)?;
    let pin = identity.facts.pin().ok_or_else(|| unusable(identity::Error::Pin))?;
    Ok(Question {
        address: address(config, &identity)?,
        tls: tls::enrolling(pin),
        request: wire::renew_expired(host, csr_pem, last, at, &proof),
    })
}

fn identity(places: &Places) -> Result<Identity, tls::Error> {
    let identity = Identity::load(places).map_err(unusable)?;
    identity.ok_or_else(|| {
        unusable(identity::Error::Damaged {
            path: places.identity_dir(),
        })
    })
}

fn address(config: &Config, identity: &Identity) -> Result<AgentAddress, tls::Error> {
    let endpoint = config.agent_url.as_ref().unwrap_or(&identity.facts.agent_endpoint);
    endpoint.parse().map_err(|error: tls::InvalidAddress| unusable(error))
}

fn unusable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> tls::Error {
    tls::Error::Material {
        what: "the host's identity",
        source: source.into(),
    }
}
