//! Enrollment: a token and a key become a host and its certificate.

use std::net::IpAddr;

use domain::ErrorCode;
use domain::Timestamp;
use domain::certificate::Occasion;
use domain::enrollment::{Enroll, Enrolled, OperatingSystem, TokenState, TokenUse};
use domain::host::Inventory;
use domain::id::{HostId, Id as _, RepositoryId, SourceGroupId};
use domain::path::BackupPaths;
use domain::repository::{NewRepository, RepoEvent, RepoStatus};
use domain::session::GoodbyeReason;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::certificates::reused;
use super::enrollment_tokens::{refuse_taken, sealed_credentials};
use super::news::News;
use super::record::{Change, record};
use super::repository_secrets::open;
use super::{App, Caller, Error, Who};
use crate::pki::CertificateRequest;
use crate::store::{self, NewHost, ReadTx, SourceGroup, StoredToken, TokenRepository, Tx};
use crate::throttle::Purpose;

/// The name of the source group that every host begins with.
const FIRST_GROUP: &str = "default";

/// Why an attempt led to no host.
enum Stopped {
    /// The answer is no.
    Refused(Error),
    /// The token is good, but what came with it is not: also the record hears of it.
    Suspicious(Suspicion, Box<StoredToken>),
    /// Another attempt came first while this one was under way; look again at what it left.
    Overtaken,
}

/// What a thief of a token would do.
#[derive(Clone, Copy)]
enum Suspicion {
    /// Used it although it had been used.
    Replayed,
    /// Used it from outside the network that it is bound to.
    Elsewhere,
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        match error.into() {
            // Somebody took a name or a key between our look and our write. What they left decides.
            Error::Store(store::Error::Taken { .. }) => Self::Overtaken,
            error @ (Error::Refused(_) | Error::Store(_) | Error::Failed { .. }) => Self::Refused(error),
        }
    }
}

impl App {
    /// Makes the host that a token names, or gives the machine the place of one, and issues its certificate, all or nothing.
    /// The same attempt within ten minutes gets the same answer again.
    ///
    /// Errors: `rate_limited`, `invalid_csr`, `invalid_proof`, `invalid_token`, `token_expired`, `token_used`, `token_revoked`,
    /// `host_exists`, `host_not_found`, `key_reused`, `repository_not_found`, `repository_credentials_differ`. Whatever it is,
    /// the token stays as it was.
    pub async fn enroll(&self, caller: &Caller, enroll: Enroll) -> Result<Enrolled, Error> {
        self.take_turn(caller, Purpose::Enroll)?;
        let request = CertificateRequest::from_pem(&enroll.csr_pem)
            .map_err(|error| Error::refuse_field(ErrorCode::InvalidCsr, "csr_pem", error.to_string()))?;
        match self.try_enroll(caller, &enroll, &request).await {
            Err(Stopped::Overtaken) => match self.try_enroll(caller, &enroll, &request).await {
                Err(Stopped::Overtaken) => Err(Error::refuse(ErrorCode::Unavailable)),
                other => self.settle(caller, other).await,
            },
            other => self.settle(caller, other).await,
        }
    }

    async fn settle(&self, caller: &Caller, attempt: Result<Enrolled, Stopped>) -> Result<Enrolled, Error> {
        match attempt {
            Ok(enrolled) => Ok(enrolled),
            Err(Stopped::Refused(error)) => Err(error),
            Err(Stopped::Suspicious(suspicion, token)) => {
                self.record_suspicion(caller, suspicion, &token).await?;
                Err(suspicion.refusal())
            }
            Err(Stopped::Overtaken) => Err(Error::refuse(ErrorCode::Unavailable)),
        }
    }

