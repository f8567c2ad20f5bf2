//! Asks the web server where agents connect.
//!
//! The answer is a hint. Whoever can change it can send the agent to another address, where the pinned handshake fails;
//! so the server's web certificate, which may be of any authority or end at a proxy, is not checked here, and plain
//! `http://` is as good. Nothing secret is sent.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls;

const PATH: &str = "/api/agents/endpoint";
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const MAX_BYTES: usize = 64 * 1024;

/// Where agents connect, by an unchecked word.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Hint {
    /// URL of the agent port.
    pub(super) agent_endpoint: String,
    /// The pin of the server's root.
    pub(super) ca_pin_sha256: String,
}

/// A server that could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used.
    #[error("not the URL of a web server")]
    Url,
    /// There is no way to it.
    #[error("it cannot be reached")]
    Connect(#[source] io::Error),
    /// It did not answer in time.
    #[error("it does not answer")]
    Timeout,
    /// It does not speak HTTP.
    #[error("it does not answer as a web server")]
    Http(#[source] hyper::Error),
    /// It answered with another status than 200.
    #[error("it answers with status {0}; is this the URL of restic-manager?")]
    Status(u16),
    /// The answer is not what it should be.
    #[error("its answer is not that of restic-manager")]
    Answer,
}

/// Asks.
pub(super) async fn ask(server: &str) -> Result<Hint, Error> {
    match tokio::time::timeout(ANSWER_WITHIN, ask_patiently(server)).await {
        Ok(result) => result,
        Err(_) => Err(Error::Timeout),
    }
}

async fn ask_patiently(server: &str) -> Result<Hint, Error> {
    let uri: http::Uri = server.parse().map_err(|_| Error::Url)?;
    let authority = uri.authority().ok_or(Error::Url)?.clone();
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let request = http::Request::get(format!("{}{PATH}", uri.path().trim_end_matches('/')))
        .header(http::header::HOST, authority.as_str())
        .header(http::header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|_| Error::Url)?;
    match uri.scheme_str() {
        Some("http") => {
            let tcp = connect(&host, authority.port_u16().unwrap_or(80)).await?;
            exchange(tcp, request).await
        }
        Some("https") => {
            let name = ServerName::try_from(host.clone()).map_err(|_| Error::Url)?;
            let tcp = connect(&host, authority.port_u16().unwrap_or(443)).await?;
            let connector = tokio_rustls::TlsConnector::from(tls::unchecked());
            let stream = connector.connect(name, tcp).await.map_err(Error::Connect)?;
            exchange(stream, request).await
        }
        Some(_) | None => Err(Error::Url),
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    TcpStream::connect((host, port)).await.map_err(Error::Connect)
}

async fn exchange<S>(stream: S, request: http::Request<Empty<Bytes>>) -> Result<Hint, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(Error::Http)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(Error::Http)?;
        if response.status() != http::StatusCode::OK {
            return Err(Error::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
        let body = body.map_err(|_| Error::Answer)?.to_bytes();
        serde_json::from_slice(&body).map_err(|_| Error::Answer)
    };
    tokio::pin!(exchange);
    tokio::select! {
        result = &mut exchange => result,
        // The connection may end first, with the whole answer received.
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(source) => Err(Error::Http(source)),
        },
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn the_answer_is_read_below_the_servers_path() {
        let server = server(
            "HTTP/1.1 200 OK",
            r#"{"agent_endpoint":"https://a:8443","ca_pin_sha256":"ab","server_version":"1","protocol_min":1}"#,
        )
        .await;

        let hint = ask(&format!("{server}/base/")).await.unwrap();

        assert_eq!(
            (hint.agent_endpoint.as_str(), hint.ca_pin_sha256.as_str()),
            ("https://a:8443", "ab")
        );
    }

    #[tokio::test]
    async fn other_answers_are_told_apart() {
        let missing = ask(&server("HTTP/1.1 404 Not Found", "{}").await).await.unwrap_err();
        let other = ask(&server("HTTP/1.1 200 OK", "<html>").await).await.unwrap_err();
        let no_url = ask("backup.example.org").await.unwrap_err();
        let nobody = ask("http://127.0.0.1:1").await.unwrap_err();

        assert!(matches!(missing, Error::Status(404)), "{missing:?}");
        assert!(matches!(other, Error::Answer), "{other:?}");
        assert!(matches!(no_url, Error::Url), "{no_url:?}");
        assert!(matches!(nobody, Error::Connect(_)), "{nobody:?}");
    }

    /// Answers one request, and insists on the path.
    async fn server(status: &'static str, body: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            assert!(request.contains("/api/agents/endpoint HTTP/1.1"), "{request}");
            let answer = format!("{status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        format!("http://{address}")
    }
}
