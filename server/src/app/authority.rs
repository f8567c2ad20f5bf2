//! The built-in CA as it is kept: read at the start or made, renewed while the server runs.
//!
//! The rows are the truth; what is in memory is made of them and replaced whole. The deployment's id is in the root
//! certificate and nowhere else.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use domain::enrollment::{AgentEndpoint, Pin};
use domain::id::{CertificateId, Id as _};
use domain::{Secret, Timestamp};
use serde_json::json;

use super::record::{Change, record};
use super::{App, Caller, Error};
use crate::config::Host;
use crate::pki::peer::PeerReader;
use crate::pki::tls::AgentPort;
use crate::pki::{self, Authority, Ca, CaCertificate, CaRole, Deployment, ServerLeaf};
use crate::secrets::Address;
use crate::store::{ReadTx, StoredCa, Tx};

/// The CA in use and the agent port's TLS with it. Empty until [`App::open_authority`].
#[derive(Default)]
pub(super) struct AuthorityCell(OnceLock<InUse>);

struct InUse {
    /// What the server's certificate is issued for.
    host: Host,
    port: Arc<AgentPort>,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    authority: Arc<Authority>,
    leaf: ServerLeaf,
}

/// What a look at the certificates has led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Renewed {
    /// A new CA for agents.
    pub agents: bool,
    /// A new CA for the server.
    pub servers: bool,
    /// A new certificate of the agent port.
    pub leaf: bool,
}

impl App {
    /// Reads the CA, or makes it at the first start of all, and issues the certificate of the agent port for `host`, for
    /// `localhost` and for the loopback addresses. Must be done once, before anything that has to do with agents.
    ///
    /// Fails when what is stored does not belong together or does not open: nothing replaces a CA that agents pin.
    pub async fn open_authority(&self, system: &Caller, host: Host) -> Result<(), Error> {
        let now = self.0.clock.now();
        if self.0.store.read().await?.ca_certificate(CaRole::Root).await?.is_none() {
            self.make_authority(system, now).await?;
        }
        self.renew_intermediates(system, now).await?;
        let authority = self.read_authority(now).await?;
        let leaf = authority
            .issue_server(&host, now)
            .map_err(|error| Error::failed("issuing a certificate", error))?;
        let port = AgentPort::new(&authority, &leaf, Arc::clone(&self.0.clock))
            .map_err(|error| Error::failed("setting up TLS for agents", error))?;
        let current = RwLock::new(Current {
            authority: Arc::new(authority),
            leaf,
        });
        let in_use = InUse {
            host,
            port: Arc::new(port),
            current,
        };
        self.0
            .authority
            .0
            .set(in_use)
            .map_err(|_| Error::failed("opening the CA", "it is open already"))
    }

    /// TLS of the agent port. It stays good when certificates are renewed.
    pub fn agent_port(&self) -> Result<Arc<AgentPort>, Error> {
        Ok(Arc::clone(&self.authority_in_use()?.port))
    }

    /// Reads the identity of agents from their certificates.
    pub fn peer_reader(&self) -> Result<PeerReader, Error> {
        Ok(PeerReader::new(self.authority()?.deployment()))
    }

    /// Where agents connect and what they pin.
    pub fn agent_endpoint(&self) -> Result<AgentEndpoint, Error> {
        Ok(AgentEndpoint {
            url: self.0.settings.agent_url.clone(),
            pin: self.pin()?,
        })
    }

    /// Replaces what nears its end: intermediates 90 days before it, the certificate of the agent port with a third of its
    /// life left. New handshakes get the new ones at once; agents notice nothing, for they pin the root.
    pub async fn renew_certificates(&self, system: &Caller) -> Result<Renewed, Error> {
        let now = self.0.clock.now();
        let in_use = self.authority_in_use()?;
        let mut renewed = self.renew_intermediates(system, now).await?;
        let leaf = in_use.current().leaf;
        renewed.leaf = renewed.servers || now >= leaf.validity.server_leaf_renewal();
        if renewed == Renewed::default() {
            return Ok(renewed);
        }
        let authority = self.read_authority(now).await?;
        let leaf = if renewed.leaf {
            authority
                .issue_server(&in_use.host, now)
                .map_err(|error| Error::failed("issuing a certificate", error))?
        } else {
            leaf
        };
        in_use.replace(authority, leaf)?;
        Ok(renewed)
    }

    /// The authority, for issuing.
    pub(super) fn authority(&self) -> Result<Arc<Authority>, Error> {
        Ok(self.authority_in_use()?.current().authority)
    }

    pub(super) fn pin(&self) -> Result<Pin, Error> {
        Ok(self.authority()?.pin())
    }

    fn authority_in_use(&self) -> Result<&InUse, Error> {
        self.0
            .authority
            .0
            .get()
            .ok_or_else(|| Error::failed("using the CA", "it was not opened"))
    }

