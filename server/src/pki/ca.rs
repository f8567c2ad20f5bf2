//! The CA certificates: making them, reading them back, replacing them.

use std::fmt;

use data_encoding::HEXLOWER;
use domain::{Secret, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::Error;
use super::name::{Deployment, Name, Subject};
use super::validity::Validity;
use crate::random::random_bytes;

/// Which part of the tree a CA certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CaRole {
    /// The root, which agents pin.
    Root,
    /// Issues to agents.
    Agents,
    /// Issues to the server's agent port.
    Servers,
}

impl CaRole {
    /// The stable word, as stored and as in names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Agents => "agents",
            Self::Servers => "servers",
        }
    }

    /// Reads the stable word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Root, Self::Agents, Self::Servers]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

impl fmt::Display for CaRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A CA certificate of ours, with what it says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaCertificate {
    der: CertificateDer<'static>,
    deployment: Deployment,
    role: CaRole,
    serial: String,
    validity: Validity,
    public_key_info: Vec<u8>,
}

impl CaCertificate {
    /// Reads a stored certificate. [`Error::Damaged`] when it is not one that [`create`] or [`reissue`] made.
    pub fn from_der(der: Vec<u8>) -> Result<Self, Error> {
        let (name, serial, validity, public_key_info) = {
            let certificate = parse(&der)?;
            let name = Name::of(&certificate).ok_or(Error::Damaged)?;
            if !certificate.is_ca() {
                return Err(Error::Damaged);
            }
            let validity = validity(&certificate).ok_or(Error::Damaged)?;
            (
                name,
                serial(&certificate),
                validity,
                certificate.public_key().raw.to_vec(),
            )
        };
        let Subject::Ca(role) = name.subject else {
            return Err(Error::Damaged);
        };
        Ok(Self {
            der: der.into(),
            deployment: name.deployment,
            role,
            serial,
            validity,
            public_key_info,
        })
    }

    /// The certificate itself, for storing.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Whose authority it is part of.
    pub fn deployment(&self) -> Deployment {
        self.deployment
    }

    /// Which part of the tree it is.
    pub fn role(&self) -> CaRole {
        self.role
    }

    /// 32 lower-case hex digits.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// How long it is in force.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(super) fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// Whether it is the given part of this root's tree, signed by it.
    pub(super) fn belongs_to(&self, root: &Self, role: CaRole) -> bool {
        self.role == role && self.deployment == root.deployment && root.has_signed(&self.der)
    }

    /// Whether a certificate was signed with this one's key.
    pub(super) fn has_signed(&self, der: &[u8]) -> bool {
        let signed = || {
            let certificate = parse(der).ok()?;
            let issuer = parse(&self.der).ok()?;
            certificate.verify_signature(Some(issuer.public_key())).ok()
        };
        signed().is_some()
    }
}

/// A CA certificate and its private key. To be stored with the key sealed.
#[derive(Debug, Clone)]
pub struct Ca {
    /// The public half.
    pub certificate: CaCertificate,
    /// The private key, PKCS#8 in DER.
    pub key: Secret<Vec<u8>>,
}

/// A new authority, whole.
#[derive(Debug, Clone)]
pub struct NewAuthority {
    /// Its root. Once stored, the key is opened only to issue intermediates.
    pub root: Ca,
    /// Issues to agents.
    pub agents: Ca,
    /// Issues to the server.
    pub servers: Ca,
}

/// Makes the authority of a new deployment: three new keys (ECDSA P-256) and their certificates.
pub fn create(deployment: Deployment, now: Timestamp) -> Result<NewAuthority, Error> {
    let key = new_key()?;
    let validity = Validity::issued(now, Validity::ROOT);
    let params = params(deployment, CaRole::Root, validity)?;
    let certificate = params.self_signed(&key).map_err(Error::issue)?;
    let root = Ca {
        certificate: CaCertificate::from_der(certificate.der().to_vec())?,
        key: Secret::new(key.serialize_der()),
    };
    Ok(NewAuthority {
        agents: reissue(&root, CaRole::Agents, now)?,
        servers: reissue(&root, CaRole::Servers, now)?,
        root,
    })
}

