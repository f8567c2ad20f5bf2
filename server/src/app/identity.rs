//! Who may speak for a host: one agent at a time. What happens when there are two, and how people end it.
//!
//! The judgement is the domain's ([`domain::session::Claims`]); the registry keeps what it judges by, for as long as the
//! server runs. Its outcome, the quarantine, is a status of the host and outlives every restart.

use domain::ErrorCode;
use domain::Timestamp;
use domain::fleet::{HostView, RevokeHost};
use domain::host::{HostEvent, HostStatus};
use domain::id::HostId;
use domain::session::{Claim, GoodbyeReason, Hello, Proof, Ruling, Verdict};
use serde_json::json;

use super::enrollment::system;
use super::host_credentials::known_host;
use super::hosts::{about, refuse_unconfirmed};
use super::record::record;
use super::{AgentSession, App, Caller, Error, Refusal};
use crate::events;
use crate::pki::peer::PeerIdentity;
use crate::store::{HostSession, Tx};

impl App {
    /// Why an agent whose certificate is not in force is nobody.
    pub fn refusal_of_agent(&self, peer: &PeerIdentity) -> ErrorCode {
        if peer.not_after > self.0.clock.now() {
            ErrorCode::CertificateRevoked
        } else {
            ErrorCode::Unauthorized
        }
    }

    /// Looks once more whether an agent may speak, now that its session can be reached: what was decided against it while
    /// the session was being opened has cut nobody.
    ///
    /// Errors: `certificate_revoked`, `host_quarantined`.
    pub async fn confirm_session(&self, peer: &PeerIdentity, session: &AgentSession) -> Result<(), Error> {
        if self.authenticate_agent(peer).await? != Some(session.host) {
            return Err(Error::refuse(self.refusal_of_agent(peer)));
        }
        let known = self.0.store.read().await?.host_session(session.host).await?;
        refuse_barred(known.map_or(HostStatus::Revoked, |known| known.status))
    }

    /// Lets an agent speak for its host, or not. The transaction comes back when it may.
    ///
    /// Errors: `certificate_revoked`, `host_quarantined`, `duplicate_identity`.
    pub(super) async fn admit(
        &self,
        tx: Tx,
        caller: &Caller,
        (host, known): (HostId, &HostSession),
        hello: &Hello,
        now: Timestamp,
    ) -> Result<Tx, Error> {
        refuse_barred(known.status)?;
        let claim = Claim {
            boot_id: &hello.boot_id,
            last_epoch: hello.last_epoch,
        };
        let grace = self.session_options().grace();
        let Ruling { verdict, proof } = self.0.sessions.judge(host, claim, now, grace);
        if let Some(proof) = proof {
            self.record_conflict(&tx, caller, host, hello, proof, now).await?;
        }
        match verdict {
            Verdict::Admit => Ok(tx),
            Verdict::Refuse { retry_after } => {
                tx.commit().await?;
                tracing::warn!(
                    host.id = %host, boot.id = %hello.boot_id, address = ?caller.origin.address,
                    "an agent was refused: another start of its machine is connected; if it was restarted just now, it \
                     gets in as soon as the old connection is known to be dead"
                );
                Err(Error::Refused(Box::new(Refusal {
                    retry_after: Some(retry_after),
                    ..Refusal::of(ErrorCode::DuplicateIdentity)
                })))
            }
            Verdict::Quarantine => {
                self.quarantine(tx, caller, host, known.status, now).await?;
                Err(Error::refuse(ErrorCode::HostQuarantined))
            }
        }
    }

