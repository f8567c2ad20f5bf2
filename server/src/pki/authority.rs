//! [`Authority`]: the CA, ready to issue leaves.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use data_encoding::HEXLOWER;
use domain::enrollment::Pin;
use domain::id::HostId;
use domain::{Secret, Timestamp};
use rcgen::{Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::pki_types::CertificateDer;

use super::ca::{self, Ca, CaCertificate, CaRole};
use super::name::{Deployment, Name, Subject};
use super::request::CertificateRequest;
use super::validity::Validity;
use super::{Error, pem};
use crate::config::Host;

/// The certificate authority of this server. Holds the keys of both intermediates, and not the root's.
pub struct Authority {
    root: CaCertificate,
    agents: Signer,
    /// Earlier CAs for agents, whose leaves are still in force.
    former_agents: Vec<CaCertificate>,
    servers: Signer,
}

/// A CA that can sign.
struct Signer {
    certificate: CaCertificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that was issued to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// 32 lower-case hex digits; unique.
    pub serial: String,
    /// The leaf in DER.
    pub certificate: Vec<u8>,
    /// The leaf and the CA that issued it, as the agent presents them.
    pub chain_pem: String,
    /// SHA-256 of the public key info.
    pub public_key_sha256: [u8; 32],
    /// How long it is in force.
    pub validity: Validity,
}

/// The certificate of the agent port, with its key. Made anew at each start and kept in memory only.
#[derive(Debug, Clone)]
pub struct ServerLeaf {
    /// Leaf, CA, root: with the root, or agents could not compare it with their pin.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// PKCS#8 in DER.
    pub(super) key: Secret<Vec<u8>>,
    /// How long it is in force.
    pub validity: Validity,
}

impl Authority {
    /// Puts the stored parts together. `former_agents` are earlier CAs for agents that have not ended; their certificates
    /// keep working.
    ///
    /// [`Error::Misplaced`] when a part is not of this root, [`Error::ForeignKey`] when a key is not its certificate's.
    pub fn new(
        root: CaCertificate,
        agents: &Ca,
        former_agents: Vec<CaCertificate>,
        servers: &Ca,
    ) -> Result<Self, Error> {
        if !root.belongs_to(&root, CaRole::Root) {
            return Err(Error::Misplaced { wanted: CaRole::Root });
        }
        if former_agents
            .iter()
            .any(|former| !former.belongs_to(&root, CaRole::Agents))
        {
            return Err(Error::Misplaced { wanted: CaRole::Agents });
        }
        Ok(Self {
            agents: Signer::new(&root, agents, CaRole::Agents)?,
            servers: Signer::new(&root, servers, CaRole::Servers)?,
            former_agents,
            root,
        })
    }

    /// The installation it belongs to.
    pub fn deployment(&self) -> Deployment {
        self.root.deployment()
    }

    /// What agents compare to know this server: SHA-256 of the root's public key info.
    pub fn pin(&self) -> Pin {
        Pin::of_public_key_info(self.root.public_key_info())
    }

    /// What agents trust: the root, in PEM.
    pub fn bundle_pem(&self) -> String {
        pem::certificates([self.root.der()])
    }

    /// The CA that issues to agents.
    pub fn agents(&self) -> &CaCertificate {
        &self.agents.certificate
    }

    /// The CA that issues to the server.
    pub fn servers(&self) -> &CaCertificate {
        &self.servers.certificate
    }

    /// Issues a certificate to a host, for the key of its request and for this life: client authentication only, the host's
    /// name and no other.
    pub fn issue_agent(
        &self,
        request: &CertificateRequest,
        host: HostId,
        life: Duration,
        now: Timestamp,
    ) -> Result<IssuedCertificate, Error> {
        let issuer = &self.agents;
        let validity = Validity::issued(now, life).within(issuer.certificate.validity());
        let name = Name {
            deployment: self.deployment(),
            subject: Subject::Agent(host),
        };
        let mut params = ca::common_params(&host.to_string(), validity);
        params.subject_alt_names = vec![ca::uri(name)?];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (serial, certificate) = sign_leaf(params, request, &issuer.issuer)?;
        Ok(IssuedCertificate {
            serial,
            chain_pem: pem::certificates([certificate.der(), issuer.certificate.der()]),
            certificate: certificate.der().to_vec(),
            public_key_sha256: *request.public_key_sha256(),
            validity,
        })
    }

    /// Writes a leaf that was issued to a host before, and the CA that issued it, as the agent presents them.
    ///
    /// [`Error::Damaged`] when it is none of ours.
    pub fn agent_chain_pem(&self, leaf: Vec<u8>) -> Result<String, Error> {
        let leaf = CertificateDer::from(leaf);
        let issuer = std::iter::once(&self.agents.certificate)
            .chain(&self.former_agents)
            .find(|ca| ca.has_signed(&leaf))
            .ok_or(Error::Damaged)?;
        Ok(pem::certificates([&leaf, issuer.der()]))
    }

    /// Issues the certificate of the agent port: a new key, 30 days, for the host that agents are told and for this machine
    /// itself.
    pub fn issue_server(&self, host: &Host, now: Timestamp) -> Result<ServerLeaf, Error> {
        let issuer = &self.servers;
        let validity = Validity::issued(now, Validity::SERVER_LEAF).within(issuer.certificate.validity());
        let mut params = ca::common_params("restic-manager-server", validity);
        params.subject_alt_names = server_names(host)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = ca::new_key()?;
        let (_, certificate) = sign_leaf(params, &key, &issuer.issuer)?;
        Ok(ServerLeaf {
            chain: vec![
                certificate.der().clone(),
                issuer.certificate.der().clone(),
                self.root.der().clone(),
            ],
            key: Secret::new(key.serialize_der()),
            validity,
        })
    }

    /// The CAs whose leaves are accepted from agents at this moment.
    pub(super) fn accepted_agent_cas(&self, now: Timestamp) -> impl Iterator<Item = &CertificateDer<'static>> {
        let in_force = move |former: &&CaCertificate| former.validity().contains(now);
        std::iter::once(&self.agents.certificate)
            .chain(self.former_agents.iter().filter(in_force))
            .map(CaCertificate::der)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.deployment())
    }
}

impl Signer {
    fn new(root: &CaCertificate, ca: &Ca, role: CaRole) -> Result<Self, Error> {
        if !ca.certificate.belongs_to(root, role) {
            return Err(Error::Misplaced { wanted: role });
        }
        Ok(Self {
            issuer: ca::issuer(ca)?,
            certificate: ca.certificate.clone(),
        })
    }
}

fn sign_leaf(
    mut params: CertificateParams,
    key: &impl rcgen::PublicKeyData,
    issuer: &Issuer<'static, KeyPair>,
) -> Result<(String, Certificate), Error> {
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let serial = params
        .serial_number
        .as_ref()
        .map(|serial| HEXLOWER.encode(&serial.to_bytes()));
    let certificate = params.signed_by(key, issuer).map_err(Error::issue)?;
    Ok((serial.unwrap_or_default(), certificate))
}

fn server_names(host: &Host) -> Result<Vec<SanType>, Error> {
    let dns = |name: &str| name.try_into().map(SanType::DnsName).map_err(Error::issue);
    let mut names = vec![
        dns("localhost")?,
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    let host = match host {
        Host::Name(name) => dns(name)?,
        Host::Address(address) => SanType::IpAddress(*address),
    };
    if !names.contains(&host) {
        names.insert(0, host);
    }
    Ok(names)
}