    async fn try_enroll(
        &self,
        caller: &Caller,
        enroll: &Enroll,
        request: &CertificateRequest,
    ) -> Result<Enrolled, Stopped> {
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let token = self.known_token(&tx, enroll).await?;
        if !is_from(&token, caller.origin.address) {
            return Err(Stopped::Suspicious(Suspicion::Elsewhere, Box::new(token)));
        }
        match token.life.state(now) {
            TokenState::Active => {}
            TokenState::Used => return self.answer_again(&tx, enroll, request, token, now).await,
            ended @ (TokenState::Expired | TokenState::Revoked) => return Err(refusal_of(ended).into()),
        }
        if token.replaces.is_none() {
            refuse_taken(&tx, &token.hostname).await?;
        }
        if tx.host_of_key(request.public_key_sha256()).await?.is_some() {
            return Err(reused("csr_pem").into());
        }
        if let Some(identity) = &enroll.identity {
            let occasion = Occasion::Enrollment {
                token: enroll.token.id(),
                nonce: &enroll.nonce,
            };
            self.check_identity(&tx, None, identity, &occasion, request).await?;
        }
        let (host, voided) = match token.replaces {
            None => (self.new_host(&tx, enroll, &token, now).await?, None),
            Some(host) => (host, Some(self.take_place(&tx, enroll, host, now).await?)),
        };
        if let Some(identity) = &enroll.identity {
            tx.set_identity_key(host, &identity.key, now).await?;
        }
        let issued = self.issue(&tx, host, request, now).await?;
        let used = TokenUse {
            at: now,
            key: *request.public_key_sha256(),
            nonce: enroll.nonce.as_str().to_owned(),
        };
        if !tx.use_enrollment_token(token.id, &used, host).await? {
            return Err(Stopped::Overtaken);
        }
        self.record_enrolled(&tx, caller, enroll, &token, (host, voided), now)
            .await?;
        tx.commit().await?;
        if voided.is_some() {
            self.cut_off(host, GoodbyeReason::CertificateRevoked);
        }
        let mut news = News::default();
        news.host(host);
        self.tell(news);
        tracing::info!(host.id = %host, hostname = %token.hostname, "host enrolled");
        Ok(self.enrolled(host, issued.chain_pem, issued.validity.not_after)?)
    }

    /// The token's row, if the secret is the right one and the token was made with the root that is in use.
    async fn known_token(&self, tx: &ReadTx, enroll: &Enroll) -> Result<StoredToken, Error> {
        let found = tx.enrollment_token(enroll.token.id()).await?;
        let hash = enroll.token.secret_hash();
        let pin = self.pin()?;
        found
            .filter(|token| token.secret_hash.as_bytes().ct_eq(hash.as_bytes()).into())
            .filter(|_| enroll.token.pin() == pin)
            .ok_or_else(|| Error::refuse_field(ErrorCode::InvalidToken, "token", ErrorCode::InvalidToken.meaning()))
    }

    /// Gives the answer of the enrollment that used the token once more, to the one whose answer it was.
    async fn answer_again(
        &self,
        tx: &ReadTx,
        enroll: &Enroll,
        request: &CertificateRequest,
        token: StoredToken,
        now: Timestamp,
    ) -> Result<Enrolled, Stopped> {
        let key = request.public_key_sha256();
        let is_repeated = token
            .life
            .used
            .as_ref()
            .is_some_and(|used| used.is_repeated_by(key, enroll.nonce.as_str(), now));
        let Some(host) = token.host_id.filter(|_| is_repeated) else {
            return Err(Stopped::Suspicious(Suspicion::Replayed, Box::new(token)));
        };
        let mut certificates = tx.host_certificates(host).await?.into_iter();
        let issued = certificates.find(|issued| issued.public_key_sha256 == *key && issued.revoked_at.is_none());
        let Some(first) = issued else {
            return Err(Stopped::Suspicious(Suspicion::Replayed, Box::new(token)));
        };
        let chain = self
            .authority()?
            .agent_chain_pem(first.certificate)
            .map_err(|error| Error::failed("reading a certificate", error))?;
        Ok(self.enrolled(host, chain, first.not_after)?)
    }

    async fn new_host(&self, tx: &Tx, enroll: &Enroll, token: &StoredToken, now: Timestamp) -> Result<HostId, Stopped> {
        let host = self.add_host(tx, enroll, token, now).await?;
        if let Some(repository) = self.repository_for(tx, token, now).await? {
            let status = RepoStatus::Unset.next(RepoEvent::Bound);
            tx.bind_repository(host, repository, status).await?;
        }
        Ok(host)
    }

    async fn add_host(&self, tx: &Tx, enroll: &Enroll, token: &StoredToken, now: Timestamp) -> Result<HostId, Stopped> {
        let id = HostId::generate(self.0.ids.as_ref());
        let new = NewHost {
            id,
            hostname: token.hostname.clone(),
            restic_host: token.hostname.clone(),
            tags: token.tags.clone(),
            is_always_on: true,
            inventory: inventory(enroll),
            enrolled_at: now,
        };
        tx.insert_host(&new).await?;
        let group = SourceGroup {
            id: SourceGroupId::generate(self.0.ids.as_ref()),
            host_id: id,
            name: FIRST_GROUP
                .parse()
                .map_err(|error| Error::failed("naming a source group", error))?,
            paths: first_paths(token, enroll.os)?,
            created_at: now,
        };
        tx.insert_source_group(&group).await?;
        Ok(id)
    }

