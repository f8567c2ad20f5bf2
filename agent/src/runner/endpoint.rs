//! Whether a repository's storage answers at all. restic itself tries a refused connection for 15 minutes, silently.

use std::io;
use std::time::Duration;

use domain::repository::{RepositoryKind, RepositoryUrl};
use tokio::net::TcpStream;

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Host and port of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Endpoint {
    host: String,
    port: u16,
}

/// Connects and hangs up. An error says in a sentence why the storage cannot be reached. Storages that are not reached by
/// an address of their own are not asked.
pub(super) async fn answers(url: &RepositoryUrl) -> Result<(), String> {
    let Some(Endpoint { host, port }) = endpoint(url) else {
        return Ok(());
    };
    let connecting = TcpStream::connect((host.as_str(), port));
    match tokio::time::timeout(ANSWER_WITHIN, connecting).await {
        Ok(Ok(_)) => Ok(()),
        // ssh has names of its own, in its configuration.
        Ok(Err(error)) if url.kind() == RepositoryKind::Sftp && !is_refusal(&error) => Ok(()),
        Ok(Err(error)) => Err(format!("{host}:{port} cannot be reached: {error}")),
        Err(_) => Err(format!(
            "{host}:{port} does not answer within {} s",
            ANSWER_WITHIN.as_secs()
        )),
    }
}

fn is_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

fn endpoint(url: &RepositoryUrl) -> Option<Endpoint> {
    let text = url.as_str();
    match url.kind() {
        RepositoryKind::Rest => by_url(text.strip_prefix("rest:")?),
        RepositoryKind::S3 => {
            let bucket = text.strip_prefix("s3:")?;
            by_url(bucket).or_else(|| by_authority(bucket.split('/').next()?, 443))
        }
        RepositoryKind::Sftp => {
            let target = text.strip_prefix("sftp:")?;
            if let Some(url) = target.strip_prefix("//") {
                return by_authority(url.split('/').next()?, 22);
            }
            // scp's notation: user@host:path.
            let (login, _) = target.split_once(':')?;
            by_authority(login, 22)
        }
        RepositoryKind::Local
        | RepositoryKind::B2
        | RepositoryKind::Azure
        | RepositoryKind::Gs
        | RepositoryKind::Swift
        | RepositoryKind::Rclone => None,
    }
}

fn by_url(text: &str) -> Option<Endpoint> {
    let uri: http::Uri = text.parse().ok()?;
    let port = match uri.scheme_str()? {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    by_authority(uri.authority()?.as_str(), port)
}

fn by_authority(text: &str, default_port: u16) -> Option<Endpoint> {
    let (_, host_and_port) = text.rsplit_once('@').unwrap_or(("", text));
    let authority: http::uri::Authority = host_and_port.parse().ok()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    Some(Endpoint {
        host: host.to_owned(),
        port: authority.port_u16().unwrap_or(default_port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_every_notation() {
        for (location, expected) in [
            (
                "rest:https://backup.example.org/web-1",
                Some(("backup.example.org", 443)),
            ),
            (
                "rest:http://backup.example.org:8000/",
                Some(("backup.example.org", 8000)),
            ),
            ("rest:http://[::1]:8000/", Some(("::1", 8000))),
            (
                "s3:https://minio.example.org:9000/bucket",
                Some(("minio.example.org", 9000)),
            ),
            ("s3:s3.amazonaws.com/bucket/path", Some(("s3.amazonaws.com", 443))),
            ("sftp:backup@nas.example.org:/srv/repo", Some(("nas.example.org", 22))),
            (
                "sftp://backup@nas.example.org:2222//srv/repo",
                Some(("nas.example.org", 2222)),
            ),
            ("b2:bucket:path", None),
            ("/srv/repo", None),
        ] {
            let url = parsed(location);

            let found = endpoint(&url);

            let found = found.as_ref().map(|endpoint| (endpoint.host.as_str(), endpoint.port));
            assert_eq!(found, expected, "{location}");
        }
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_told_at_once() {
        let dead = parsed("rest:http://127.0.0.1:1/");
        let local = parsed("/srv/repo");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = parsed(&format!("rest:http://{}/", listener.local_addr().unwrap()));

        let told = answers(&dead).await.unwrap_err();

        assert!(told.starts_with("127.0.0.1:1 cannot be reached"), "{told}");
        assert_eq!(answers(&local).await, Ok(()));
        assert_eq!(answers(&live).await, Ok(()));
    }

    fn parsed(text: &str) -> RepositoryUrl {
        RepositoryUrl::parse(text).unwrap().0
    }
}