/// Issues an intermediate, with a new key. What the one before it signed stays good until that one's end.
///
/// [`Error::Misplaced`] when `root` is none, or when a root is asked for.
pub fn reissue(root: &Ca, role: CaRole, now: Timestamp) -> Result<Ca, Error> {
    if root.certificate.role != CaRole::Root || role == CaRole::Root {
        return Err(Error::Misplaced { wanted: role });
    }
    let issuer = issuer(root)?;
    let key = new_key()?;
    let validity = Validity::issued(now, Validity::INTERMEDIATE).within(root.certificate.validity);
    let params = params(root.certificate.deployment, role, validity)?;
    let certificate = params.signed_by(&key, &issuer).map_err(Error::issue)?;
    Ok(Ca {
        certificate: CaCertificate::from_der(certificate.der().to_vec())?,
        key: Secret::new(key.serialize_der()),
    })
}

/// Makes a CA ready to sign. [`Error::ForeignKey`] when key and certificate do not belong together.
pub(super) fn issuer(ca: &Ca) -> Result<Issuer<'static, KeyPair>, Error> {
    let foreign = || Error::ForeignKey {
        role: ca.certificate.role,
    };
    let key = PrivatePkcs8KeyDer::from(ca.key.expose().as_slice());
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_ECDSA_P256_SHA256).map_err(|_| foreign())?;
    if key.subject_public_key_info() != ca.certificate.public_key_info {
        return Err(foreign());
    }
    Issuer::from_ca_cert_der(&ca.certificate.der, key).map_err(Error::issue)
}

pub(super) fn new_key() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(Error::issue)
}

/// What all our certificates have in common: a random serial, the times, a name for people.
pub(super) fn common_params(common_name: &str, validity: Validity) -> CertificateParams {
    // The type of these times is that of a crate which only rcgen uses; its arithmetic is enough to get there.
    let x509_time = |at: Timestamp| rcgen::date_time_ymd(1970, 1, 1) + at.since(Timestamp::UNIX_EPOCH);
    let mut params = CertificateParams::default();
    params.serial_number = Some(new_serial());
    params.not_before = x509_time(validity.not_before);
    params.not_after = x509_time(validity.not_after);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    params
}

pub(super) fn uri(name: Name) -> Result<SanType, Error> {
    let text = name.to_string().try_into().map_err(Error::issue)?;
    Ok(SanType::URI(text))
}

/// The serial in lower-case hex, as stored and compared.
pub(super) fn serial(certificate: &X509Certificate<'_>) -> String {
    HEXLOWER.encode(certificate.raw_serial())
}

pub(super) fn validity(certificate: &X509Certificate<'_>) -> Option<Validity> {
    let validity = certificate.validity();
    Some(Validity {
        not_before: Timestamp::from_seconds(validity.not_before.timestamp(), 0).ok()?,
        not_after: Timestamp::from_seconds(validity.not_after.timestamp(), 0).ok()?,
    })
}

pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Error> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err(Error::Damaged),
    }
}

fn params(deployment: Deployment, role: CaRole, validity: Validity) -> Result<CertificateParams, Error> {
    let mut params = common_params(&format!("restic-manager {role} CA"), validity);
    let subject = Subject::Ca(role);
    params.subject_alt_names = vec![uri(Name { deployment, subject })?];
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let (path_length, purpose) = match role {
        CaRole::Root => (1, None),
        CaRole::Agents => (0, Some(ExtendedKeyUsagePurpose::ClientAuth)),
        CaRole::Servers => (0, Some(ExtendedKeyUsagePurpose::ServerAuth)),
    };
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.extended_key_usages = purpose.into_iter().collect();
    Ok(params)
}

/// 16 random bytes whose first bits are `01`: positive and of one length, also in DER.
fn new_serial() -> SerialNumber {
    let mut bytes = random_bytes::<16>();
    bytes[0] = bytes[0] & 0x3f | 0x40;
    SerialNumber::from_slice(&bytes)
}
