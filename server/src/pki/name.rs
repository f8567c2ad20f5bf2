//! The URI names in our certificates: whose they are, inside which deployment.

use std::fmt;
use std::str::FromStr;

use domain::id::HostId;
use uuid::Uuid;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::ca::CaRole;

const SCHEME: &str = "rm://";

/// One installation of the server. A certificate of another one is worth nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deployment(Uuid);

impl Deployment {
    /// Names an installation; drawn once and kept in its root certificate.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// What a certificate of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Ca(CaRole),
    Agent(HostId),
}

/// The name of a subject: `rm://<deployment>/agent/<host>` or `rm://<deployment>/ca/<role>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) deployment: Deployment,
    pub(super) subject: Subject,
}

impl Name {
    /// Reads the name of a certificate; `None` when it has none or more than one name, or one that is not ours.
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Option<Self> {
        let names = certificate.subject_alternative_name().ok()??;
        match names.value.general_names.as_slice() {
            [GeneralName::URI(uri)] => uri.parse().ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deployment, subject } = self;
        match subject {
            Subject::Ca(role) => write!(f, "{SCHEME}{deployment}/ca/{role}"),
            Subject::Agent(host) => write!(f, "{SCHEME}{deployment}/agent/{host}"),
        }
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    /// Accepts the one spelling that is written, so that two names are equal exactly when their texts are.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let mut parts = text.strip_prefix(SCHEME).ok_or(InvalidName)?.split('/');
        let mut next = || parts.next().ok_or(InvalidName);
        let (deployment, kind, rest) = (next()?, next()?, next()?);
        let subject = match kind {
            "ca" => Subject::Ca(CaRole::parse(rest).ok_or(InvalidName)?),
            "agent" => Subject::Agent(rest.parse().map_err(|_| InvalidName)?),
            _ => return Err(InvalidName),
        };
        let deployment = Uuid::try_parse(deployment).map(Deployment).map_err(|_| InvalidName)?;
        let name = Self { deployment, subject };
        if name.to_string() == text {
            Ok(name)
        } else {
            Err(InvalidName)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidName;

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const HOST: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

    #[test]
    fn a_name_reads_back_as_it_was_written() {
        for text in [
            format!("rm://{DEPLOYMENT}/agent/{HOST}"),
            format!("rm://{DEPLOYMENT}/ca/root"),
            format!("rm://{DEPLOYMENT}/ca/agents"),
            format!("rm://{DEPLOYMENT}/ca/servers"),
        ] {
            let name: Name = text.parse().unwrap();

            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for text in [
            String::new(),
            format!("https://{DEPLOYMENT}/agent/{HOST}"),
            format!("rm://{DEPLOYMENT}/agent"),
            format!("rm://{DEPLOYMENT}/agent/{HOST}/"),
            format!("rm://{DEPLOYMENT}/agent/{HOST}?x"),
            format!("rm://{DEPLOYMENT}/AGENT/{HOST}"),
            format!("rm://{DEPLOYMENT}/agent/{}", HOST.to_uppercase()),
            format!("rm://{}/agent/{HOST}", DEPLOYMENT.replace('-', "")),
            format!("rm://{DEPLOYMENT}/replica/{HOST}"),
            format!("rm://{DEPLOYMENT}/ca/other"),
        ] {
            assert_eq!(text.parse::<Name>(), Err(InvalidName), "{text}");
        }
    }
}