    /// The repository that the token gives, made known if it is not. Whether its secrets agree is decided anew: much may
    /// have happened since the token was made.
    async fn repository_for(
        &self,
        tx: &Tx,
        token: &StoredToken,
        now: Timestamp,
    ) -> Result<Option<RepositoryId>, Stopped> {
        match &token.repository {
            TokenRepository::None => Ok(None),
            TokenRepository::Known(id) => match tx.repository(*id).await? {
                Some(repository) => Ok(Some(repository.id)),
                None => Err(Error::refuse_with(
                    ErrorCode::RepositoryNotFound,
                    "the repository that this token gives was deleted since; make another token",
                )
                .into()),
            },
            TokenRepository::At { url, credentials } => {
                let place = sealed_credentials(token.id);
                let credentials = open(&self.0.keyring, &place, url.kind(), credentials)?;
                let wanted = NewRepository {
                    name: None,
                    url: url.clone(),
                    credentials,
                };
                Ok(Some(self.use_repository(tx, wanted, now).await?.id))
            }
        }
    }

    /// The answer to whoever got a certificate outside a session.
    pub(super) fn enrolled(
        &self,
        host_id: HostId,
        certificate_pem: String,
        not_after: Timestamp,
    ) -> Result<Enrolled, Error> {
        let authority = self.authority()?;
        Ok(Enrolled {
            host_id,
            certificate_pem,
            ca_bundle_pem: authority.bundle_pem(),
            pin: authority.pin(),
            agent_endpoint: self.0.settings.agent_url.clone(),
            not_after,
        })
    }

    async fn record_enrolled(
        &self,
        tx: &Tx,
        caller: &Caller,
        enroll: &Enroll,
        token: &StoredToken,
        (host, voided): (HostId, Option<u64>),
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut facts = json!({
            "enrollment_token_id": token.id.to_string(),
            "token_created_by": token.created_by,
            "reported_hostname": enroll.hostname.as_str(),
            "agent_version": enroll.agent_version.as_str(),
        });
        if let Some(voided) = voided {
            facts["replaced"] = true.into();
            facts["voided_certificates"] = voided.into();
        }
        let change = Change::new("host.enrolled")
            .to("host", host, &token.hostname)
            .with(facts);
        record(tx, &system(caller), change, now).await
    }

    async fn record_suspicion(&self, caller: &Caller, what: Suspicion, token: &StoredToken) -> Result<(), Error> {
        let now = self.0.clock.now();
        let facts = json!({ "host_id": token.host_id.map(|host| host.to_string()) });
        let change = Change::new(what.action())
            .to("enrollment_token", token.id, &token.hostname)
            .with(facts);
        let tx = self.0.store.begin().await?;
        record(&tx, &system(caller), change, now).await?;
        tx.commit().await?;
        tracing::warn!(
            enrollment_token.id = %token.id,
            hostname = %token.hostname,
            address = ?caller.origin.address,
            "{}",
            what.warning()
        );
        Ok(())
    }
}

impl Suspicion {
    /// The name under which the record keeps it.
    const fn action(self) -> &'static str {
        match self {
            Self::Replayed => "security.token_replayed",
            Self::Elsewhere => "security.token_used_elsewhere",
        }
    }

    const fn warning(self) -> &'static str {
        match self {
            Self::Replayed => "an enrollment token was used again by somebody else; was it copied?",
            Self::Elsewhere => "an enrollment token was used from outside its network; was it copied?",
        }
    }

    fn refusal(self) -> Error {
        match self {
            Self::Replayed => refusal_of(TokenState::Used),
            Self::Elsewhere => Error::refuse_field(
                ErrorCode::InvalidToken,
                "token",
                "this token is bound to a network that this machine does not call from; make one for the right network",
            ),
        }
    }
}

/// The server by itself, on account of a request from where that came.
pub(super) fn system(caller: &Caller) -> Caller {
    Caller {
        who: Who::System,
        origin: caller.origin.clone(),
    }
}

fn is_from(token: &StoredToken, address: Option<IpAddr>) -> bool {
    match (token.source, address) {
        (None, _) => true,
        (Some(network), Some(address)) => network.contains(&address.to_canonical()),
        (Some(_), None) => false,
    }
}

fn refusal_of(state: TokenState) -> Error {
    let code = state.refusal().unwrap_or(ErrorCode::InvalidToken);
    Error::refuse_field(code, "token", code.meaning())
}

/// What the agent has said so far; its first session says the rest.
pub(super) fn inventory(enroll: &Enroll) -> Inventory {
    Inventory {
        hostname: enroll.hostname.clone(),
        os: enroll.os.as_str().into(),
        arch: enroll.arch.clone(),
        agent_version: enroll.agent_version.clone(),
        restic_version: enroll.restic_version.clone(),
        ..Inventory::default()
    }
}

fn first_paths(token: &StoredToken, os: OperatingSystem) -> Result<BackupPaths, Error> {
    match &token.initial_paths {
        Some(paths) => Ok(paths.clone()),
        None => BackupPaths::parse(os.usual_paths()).map_err(|error| Error::failed("choosing paths to back up", error)),
    }
}