    async fn make_authority(&self, system: &Caller, now: Timestamp) -> Result<(), Error> {
        let deployment = Deployment::from_uuid(self.0.ids.next_uuid());
        let new = pki::create(deployment, now).map_err(|error| Error::failed("making the CA", error))?;
        let tx = self.0.store.begin().await?;
        // Another replica may have come first; then its CA is the one.
        if tx.ca_certificate(CaRole::Root).await?.is_some() {
            return Ok(());
        }
        for ca in [&new.root, &new.agents, &new.servers] {
            self.insert_ca(&tx, ca, now).await?;
        }
        let facts = json!({ "deployment": deployment.to_string() });
        record(&tx, system, Change::new("ca.created").with(facts), now).await?;
        tx.commit().await?;
        tracing::info!(%deployment, "certificate authority made; agents will pin its root");
        Ok(())
    }

    async fn renew_intermediates(&self, system: &Caller, now: Timestamp) -> Result<Renewed, Error> {
        let tx = self.0.store.read().await?;
        let agents = self.is_due(&tx, CaRole::Agents, now).await?;
        let servers = self.is_due(&tx, CaRole::Servers, now).await?;
        drop(tx);
        for (role, due) in [(CaRole::Agents, agents), (CaRole::Servers, servers)] {
            if due {
                self.reissue(system, role, now).await?;
            }
        }
        Ok(Renewed {
            agents,
            servers,
            leaf: false,
        })
    }

    async fn is_due(&self, tx: &ReadTx, role: CaRole, now: Timestamp) -> Result<bool, Error> {
        let in_use = tx.ca_certificate(role).await?.ok_or_else(|| missing(role))?;
        Ok(now >= certificate(&in_use)?.validity().intermediate_renewal())
    }

    async fn reissue(&self, system: &Caller, role: CaRole, now: Timestamp) -> Result<(), Error> {
        let tx = self.0.store.begin().await?;
        if !self.is_due(&tx, role, now).await? {
            return Ok(());
        }
        let root = tx
            .ca_certificate(CaRole::Root)
            .await?
            .ok_or_else(|| missing(CaRole::Root))?;
        let root = self.open_ca(&root)?;
        let ca = pki::reissue(&root, role, now).map_err(|error| Error::failed("renewing a CA", error))?;
        self.insert_ca(&tx, &ca, now).await?;
        let facts = json!({ "role": role.as_str(), "not_after": ca.certificate.validity().not_after.to_string() });
        record(&tx, system, Change::new("ca.renewed").with(facts), now).await?;
        tx.commit().await?;
        tracing::info!(%role, not_after = %ca.certificate.validity().not_after, "intermediate CA renewed");
        Ok(())
    }

    async fn read_authority(&self, now: Timestamp) -> Result<Authority, Error> {
        let tx = self.0.store.read().await?;
        let root = tx
            .ca_certificate(CaRole::Root)
            .await?
            .ok_or_else(|| missing(CaRole::Root))?;
        let mut agents = tx.ca_certificates(CaRole::Agents).await?.into_iter();
        let servers = tx
            .ca_certificate(CaRole::Servers)
            .await?
            .ok_or_else(|| missing(CaRole::Servers))?;
        drop(tx);
        let in_use = self.open_ca(&agents.next().ok_or_else(|| missing(CaRole::Agents))?)?;
        let former = agents
            .filter(|former| former.not_after >= now)
            .map(|former| certificate(&former))
            .collect::<Result<Vec<_>, _>>()?;
        Authority::new(certificate(&root)?, &in_use, former, &self.open_ca(&servers)?)
            .map_err(|error| Error::failed("reading the CA", error))
    }

    async fn insert_ca(&self, tx: &Tx, ca: &Ca, now: Timestamp) -> Result<(), Error> {
        let id = CertificateId::generate(self.0.ids.as_ref());
        let validity = ca.certificate.validity();
        let stored = StoredCa {
            id,
            role: ca.certificate.role(),
            certificate: ca.certificate.as_der().to_vec(),
            sealed_key: self.0.keyring.seal(&key_of(id), &ca.key),
            not_before: validity.not_before,
            not_after: validity.not_after,
            created_at: now,
        };
        tx.insert_ca_certificate(&stored).await?;
        Ok(())
    }

    fn open_ca(&self, stored: &StoredCa) -> Result<Ca, Error> {
        let key: Secret<Vec<u8>> = self
            .0
            .keyring
            .open(&key_of(stored.id), &stored.sealed_key)
            .map_err(|error| Error::failed("opening the key of a CA", error))?;
        Ok(Ca {
            certificate: certificate(stored)?,
            key,
        })
    }
}

impl InUse {
    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, authority: Authority, leaf: ServerLeaf) -> Result<(), Error> {
        self.port
            .replace(&authority, &leaf)
            .map_err(|error| Error::failed("exchanging certificates", error))?;
        let current = Current {
            authority: Arc::new(authority),
            leaf,
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        Ok(())
    }
}

fn key_of(id: CertificateId) -> Address {
    Address::new("ca_certificates", "sealed_key", id)
}

fn certificate(stored: &StoredCa) -> Result<CaCertificate, Error> {
    CaCertificate::from_der(stored.certificate.clone()).map_err(|error| Error::failed("reading the CA", error))
}

fn missing(role: CaRole) -> Error {
    Error::failed("reading the CA", format!("there is no certificate for {role}"))
}

#[cfg(test)]
mod tests;
