//! [`Link`]: the agent's one stream to the server.
//!
//! It is connected, waiting for its next attempt, or closed, and nobody else asks which. It never decides to try again;
//! the core says when.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use proto::agent::v1::agent_service_client::AgentServiceClient;
use proto::agent::v1::enrollment_service_client::EnrollmentServiceClient;
use proto::agent::v1::{AgentMessage, RenewExpiredRequest, ServerMessage};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::core::Loss;
use crate::telemetry;
use crate::tls::{self, AgentAddress};
use crate::wire::{MAX_INCOMING_BYTES, MAX_MESSAGE_BYTES};

/// Messages that wait for the network. Beyond it the server does not keep up, and the connection is dropped.
const OUTGOING: usize = 64;
/// How long the answer with a certificate may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long a goodbye may take.
const FAREWELL_WITHIN: Duration = Duration::from_secs(2);

type Attempt = Pin<Box<dyn Future<Output = Result<Made, Failure>> + Send>>;
type Opening = Pin<Box<dyn Future<Output = Result<Streaming<ServerMessage>, Status>> + Send>>;

/// Where to connect, and with what.
#[derive(Debug, Clone)]
pub struct Dial {
    /// The agent port.
    pub address: AgentAddress,
    /// Whom to trust and what to show.
    pub tls: Arc<ClientConfig>,
}

/// Where to ask for a certificate, and with what words.
#[derive(Debug, Clone)]
pub struct Question {
    /// The agent port.
    pub address: AgentAddress,
    /// Whom to trust.
    pub tls: Arc<ClientConfig>,
    /// The words.
    pub request: RenewExpiredRequest,
}

/// What an attempt has led to.
pub enum Made {
    /// A connection.
    Connection(Channel),
    /// A certificate, PEM.
    Certificate(String),
}

/// Why it has led to nothing.
pub enum Failure {
    /// There is no connection.
    Connecting(tls::Error),
    /// There was one, and the answer was no.
    Refused(Status),
}

/// The agent's one stream to the server.
pub enum Link {
    /// There is a connection.
    Connected(Box<Stream>),
    /// The next attempt is due at its time, or under way.
    Waiting(Attempt),
    /// Nothing happens until somebody says so.
    Closed,
}

/// A connection, with or without the server's answer to the call.
pub struct Stream {
    outgoing: mpsc::Sender<AgentMessage>,
    incoming: Incoming,
}

enum Incoming {
    Opening(Opening),
    Open(Box<Streaming<ServerMessage>>),
}

/// What happened on the link.
#[derive(Debug)]
pub enum LinkEvent {
    /// There is a connection; it wants the greeting.
    Up,
    /// The server said something.
    Message(Box<ServerMessage>),
    /// A certificate was asked for, and this is it, PEM.
    Certificate(String),
    /// The connection is gone or could not be made.
    Lost {
        /// What the core makes of it.
        loss: Loss,
        /// What happened, for the log.
        why: String,
    },
}

/// The connection takes no more messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server does not read what it is sent")]
pub struct Blocked;

impl Link {
    /// Gives up what there is and connects after a wait. Where to, and with what, is asked when the wait is over.
    pub fn connect(&mut self, after: Duration, dial: impl FnOnce() -> Result<Dial, tls::Error> + Send + 'static) {
        *self = Self::Waiting(Box::pin(async move {
            tokio::time::sleep(after).await;
            let Dial { address, tls } = dial().map_err(Failure::Connecting)?;
            let channel = tls::connect(&address, tls).await.map_err(Failure::Connecting)?;
            Ok(Made::Connection(channel))
        }));
    }

    /// Gives up what there is and asks for a certificate after a wait, without showing one. Where, and with what words, is
    /// asked when the wait is over.
    pub fn ask(&mut self, after: Duration, question: impl FnOnce() -> Result<Question, tls::Error> + Send + 'static) {
        *self = Self::Waiting(Box::pin(async move {
            tokio::time::sleep(after).await;
            let Question { address, tls, request } = question().map_err(Failure::Connecting)?;
            let channel = tls::connect(&address, tls).await.map_err(Failure::Connecting)?;
            let mut request = tonic::Request::new(request);
            request.set_timeout(ANSWER_WITHIN);
            let answer = EnrollmentServiceClient::new(channel).renew_expired(request).await;
            let answer = answer.map_err(Failure::Refused)?;
            Ok(Made::Certificate(answer.into_inner().certificate_pem))
        }));
    }

    /// Gives up what there is.
    pub fn close(&mut self) {
        *self = Self::Closed;
    }

    /// Says a last word and waits until the server has closed, for a short while.
    pub async fn leave(&mut self) {
        let Self::Connected(stream) = std::mem::replace(self, Self::Closed) else {
            return;
        };
        let Stream { outgoing, mut incoming } = *stream;
        drop(outgoing);
        let drained = async { while incoming.message().await.is_ok_and(|message| message.is_some()) {} };
        // Whether the word arrives is not known either way.
        let _ = tokio::time::timeout(FAREWELL_WITHIN, drained).await;
    }

