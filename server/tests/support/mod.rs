//! A real server on loopback with users of every role, and clients for its faces.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

pub mod agent;
pub mod grpc;
pub mod host;
pub mod live;
pub mod machine;
pub mod postgres;
pub mod rest;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::sign_in::Login;
use domain::{Clock, Role, Secret};
use server::app::{App, Caller, Origin, Who};
use server::clock::{SystemClock, SystemIds};
use server::config::Config;
use server::passwords::{Cost, Hasher};
use server::shutdown::Shutdown;
use server::{Parts, Server};
use tempfile::TempDir;
use uuid::Uuid;

/// The password of every user of a test.
pub const PASSWORD: &str = "correct horse battery staple";

/// Hashing at its real cost would be most of the time of every test.
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

/// Waits until something has come true.
pub async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "it did not come true");
        // sleep: between two looks at the condition
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A server that runs until it is dropped.
pub struct TestServer {
    pub web: SocketAddr,
    pub agents: SocketAddr,
    pub app: App,
    directory: Option<TempDir>,
    shutdown: Shutdown,
    addresses: AtomicU32,
}

/// Who makes a call in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    Anonymous,
    User(Role),
}

impl As {
    pub const ALL: [Self; 4] = [
        Self::Anonymous,
        Self::User(Role::Viewer),
        Self::User(Role::Operator),
        Self::User(Role::Admin),
    ];
}

impl TestServer {
    /// Starts with one user of each role, named after it.
    pub async fn start() -> Self {
        Self::start_with(&[], Arc::new(SystemClock)).await
    }

    /// Starts with one user of each role, further settings and a clock of the test's own.
    pub async fn start_with(settings: &[(&str, &str)], clock: Arc<dyn Clock>) -> Self {
        let server = Self::start_bare(settings, clock).await;
        for role in Role::ALL {
            let name = role.as_str().parse().unwrap();
            server
                .app
                .create_user(&system(), name, role, Secret::new(PASSWORD.to_owned()))
                .await
                .unwrap();
        }
        server
    }

    /// Starts without any user.
    pub async fn start_empty() -> Self {
        Self::start_bare(&[], Arc::new(SystemClock)).await
    }

    async fn start_bare(settings: &[(&str, &str)], clock: Arc<dyn Clock>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let usual = [
            ("RM_DATA_DIR", directory.path().to_str().unwrap()),
            ("RM_LISTEN", "127.0.0.1:0"),
            ("RM_AGENT_LISTEN", "127.0.0.1:0"),
            ("RM_AGENT_URL", "https://127.0.0.1:8443"),
            // Every client of a test comes from an address of its own, so that throttling one does not hinder another.
            ("RM_TRUSTED_PROXY", "127.0.0.0/8"),
        ];
        let variables = usual
            .iter()
            .chain(settings)
            .map(|(name, value)| (name.into(), value.into()));
        let config = Config::load(variables, &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap();
        let parts = Parts {
            ids: Arc::new(SystemIds::new(clock.clone())),
            clock,
            hasher: Hasher::new(CHEAP),
        };
        let server = Server::bind(config, parts).await.unwrap();
        let (web, agents) = (server.web_address(), server.agent_address());
        let shutdown = Shutdown::new();
        let app = server.start(&shutdown);
        Self {
            web,
            agents,
            app,
            directory: Some(directory),
            shutdown,
            addresses: AtomicU32::new(0),
        }
    }

    /// Where the server keeps its data.
    pub fn data_dir(&self) -> &Path {
        self.directory.as_ref().unwrap().path()
    }

    /// A REST client that is signed in as asked, with a cookie jar of its own.
    pub async fn rest(&self, who: As) -> rest::Client {
        rest::Client::new(self.web, self.next_address(), self.token(who).await)
    }

    /// A gRPC client that is signed in as asked.
    pub async fn grpc(&self, who: As) -> grpc::Client {
        grpc::Client::new(self.web, self.next_address(), self.token(who).await).await
    }

    /// A session token for a user of the role, made without the network.
    pub async fn token(&self, who: As) -> Option<Secret<String>> {
        let As::User(role) = who else { return None };
        let login = Login {
            username: role.as_str().to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
        };
        let caller = Caller {
            who: Who::Anonymous,
            origin: origin(Some(self.next_address())),
        };
        Some(self.app.login(&caller, login).await.unwrap().token)
    }

    fn next_address(&self) -> String {
        let number = self.addresses.fetch_add(1, Ordering::Relaxed);
        format!("198.51.{}.{}", number / 250, number % 250 + 1)
    }

    /// Stops the server and waits until it has ended.
    pub async fn stop(mut self) -> TempDir {
        self.shutdown.request();
        let tracker = self.shutdown.tracker();
        tracker.close();
        tracker.wait().await;
        self.app.close().await.unwrap();
        self.directory.take().unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

/// The server itself as a caller.
pub fn system() -> Caller {
    Caller {
        who: Who::System,
        origin: origin(None),
    }
}

fn origin(address: Option<String>) -> Origin {
    Origin {
        address: address.map(|address| address.parse().unwrap()),
        request: domain::id::RequestId::from_uuid(Uuid::nil()),
        secure: false,
        once: None,
    }
}
