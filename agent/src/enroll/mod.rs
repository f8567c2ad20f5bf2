//! Enrolling: a token becomes a key and a certificate.
//!
//! 1. The token's checksum is checked here, before anything is sent.
//! 2. The web port is asked where agents connect. That answer is a hint and nothing more: it is not trusted, and it
//!    carries no secret.
//! 3. The agent port is contacted over TLS that ends in the root whose pin the token carries. Only there does the token
//!    leave this machine.
//! 4. Key and nonce are on disk before the question, so an answer that got lost is asked for again.

mod anew;
mod lookup;
mod token;

use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use domain::enrollment::{EnrollmentToken, Pin};
use domain::id::HostId;
use domain::retry::Backoff;
use proto::agent::v1::enrollment_service_client::EnrollmentServiceClient;
use proto::agent::v1::{EnrollRequest, EnrollResponse};
use tonic::Code;
use tonic_types::StatusExt as _;

pub use token::{TokenSource, read_token};

use crate::config::{self, Config, Places};
use crate::durable;
use crate::exit::Exit;
use crate::identity::{self, Candidate, Facts, Identity};
use crate::legacy;
use crate::random::random_fraction;
use crate::sysinfo::Machine;
use crate::tls::{self, AgentAddress};

const ATTEMPTS: u32 = 4;
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What the command line says.
#[derive(Debug)]
pub struct Request {
    /// URL of the web server; `None` takes the configured one.
    pub server: Option<String>,
    /// URL of the agent port; nothing is looked up when it is given.
    pub agent_url: Option<String>,
    /// The token.
    pub token: EnrollmentToken,
    /// The pin that the token must carry.
    pub ca_pin: Option<Pin>,
    /// What the machine calls itself.
    pub name: Option<String>,
    /// Enroll also a machine that is enrolled already.
    pub force: bool,
}