    /// Releases a host from quarantine. What it was told apart by is forgotten, so whichever machine comes first is taken for
    /// it. A host that is not quarantined stays as it is.
    ///
    /// Returns the host and what to check; the latter is empty when nothing was done. Errors: `host_not_found`.
    pub async fn release_quarantine(&self, caller: &Caller, id: HostId) -> Result<(HostView, String), Error> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let before = known_host(&tx, id).await?;
        let status = before.status.next(HostEvent::Released);
        if status == before.status {
            return Ok((before, String::new()));
        }
        tx.set_host_status(id, status, now).await?;
        let after = known_host(&tx, id).await?;
        record(&tx, caller, about("host.released", &after), now).await?;
        tx.commit().await?;
        self.0.sessions.forget(id);
        self.0.events.publish(events::Change::Host(id));
        tracing::info!(host.id = %id, "host released from quarantine");
        let reminder = format!(
            "The first machine that connects as {name} is taken for it; a running agent tries within 15 minutes, a \
             restarted one at once. Check that only the right machine runs an agent of this host: on every copy stop the \
             agent, run `restic-manager-agent wipe --yes` and enroll it as a host of its own. If nobody knows of a copy, \
             the key may have been stolen: enroll {name} anew with a token that has `replace_host_id` = {id}, which voids \
             every earlier certificate, and replace the credentials of its repository.",
            name = after.hostname
        );
        Ok((after, reminder))
    }

    /// Declares the certificates of a host void and cuts its agent off. One that is revoked already stays as it is.
    ///
    /// Errors: `host_not_found`, `confirmation_mismatch`.
    pub async fn revoke_host(&self, caller: &Caller, revoke: RevokeHost) -> Result<HostView, Error> {
        let RevokeHost { id, confirmation } = revoke;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let before = known_host(&tx, id).await?;
        refuse_unconfirmed(&before, &confirmation)?;
        let status = before.status.next(HostEvent::Revoked);
        if status == before.status {
            return Ok(before);
        }
        let voided = tx.revoke_host_certificates(id, now).await?;
        tx.set_host_status(id, status, now).await?;
        let after = known_host(&tx, id).await?;
        let facts = json!({ "certificates": voided });
        record(&tx, caller, about("host.revoked", &after).with(facts), now).await?;
        tx.commit().await?;
        self.cut_off(id, GoodbyeReason::CertificateRevoked);
        self.0.events.publish(events::Change::Host(id));
        Ok(after)
    }

    /// Ends the session of a host whose identity is no longer what it was, and forgets what happened around it.
    pub(super) fn cut_off(&self, host: HostId, reason: GoodbyeReason) {
        self.0.sessions.cut(host, reason);
        self.0.sessions.forget(host);
    }

    async fn quarantine(
        &self,
        tx: Tx,
        caller: &Caller,
        host: HostId,
        status: HostStatus,
        now: Timestamp,
    ) -> Result<(), Error> {
        tx.set_host_status(host, status.next(HostEvent::Quarantined), now)
            .await?;
        let view = known_host(&tx, host).await?;
        record(&tx, &system(caller), about("host.quarantined", &view), now).await?;
        tx.commit().await?;
        self.0.sessions.cut(host, GoodbyeReason::Quarantined);
        self.0.events.publish(events::Change::Host(host));
        tracing::error!(
            host.id = %host, hostname = %view.hostname,
            "host quarantined: two machines use its identity, so neither gets jobs or secrets; look into the audit log for \
             security.duplicate_identity, stop the wrong one, then release the host"
        );
        Ok(())
    }

    /// What the one who came says of itself is what helps to find it.
    async fn record_conflict(
        &self,
        tx: &Tx,
        caller: &Caller,
        host: HostId,
        hello: &Hello,
        proof: Proof,
        now: Timestamp,
    ) -> Result<(), Error> {
        let view = known_host(tx, host).await?;
        let facts = json!({
            "proof": proof.as_str(),
            "boot_id": hello.boot_id.as_str(),
            "reported_hostname": hello.inventory.hostname.as_str(),
        });
        let change = about("security.duplicate_identity", &view).with(facts);
        record(tx, &system(caller), change, now).await?;
        tracing::warn!(
            host.id = %host, hostname = %view.hostname, boot.id = %hello.boot_id, address = ?caller.origin.address,
            proof = proof.as_str(), "two agents use the identity of one host"
        );
        Ok(())
    }
}

/// Refuses a host that gets no sessions, whoever it is.
fn refuse_barred(status: HostStatus) -> Result<(), Error> {
    match status {
        HostStatus::Pending | HostStatus::Online | HostStatus::Offline => Ok(()),
        HostStatus::Quarantined => Err(Error::refuse(ErrorCode::HostQuarantined)),
        HostStatus::Revoked => Err(Error::refuse(ErrorCode::CertificateRevoked)),
    }
}
