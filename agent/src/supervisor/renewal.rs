//! What the core wants of the certificates on disk.

use domain::Timestamp;
use domain::certificate::{IdentityProof, Occasion};
use tracing::{debug, error, info, warn};

use super::Supervisor;
use crate::core::Event;
use crate::identity::next::{self, Wish};
use crate::identity::{self};
use crate::telemetry::chain;
use crate::wire;

impl Supervisor {
    pub(super) fn ask_certificate(&mut self) {
        match self.wish() {
            Ok((csr_pem, proof)) => {
                debug!("the next certificate is asked for");
                self.send(wire::renew_request(csr_pem, &proof));
            }
            Err(error) => self.pending.push_back(Event::NotAsked { why: chain(&error) }),
        }
    }

    pub(super) fn store_offer(&mut self, certificate_pem: &str) {
        let outcome = next::store(&self.setup.places, certificate_pem).map_err(|error| chain(&error));
        self.pending.push_back(Event::OfferStored { outcome });
    }

    pub(super) fn promote_candidate(&mut self) {
        let outcome = next::promote(&self.setup.places).map_err(|error| chain(&error));
        if outcome.is_ok() {
            info!("the host's next certificate is in use; the key of the one before is gone");
        }
        self.pending.push_back(Event::Promoted { outcome });
    }

    /// What is left of it is overwritten by the next one.
    pub(super) fn discard_candidate(&self) {
        if let Err(error) = next::discard(&self.setup.places) {
            warn!(error = %chain(&error), "a certificate that is of no use could not be removed");
        }
    }

    fn wish(&self) -> Result<(String, IdentityProof), identity::Error> {
        let wish = Wish::take_up(&self.setup.places)?;
        let proof = wish.proof(&Occasion::Renewal { host: self.host })?;
        Ok((wish.csr_pem()?, proof))
    }
}

/// A certificate with much of its life left is worth a note; one that is nearly over needs somebody.
pub(super) fn warn_of_renewal(why: &str, ends: Timestamp, is_urgent: bool) {
    if is_urgent {
        error!(
            why, certificate.ends = %ends,
            "the host's certificate is nearly over and could not be renewed; backups go on until then and after, but the \
             server will not see them. The agent keeps trying"
        );
    } else {
        warn!(why, certificate.ends = %ends, "the host's certificate could not be renewed yet; the agent keeps trying");
    }
}
