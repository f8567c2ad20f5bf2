//! Encrypted connections to PostgreSQL.

use std::env;
use std::error::Error as _;

use domain::Secret;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::databases::postgres_server;
use crate::store::{DatabaseUrl, Error, Options, Store};

/// The CA of the PostgreSQL's certificate, which names `localhost` alone.
const CA: &str = "RM_TEST_POSTGRES_CA";

#[tokio::test]
async fn each_mode_checks_what_it_says() {
    let Some(server) = Server::given() else { return };

    assert!(!server.is_encrypted("127.0.0.1", "sslmode=disable").await);
    for (host, query) in [
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={}", server.ca)),
        ("localhost", format!("sslmode=verify-full&sslrootcert={}", server.ca)),
    ] {
        assert!(server.is_encrypted(host, &query).await, "{query}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_ca_or_name_is_refused_with_what_to_do() {
    let Some(server) = Server::given() else { return };
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.pem");
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(&other, params.self_signed(&key).unwrap().pem()).unwrap();
    let other = other.to_str().unwrap();

    for (host, query, said) in [
        ("localhost", "sslmode=verify-full".to_owned(), "UnknownIssuer"),
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={other}"),
            "UnknownIssuer",
        ),
        (
            "127.0.0.1",
            format!("sslmode=verify-ca&sslrootcert={other}"),
            "UnknownIssuer",
        ),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&sslrootcert={}", server.ca),
            "not valid for name",
        ),
    ] {
        let refused = server.connect(host, &query).await.unwrap_err();

        assert!(matches!(refused, Error::Untrusted { .. }), "{query}: {refused:?}");
        assert!(refused.to_string().contains("`sslrootcert`"), "{refused}");
        let source = refused.source().map(ToString::to_string).unwrap_or_default();
        assert!(source.contains(said), "{query}: {source}");
    }
}

#[tokio::test]
async fn a_ca_file_that_is_missing_is_named() {
    let Some(server) = Server::given() else { return };

    let refused = server
        .connect("localhost", "sslmode=verify-full&sslrootcert=/nonexistent/ca.pem")
        .await
        .unwrap_err();

    let source = refused.source().map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("No such file"), "{refused}: {source}");
}

/// A PostgreSQL that offers TLS.
struct Server {
    url: String,
    ca: String,
}

impl Server {
    fn given() -> Option<Self> {
        let url = postgres_server()?;
        Some(Self {
            url,
            ca: env::var(CA).unwrap_or_else(|_| panic!("{CA} goes with the PostgreSQL of the test run")),
        })
    }

    /// Opens the database as it is, under another name of the server.
    async fn connect(&self, host: &str, query: &str) -> Result<Store, Error> {
        let url = self.url.replace("127.0.0.1", host);
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = DatabaseUrl::Postgres(Secret::new(format!("{url}{separator}{query}")));
        Store::connect(&url, Options::default()).await
    }

    /// Whether PostgreSQL sees the connection encrypted.
    async fn is_encrypted(&self, host: &str, query: &str) -> bool {
        let store = self.connect(host, query).await.unwrap();
        let ask = Statement::from_string(
            DbBackend::Postgres,
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        );
        let row = store.0.reader.query_one_raw(ask).await.unwrap().unwrap();
        let encrypted = row.try_get_by_index(0).unwrap();
        store.close().await.unwrap();
        encrypted
    }
}
