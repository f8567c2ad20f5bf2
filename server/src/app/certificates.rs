//! Certificates of hosts: issuing them, and what becomes of them once they are used.

use std::time::Duration;

use domain::certificate::{Denied, Grant, Held, IdentityProof, Lifetime, Occasion, grant};
use domain::fleet::HostView;
use domain::id::{CertificateId, HostId, Id as _};
use domain::{ErrorCode, Timestamp};
use serde_json::json;

use super::record::{Change, record};
use super::{App, Caller, Error};
use crate::pki::{self, CertificateRequest, IssuedCertificate};
use crate::store::{HostCertificate, ReadTx, Tx};

/// Certificates that ended longer ago are of no use: none of them can be renewed.
const KEPT_FOR: Duration = Duration::from_hours(24 * 90);

/// A host's certificate as its agent gets it.
pub(super) struct GrantedCertificate {
    /// The leaf and the CA that issued it.
    pub(super) chain_pem: String,
    /// Its end.
    pub(super) not_after: Timestamp,
}

impl App {
    /// Removes certificates of hosts that ended long ago. How many there were.
    pub async fn remove_ended_certificates(&self) -> Result<u64, Error> {
        let tx = self.0.store.begin().await?;
        let before = self.0.clock.now().saturating_sub(KEPT_FOR);
        let removed = tx.delete_ended_host_certificates(before).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Gives a host a certificate for the key of its request: the one it was given for that key, or a new one.
    ///
    /// Errors: `host_not_active`, `key_reused`, `rate_limited`.
    pub(super) async fn grant_certificate(
        &self,
        tx: &Tx,
        caller: &Caller,
        host: &HostView,
        request: &CertificateRequest,
        now: Timestamp,
    ) -> Result<GrantedCertificate, Error> {
        let key = request.public_key_sha256();
        if tx.host_of_key(key).await?.is_some_and(|owner| owner != host.id) {
            return Err(reused("csr_pem"));
        }
        let certificates = tx.host_certificates(host.id).await?;
        let held: Vec<Held> = certificates.iter().map(held).collect();
        match grant(&held, key, host.status, now).map_err(refusal)? {
            Grant::Again(place) => {
                let Some(first) = certificates.into_iter().nth(place) else {
                    return Err(Error::failed("finding a certificate", "it is not in its own list"));
                };
                let chain_pem = self
                    .authority()?
                    .agent_chain_pem(first.certificate)
                    .map_err(|error| Error::failed("reading a certificate", error))?;
                Ok(GrantedCertificate {
                    chain_pem,
                    not_after: first.not_after,
                })
            }
            Grant::New => {
                let issued = self.issue(tx, host.id, request, now).await?;
                let not_after = issued.validity.not_after;
                let facts = json!({ "serial": issued.serial, "not_after": not_after.to_string() });
                let change = Change::new("certificate.issued")
                    .to("host", host.id, &host.hostname)
                    .with(facts);
                record(tx, caller, change, now).await?;
                Ok(GrantedCertificate {
                    chain_pem: issued.chain_pem,
                    not_after,
                })
            }
        }
    }

    /// Issues a certificate and stores it.
    pub(super) async fn issue(
        &self,
        tx: &Tx,
        host: HostId,
        request: &CertificateRequest,
        now: Timestamp,
    ) -> Result<IssuedCertificate, Error> {
        let issued = self
            .authority()?
            .issue_agent(request, host, self.0.settings.agent_certificate_ttl, now)
            .map_err(|error| Error::failed("issuing a certificate", error))?;
        let certificate = HostCertificate {
            id: CertificateId::generate(self.0.ids.as_ref()),
            host_id: host,
            serial: issued.serial.clone(),
            public_key_sha256: issued.public_key_sha256,
            certificate: issued.certificate.clone(),
            not_before: issued.validity.not_before,
            not_after: issued.validity.not_after,
            issued_at: now,
            revoked_at: None,
        };
        tx.insert_host_certificate(&certificate).await?;
        Ok(issued)
    }

    /// Notes that a host has opened a session with a certificate: the ones it was issued before are void from here on.
    pub(super) async fn note_certificate_in_use(
        &self,
        tx: &Tx,
        caller: &Caller,
        host: HostId,
        serial: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(used) = tx.certificate(serial).await? else {
            return Err(Error::refuse(ErrorCode::Unauthorized));
        };
        if tx.supersede_host_certificates(&used, now).await? == 0 {
            return Ok(());
        }
        let name = tx.host(host).await?.map(|host| host.hostname.to_string());
        let facts = json!({ "serial": used.serial, "not_after": used.not_after.to_string() });
        let change = Change::new("certificate.renewed")
            .to("host", host, name.unwrap_or_default())
            .with(facts);
        record(tx, caller, change, now).await?;
        tracing::info!(host.id = %host, serial, not_after = %used.not_after, "a host uses its next certificate");
        Ok(())
    }

    /// Checks the word of an identity key, and that the key is the host's, or of no other host while the host has none.
    ///
    /// Errors: `invalid_proof`, `key_reused`.
    pub(super) async fn check_identity(
        &self,
        tx: &ReadTx,
        host: Option<HostId>,
        proof: &IdentityProof,
        occasion: &Occasion<'_>,
        request: &CertificateRequest,
    ) -> Result<(), Error> {
        if !pki::is_signed(proof, occasion, request.public_key_sha256()) {
            return Err(Error::refuse(ErrorCode::InvalidProof));
        }
        match tx.host_of_identity_key(&proof.key).await? {
            Some(owner) if Some(owner) == host => return Ok(()),
            Some(_) => return Err(reused("identity_key")),
            None => {}
        }
        let known = match host {
            Some(host) => tx.identity_key(host).await?,
            None => None,
        };
        if known.is_some() {
            return Err(Error::refuse(ErrorCode::InvalidProof));
        }
        Ok(())
    }
}

fn held(certificate: &HostCertificate) -> Held {
    Held {
        key: certificate.public_key_sha256,
        lifetime: lifetime(certificate),
        issued_at: certificate.issued_at,
        is_void: certificate.revoked_at.is_some(),
    }
}

pub(super) const fn lifetime(certificate: &HostCertificate) -> Lifetime {
    Lifetime {
        not_before: certificate.not_before,
        not_after: certificate.not_after,
    }
}

pub(super) fn reused(field: &str) -> Error {
    Error::refuse_field(ErrorCode::KeyReused, field, ErrorCode::KeyReused.meaning())
}

fn refusal(denied: Denied) -> Error {
    match denied {
        Denied::Inactive(status) => Error::refuse_with(
            ErrorCode::HostNotActive,
            format!("The host is {status}. {}", ErrorCode::HostNotActive.meaning()),
        ),
        Denied::KeyUsed => Error::refuse_field(
            ErrorCode::KeyReused,
            "csr_pem",
            "the certificate for this key is over or void; a new key is needed each time",
        ),
        Denied::TooSoon { wait } => Error::rate_limited(wait),
    }
}