/// Why the host is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is already.
    #[error(
        "this machine is enrolled already, as host {host}; to enroll it anew, stop the agent and repeat this with --force or \
         RM_FORCE_REENROLL=1"
    )]
    Enrolled {
        /// As which host.
        host: HostId,
    },
    /// The agent runs.
    #[error("the agent runs with the identity that would be replaced; stop it first")]
    Running,
    /// Nobody said where the server is.
    #[error("the server is not known: give its URL with --server")]
    NoServer,
    /// The pin on the command line is not the one in the token.
    #[error("the token belongs to another server than --ca-pin names: it carries the pin {in_token}")]
    PinDiffers {
        /// The pin in the token.
        in_token: Pin,
    },
    /// The web server answers with another pin than the token carries.
    #[error(
        "{server} says that its pin is {said}, but the token carries {in_token}: the token was made by another server"
    )]
    OtherServer {
        /// The URL.
        server: String,
        /// The pin that it says.
        said: String,
        /// The pin in the token.
        in_token: Pin,
    },
    /// The web server could not be asked.
    #[error("could not ask {server} where agents connect; give it with --agent-url to go without")]
    Lookup {
        /// The URL.
        server: String,
        /// Why.
        #[source]
        source: lookup::Error,
    },
    /// An address is no URL of an agent port.
    #[error("{text} cannot be used")]
    Address {
        /// The text.
        text: String,
        /// What it should be.
        #[source]
        source: tls::InvalidAddress,
    },
    /// The agent port could not be reached or is not the token's server.
    #[error("could not connect to the agent port")]
    Connect(#[source] tls::Error),
    /// The server refused.
    #[error("the server refused: {message} ({code})")]
    Refused {
        /// The server's stable code for it.
        code: String,
        /// The server's sentence.
        message: String,
        /// Whether the same may work later.
        later: bool,
    },
    /// The server did not answer to the end.
    #[error("the server did not answer; run the same command again, it continues where it stopped")]
    NoAnswer(#[source] tonic::Status),
    /// The answer cannot be used.
    #[error("the server's answer cannot be used: {0}")]
    Answer(&'static str),
    /// The identity could not be stored.
    #[error("could not store the host's identity")]
    Identity(#[source] identity::Error),
    /// The configuration holds credentials in clear that could not be moved.
    #[error(transparent)]
    Legacy(legacy::Error),
    /// The configuration could not be read or written.
    #[error("could not store the configuration")]
    Config(#[source] config::Error),
    /// The state directory could not be made.
    #[error("could not prepare the agent's directory")]
    Directory(#[source] durable::Error),
}

impl Error {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoServer | Self::PinDiffers { .. } | Self::Address { .. } => Exit::Usage,
            Self::Refused { later: false, .. } => Exit::Refused,
            Self::Refused { later: true, .. } | Self::NoAnswer(_) | Self::Lookup { .. } => Exit::TryLater,
            Self::Connect(error) => match error {
                tls::Error::Unreachable { .. } | tls::Error::Timeout { .. } | tls::Error::Http2 { .. } => {
                    Exit::TryLater
                }
                tls::Error::Untrusted { .. }
                | tls::Error::Clock { .. }
                | tls::Error::Handshake { .. }
                | tls::Error::Material { .. } => Exit::Error,
            },
            Self::Config(_) | Self::Legacy(_) => Exit::Configuration,
            Self::Enrolled { .. }
            | Self::Running
            | Self::OtherServer { .. }
            | Self::Answer(_)
            | Self::Identity(_)
            | Self::Directory(_) => Exit::Error,
        }
    }
}

/// Enrolls the host and stores its identity. What a machine that is enrolled already has is replaced only by force, and
/// only when the server has answered.
pub async fn enroll(request: Request, places: &Places, clock: &dyn Clock) -> Result<Facts, Error> {
    match Identity::load(places) {
        Ok(None) => {
            if let Some(facts) = anew::finish(places)? {
                return Ok(facts);
            }
            legacy::migrate(places).map_err(Error::Legacy)?;
            enroll_at(&request, places, clock).await
        }
        Ok(Some(_)) | Err(_) if request.force => anew::enroll(&request, places, clock).await,
        Ok(Some(identity)) => Err(Error::Enrolled {
            host: identity.facts.host_id,
        }),
        Err(error) => Err(Error::Identity(error)),
    }
}

async fn enroll_at(request: &Request, places: &Places, clock: &dyn Clock) -> Result<Facts, Error> {
    let in_token = request.token.pin();
    if request.ca_pin.is_some_and(|pin| pin != in_token) {
        return Err(Error::PinDiffers { in_token });
    }
    let config = settled_config(request, places)?;
    let endpoint = endpoint(&config, in_token).await?;
    let address: AgentAddress = endpoint.parse().map_err(|source| Error::Address {
        text: endpoint.clone(),
        source,
    })?;

    // The last things that can fail by themselves come before the token is used.
    durable::create_directory(places.state_dir()).map_err(Error::Directory)?;
    config.store(places.config()).map_err(Error::Config)?;
    let candidate = Candidate::for_token(places, request.token.id()).map_err(Error::Identity)?;
    let question = question(&request.token, &candidate, &Machine::look(&config))?;
    let answer = ask(&address, in_token, question).await?;
    let answer = Answer::read(answer, in_token, &candidate)?;

    let facts = Facts {
        host_id: answer.host_id,
        agent_endpoint: answer.agent_endpoint,
        ca_pin: in_token.to_string(),
        enrolled_at: clock.now(),
    };
    candidate
        .promote(places, &facts, &answer.certificate_pem, &answer.ca_bundle_pem)
        .map_err(Error::Identity)?;
    Ok(facts)
}

/// The configuration as it will be stored: the file with the command line over it.
fn settled_config(request: &Request, places: &Places) -> Result<Config, Error> {
    let mut config = Config::read(places.config()).map_err(Error::Config)?;
    let over = |old: &mut Option<String>, new: &Option<String>| {
        if new.is_some() {
            old.clone_from(new);
        }
    };
    over(&mut config.server, &request.server);
    over(&mut config.agent_url, &request.agent_url);
    over(&mut config.name, &request.name);
    config.validate().map_err(Error::Config)?;
    Ok(config)
}

async fn endpoint(config: &Config, in_token: Pin) -> Result<String, Error> {
    if let Some(agent_url) = &config.agent_url {
        return Ok(agent_url.clone());
    }
    let server = config.server.clone().ok_or(Error::NoServer)?;
    let hint = match lookup::ask(&server).await {
        Ok(hint) => hint,
        Err(source) => return Err(Error::Lookup { server, source }),
    };
    if hint.ca_pin_sha256 != in_token.to_string() {
        return Err(Error::OtherServer {
            server,
            said: hint.ca_pin_sha256,
            in_token,
        });
    }
    Ok(hint.agent_endpoint)
}

fn question(token: &EnrollmentToken, candidate: &Candidate, machine: &Machine) -> Result<EnrollRequest, Error> {
    let identity = candidate.proof().map_err(Error::Identity)?;
    Ok(EnrollRequest {
        token: token.encode().expose().clone(),
        hostname: machine.hostname.clone(),
        os: machine.os.to_owned(),
        arch: machine.arch.to_owned(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        restic_version: machine
            .restic
            .as_ref()
            .map(|restic| restic.version.clone())
            .unwrap_or_default(),
        csr_pem: candidate.csr_pem().map_err(Error::Identity)?,
        enroll_nonce: candidate.nonce().to_owned(),
        identity_key: identity.key.as_bytes().to_vec(),
        identity_proof: identity.signature.as_bytes().to_vec(),
    })
}

/// Asks until there is an answer, a few times. The same question gets the same answer.
async fn ask(address: &AgentAddress, pin: Pin, question: EnrollRequest) -> Result<EnrollResponse, Error> {
    let tls = tls::enrolling(pin);
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
    loop {
        let error = match ask_once(address, Arc::clone(&tls), question.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let may_repeat = matches!(
            &error,
            Error::NoAnswer(_) | Error::Connect(tls::Error::Unreachable { .. } | tls::Error::Timeout { .. })
        );
        if !may_repeat || backoff.attempts() + 1 == ATTEMPTS {
            return Err(error);
        }
        tokio::time::sleep(backoff.next_wait(random_fraction())).await;
    }
}

async fn ask_once(
    address: &AgentAddress,
    tls: Arc<rustls::ClientConfig>,
    question: EnrollRequest,
) -> Result<EnrollResponse, Error> {
    let channel = tls::connect(address, tls).await.map_err(Error::Connect)?;
    let mut request = tonic::Request::new(question);
    request.set_timeout(ANSWER_WITHIN);
    match EnrollmentServiceClient::new(channel).enroll(request).await {
        Ok(response) => Ok(response.into_inner()),
        Err(status) => Err(refused(status)),
    }
}

fn refused(status: tonic::Status) -> Error {
    let later = match status.code() {
        // The connection broke, or the server is about to restart: nobody knows what became of the question.
        Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Unavailable | Code::Aborted => {
            return Error::NoAnswer(status);
        }
        Code::ResourceExhausted => true,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => false,
    };
    let reason = status.get_details_error_info().map(|info| info.reason.to_lowercase());
    let code = reason.unwrap_or_else(|| status.code().description().to_owned());
    let way_out = match code.as_str() {
        "host_exists" => " To put this machine in that host's place, make a token that replaces the host.",
        _ => "",
    };
    Error::Refused {
        message: format!("{}{way_out}", status.message()),
        code,
        later,
    }
}

/// An answer that holds what it should.
struct Answer {
    host_id: HostId,
    agent_endpoint: String,
    certificate_pem: String,
    ca_bundle_pem: String,
}

impl Answer {
    fn read(message: EnrollResponse, pin: Pin, candidate: &Candidate) -> Result<Self, Error> {
        let EnrollResponse {
            host_id,
            certificate_pem,
            ca_bundle_pem,
            cert_pin_sha256: _,
            agent_endpoint,
            not_after: _,
        } = message;
        let host_id = host_id.parse().map_err(|_| Error::Answer("the host id is none"))?;
        if agent_endpoint.parse::<AgentAddress>().is_err() {
            return Err(Error::Answer("the agent port's URL is none"));
        }
        if !candidate.is_certified_by(&certificate_pem) {
            return Err(Error::Answer("the certificate is for another key"));
        }
        // Otherwise the very next connection would trust nobody, or somebody else.
        if !tls::holds_root(&ca_bundle_pem, pin) {
            return Err(Error::Answer(
                "the certificates to trust do not include the pinned root",
            ));
        }
        Ok(Self {
            host_id,
            agent_endpoint,
            certificate_pem,
            ca_bundle_pem,
        })
    }
}
