//! The next certificate of a host: in its session, or when the last one has ended.

use std::time::Duration;

use domain::certificate::{CertificateOffer, Occasion, RenewExpired, RenewRequest, may_renew_expired};
use domain::enrollment::Enrolled;
use domain::fleet::HostView;
use domain::{ErrorCode, Timestamp};
use serde_json::json;

use super::certificates::{GrantedCertificate, lifetime};
use super::record::{Change, record};
use super::session::is_latest;
use super::{AgentSession, App, Caller, Error, Who};
use crate::pki::CertificateRequest;
use crate::store::Tx;
use crate::throttle::Purpose;

/// How far a machine's clock may be off when it comes back: as far as certificates are backdated.
const SKEW: Duration = Duration::from_mins(10);

impl App {
    /// Gives a connected host its next certificate. The present one stays good until a session was opened with the next.
    ///
    /// `None` when the session is not the host's latest, or there is no such host any more.
    /// Errors: `invalid_csr`, `invalid_proof`, `host_not_active`, `key_reused`, `rate_limited`.
    pub async fn renew(
        &self,
        caller: &Caller,
        session: &AgentSession,
        request: RenewRequest,
    ) -> Result<Option<CertificateOffer>, Error> {
        let csr = csr(&request.csr_pem)?;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let (Some(host), true) = (tx.host(session.host).await?, is_latest(&tx, session).await?) else {
            return Ok(None);
        };
        let occasion = Occasion::Renewal { host: host.id };
        self.check_identity(&tx, Some(host.id), &request.proof, &occasion, &csr)
            .await?;
        if tx.identity_key(host.id).await?.is_none() {
            tx.set_identity_key(host.id, &request.proof.key, now).await?;
        }
        let GrantedCertificate { chain_pem, not_after } = self.grant_certificate(&tx, caller, &host, &csr, now).await?;
        tx.commit().await?;
        Ok(Some(CertificateOffer {
            certificate_pem: chain_pem,
            not_after,
        }))
    }

    /// Gives a host a certificate whose last one has ended, up to 60 days ago, on the word of its identity key.
    ///
    /// Errors: `invalid_csr`, `clock_skewed`, `invalid_proof` (also for a host that does not exist), `host_not_active`,
    /// `certificate_superseded`, `certificate_lapsed`, `key_reused`, `rate_limited`.
    pub async fn renew_expired(&self, caller: &Caller, request: RenewExpired) -> Result<Enrolled, Error> {
        self.take_turn(caller, Purpose::Enroll)?;
        let csr = csr(&request.csr_pem)?;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let host = self.host_by_its_word(&tx, &request, &csr).await?;
        if now.since(request.at).max(request.at.since(now)) > SKEW {
            return Err(skewed(request.at, now));
        }
        let caller = Caller {
            who: Who::Agent(host.id),
            origin: caller.origin.clone(),
        };
        let last = tx.certificate(request.last.as_str()).await?;
        if last.is_some_and(|last| last.host_id == host.id && last.revoked_at.is_some() && host.status.is_active()) {
            return Err(self.superseded(tx, &caller, &host, &request, now).await?);
        }
        let newest = tx.host_certificates(host.id).await?.into_iter().next();
        let ended_at = newest.as_ref().map(|newest| newest.not_after);
        if host.status.is_active() && !newest.is_some_and(|newest| may_renew_expired(lifetime(&newest), now)) {
            let since = ended_at.map_or_else(String::new, |end| format!("It ended at {end}. "));
            return Err(Error::refuse_with(
                ErrorCode::CertificateLapsed,
                format!("{since}{}", ErrorCode::CertificateLapsed.meaning()),
            ));
        }
        let GrantedCertificate { chain_pem, not_after } =
            self.grant_certificate(&tx, &caller, &host, &csr, now).await?;
        tx.commit().await?;
        tracing::info!(
            host.id = %host.id, hostname = %host.hostname, not_after = %not_after,
            "a host came back after its certificate had ended"
        );
        self.enrolled(host.id, chain_pem, not_after)
    }

    /// The host that speaks, if it is the one that its identity key belongs to.
    async fn host_by_its_word(
        &self,
        tx: &Tx,
        request: &RenewExpired,
        csr: &CertificateRequest,
    ) -> Result<HostView, Error> {
        let occasion = Occasion::Return {
            host: request.host,
            last: &request.last,
            at: request.at,
        };
        let is_known = tx.identity_key(request.host).await? == Some(request.proof.key);
        let host = tx.host(request.host).await?.filter(|_| is_known);
        let host = host.ok_or_else(|| Error::refuse(ErrorCode::InvalidProof))?;
        self.check_identity(tx, Some(host.id), &request.proof, &occasion, csr)
            .await?;
        Ok(host)
    }

    /// Records that somebody runs with an older copy of a host's identity, and gives the refusal.
    async fn superseded(
        &self,
        tx: Tx,
        caller: &Caller,
        host: &HostView,
        request: &RenewExpired,
        now: Timestamp,
    ) -> Result<Error, Error> {
        let facts = json!({ "serial": request.last.as_str() });
        let change = Change::new("security.superseded_certificate")
            .to("host", host.id, &host.hostname)
            .with(facts);
        record(&tx, caller, change, now).await?;
        tx.commit().await?;
        tracing::warn!(
            host.id = %host.id, hostname = %host.hostname, address = ?caller.origin.address,
            "an agent came with a certificate that a newer one has replaced; was the identity copied?"
        );
        Ok(Error::refuse(ErrorCode::CertificateSuperseded))
    }
}

fn csr(pem: &str) -> Result<CertificateRequest, Error> {
    CertificateRequest::from_pem(pem)
        .map_err(|error| Error::refuse_field(ErrorCode::InvalidCsr, "csr_pem", error.to_string()))
}

fn skewed(theirs: Timestamp, ours: Timestamp) -> Error {
    Error::refuse_with(
        ErrorCode::ClockSkewed,
        format!(
            "The machine's clock says {theirs}, the server's {ours}. {}",
            ErrorCode::ClockSkewed.meaning()
        ),
    )
}