    /// Hands a message to the connection. Without a connection it goes nowhere, which is no error: what must not be lost
    /// is sent again in the next session.
    pub fn send(&mut self, message: AgentMessage) -> Result<(), Blocked> {
        let Self::Connected(stream) = self else {
            return Ok(());
        };
        match stream.outgoing.try_send(message) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Blocked),
        }
    }

    /// Waits for the next thing to happen. Can be dropped and called again without loss. Never returns while closed.
    pub async fn next(&mut self) -> LinkEvent {
        match self {
            Self::Closed => std::future::pending().await,
            Self::Waiting(attempt) => match attempt.await {
                Ok(Made::Connection(channel)) => {
                    *self = Self::Connected(Box::new(Stream::open(channel)));
                    LinkEvent::Up
                }
                Ok(Made::Certificate(certificate_pem)) => {
                    *self = Self::Closed;
                    LinkEvent::Certificate(certificate_pem)
                }
                Err(Failure::Connecting(error)) => {
                    *self = Self::Closed;
                    LinkEvent::Lost {
                        loss: Loss::Broken,
                        why: telemetry::chain(&error),
                    }
                }
                Err(Failure::Refused(status)) => {
                    *self = Self::Closed;
                    LinkEvent::Lost {
                        loss: loss(&status),
                        why: told(&status),
                    }
                }
            },
            Self::Connected(stream) => {
                let lost = match stream.incoming.message().await {
                    Ok(Some(message)) => return LinkEvent::Message(Box::new(message)),
                    Ok(None) => LinkEvent::Lost {
                        loss: Loss::Broken,
                        why: "the server has ended the session".to_owned(),
                    },
                    Err(status) => LinkEvent::Lost {
                        loss: loss(&status),
                        why: told(&status),
                    },
                };
                *self = Self::Closed;
                lost
            }
        }
    }
}

impl Stream {
    fn open(channel: Channel) -> Self {
        let (outgoing, messages) = mpsc::channel(OUTGOING);
        let mut client = AgentServiceClient::new(channel)
            .max_decoding_message_size(MAX_INCOMING_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        // The server may answer the call only after it has read the greeting, so the call is not waited for here.
        let opening = async move {
            let response = client.open_session(ReceiverStream::new(messages)).await?;
            Ok(response.into_inner())
        };
        Self {
            outgoing,
            incoming: Incoming::Opening(Box::pin(opening)),
        }
    }
}

impl Incoming {
    async fn message(&mut self) -> Result<Option<ServerMessage>, Status> {
        if let Self::Opening(opening) = self {
            *self = Self::Open(Box::new(opening.await?));
        }
        match self {
            Self::Open(messages) => messages.message().await,
            Self::Opening(_) => Ok(None),
        }
    }
}

fn loss(status: &Status) -> Loss {
    match status.code() {
        Code::FailedPrecondition if reason(status).as_deref() == Some("PROTOCOL_TOO_OLD") => Loss::ProtocolTooOld,
        Code::FailedPrecondition if reason(status).as_deref() == Some("DUPLICATE_IDENTITY") => Loss::Duplicate {
            retry_after: retry_after(status),
        },
        Code::Unauthenticated => Loss::Unauthenticated,
        // The host is in no state to talk, or the server does not know the question: none of it changes within seconds.
        Code::PermissionDenied | Code::FailedPrecondition | Code::Unimplemented => Loss::Unwanted,
        Code::ResourceExhausted => Loss::Busy {
            retry_after: retry_after(status),
        },
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Loss::Broken,
    }
}

fn told(status: &Status) -> String {
    let code = reason(status).map_or_else(
        || status.code().description().to_owned(),
        |reason| reason.to_lowercase(),
    );
    match status.message() {
        "" => code,
        message => format!("{message} ({code})"),
    }
}

fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|info| info.retry_delay)
}

fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_status_decides_how_soon_to_come_back() {
        let too_old = ErrorDetails::with_error_info("PROTOCOL_TOO_OLD", "restic-manager", HashMap::new());
        let later = ErrorDetails::with_retry_info(Some(Duration::from_secs(9)));
        let mut twin = ErrorDetails::with_error_info("DUPLICATE_IDENTITY", "restic-manager", HashMap::new());
        twin.set_retry_info(Some(Duration::from_secs(31)));
        for (status, expected) in [
            (Status::unauthenticated("no"), Loss::Unauthenticated),
            (Status::permission_denied("no"), Loss::Unwanted),
            (Status::unimplemented("what?"), Loss::Unwanted),
            (
                Status::with_error_details(Code::FailedPrecondition, "old", too_old),
                Loss::ProtocolTooOld,
            ),
            (Status::failed_precondition("quarantined"), Loss::Unwanted),
            (
                Status::with_error_details(Code::FailedPrecondition, "twin", twin),
                Loss::Duplicate {
                    retry_after: Some(Duration::from_secs(31)),
                },
            ),
            (
                Status::with_error_details(Code::ResourceExhausted, "busy", later),
                Loss::Busy {
                    retry_after: Some(Duration::from_secs(9)),
                },
            ),
            (Status::resource_exhausted("busy"), Loss::Busy { retry_after: None }),
            (Status::unavailable("gone"), Loss::Broken),
            (Status::unknown("h2"), Loss::Broken),
        ] {
            assert_eq!(loss(&status), expected, "{status:?}");
        }
    }

    #[test]
    fn the_servers_sentence_is_logged_with_its_code() {
        let details = ErrorDetails::with_error_info("PROTOCOL_TOO_OLD", "restic-manager", HashMap::new());

        let with_details = told(&Status::with_error_details(
            Code::FailedPrecondition,
            "Update the agent.",
            details,
        ));
        let without = told(&Status::unavailable(""));

        assert_eq!(with_details, "Update the agent. (protocol_too_old)");
        assert!(!without.is_empty());
    }

    #[tokio::test]
    async fn a_closed_link_takes_messages_and_says_nothing() {
        let mut link = Link::Closed;

        assert_eq!(link.send(AgentMessage { body: None }), Ok(()));
        let silent = tokio::time::timeout(Duration::from_millis(20), link.next()).await;
        assert!(silent.is_err());
    }
}
