//! Puts the parts together and runs them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, IdSource};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::{self, App, Caller, Ports, Settings};
use crate::config::Config;
use crate::events::Bus;
use crate::gateway::Console;
use crate::grpc::authorize::Gate;
use crate::listen::{self, Limits, Listener, Protocol, TlsSource, TrustedProxies};
use crate::passwords::Hasher;
use crate::pki::tls::WebPort;
use crate::reconcile::{self, Driver};
use crate::secrets::{self, Keyring};
use crate::sessions::{self, Handle};
use crate::shutdown::Shutdown;
use crate::store::{self, Options, Store};
use crate::tasks::Registry;
use crate::{gateway, grpc, pki, setup};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be made.
    #[error(
        "could not make the data directory {path}; make it yourself, or set RM_DATA_DIR to one that the server may write"
    )]
    DataDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error("could not open the database")]
    Store(#[from] store::Error),
    /// The master key cannot be used.
    #[error("could not use the master key")]
    Secrets(#[from] secrets::Error),
    /// An address cannot be listened on.
    #[error("could not listen on {address}; another program may use it, see {variable}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting that changes it.
        variable: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The certificate of the web port cannot be used.
    #[error("could not use the certificate of the web port (RM_TLS_CERT, RM_TLS_KEY)")]
    Tls(#[from] pki::Error),
    /// There is no console in the configured folder.
    #[error("could not read the console in {folder}; make it with `cargo xtask ui`, or remove RM_UI_DIR")]
    Console {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The setup token could not be written to its file.
    #[error("could not hand out the setup token; see RM_BOOTSTRAP_TOKEN_FILE")]
    SetupToken(#[source] io::Error),
    /// The app could not get ready.
    #[error("could not get ready")]
    App(#[from] app::Error),
}

/// What differs between the real server and one of a test.
pub struct Parts {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Hashes passwords.
    pub hasher: Hasher,
}

/// A server that listens but does not answer yet.
pub struct Server {
    app: App,
    web: Listener,
    web_address: SocketAddr,
    web_tls: Option<Arc<WebPort>>,
    agents: Listener,
    agent_address: SocketAddr,
    sessions: sessions::Service,
    driver: Driver,
}

impl Server {
    /// Opens the database, the keys and the ports.
    pub async fn bind(config: Config, parts: Parts) -> Result<Self, Error> {
        let (ids, clock) = (Arc::clone(&parts.ids), Arc::clone(&parts.clock));
        let (handle, sessions) = sessions::channel();
        let app = open_with(&config, parts, handle).await?;
        app.open_authority(&Caller::system(), config.agents.url.host().clone())
            .await?;
        let gate = Gate::new(app.clone());
        let console = console(config.listen.ui_dir)?;
        let proxies = TrustedProxies::new(config.listen.trusted_proxies.iter().copied());

        let (socket, web_address) = bind(config.listen.web, "RM_LISTEN").await?;
        let web_tls = config
            .tls
            .clone()
            .map(|files| WebPort::new(files, Arc::clone(&clock)))
            .transpose()?
            .map(Arc::new);
        let web = Listener {
            socket,
            tls: web_tls.clone().map(|port| Arc::new(move || port.config()) as TlsSource),
            peers: None,
            protocol: Protocol::Any,
            limits: Limits::web(),
            proxies,
            ids: Arc::clone(&ids),
            meters: app.meters().clone(),
            router: gateway::router(&app, &gate, console),
        };

        let (socket, agent_address) = bind(config.listen.agents, "RM_AGENT_LISTEN").await?;
        let port = app.agent_port()?;
        let agents = Listener {
            socket,
            tls: Some(Arc::new(move || port.config())),
            peers: Some(app.peer_reader()?),
            protocol: Protocol::Http2,
            limits: Limits::agents(&config.limits),
            // Agents come through no proxy that could speak for them: it could not present their certificates.
            proxies: TrustedProxies::default(),
            ids,
            meters: app.meters().clone(),
            router: grpc::agent_services(&app, &gate).into_axum_router(),
        };

        if let Some(token) = app.mint_setup_token().await? {
            let file = config.auth.bootstrap_token_file.as_deref();
            setup::announce(&token, &app.settings().base_url, file).map_err(Error::SetupToken)?;
        }
        let driver = reconcile::all(&app, clock);
        Ok(Self {
            app,
            web,
            web_address,
            web_tls,
            agents,
            agent_address,
            sessions,
            driver,
        })
    }

    /// Where the web port listens.
    pub const fn web_address(&self) -> SocketAddr {
        self.web_address
    }

    /// Where the agent port listens.
    pub const fn agent_address(&self) -> SocketAddr {
        self.agent_address
    }

    /// What the server can do.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Begins to answer; everything runs as tasks of `shutdown` and ends with it. Close the app's database after that.
    pub fn start(self, shutdown: &Shutdown) -> App {
        let Self {
            app,
            web,
            web_address,
            web_tls,
            agents,
            agent_address,
            sessions,
            driver,
        } = self;
        let (token, tracker) = (shutdown.token(), shutdown.tracker());
        tracker.spawn(listen::serve(web, token.clone(), tracker.clone()));
        tracker.spawn(listen::serve(agents, token.clone(), tracker.clone()));
        tracker.spawn(sessions.run(token.clone()));
        tracker.spawn(driver.run(token.clone()));
        tracker.spawn(end_streams(app.clone(), token.clone()));
        if let Some(port) = web_tls {
            tracker.spawn(reload_on_hangup(port, token));
        }
        tracing::info!(web = %web_address, agents = %agent_address, version = crate::version::VERSION, "server started");
        app
    }
}

/// Opens what the app is made of, for a command that needs no port: data directory, database, master key.
pub async fn open(config: &Config, parts: Parts) -> Result<App, Error> {
    open_with(config, parts, sessions::channel().0).await
}

async fn open_with(config: &Config, parts: Parts, sessions: Handle) -> Result<App, Error> {
    let Parts { clock, ids, hasher } = parts;
    let data_dir = &config.database.data_dir;
    std::fs::create_dir_all(data_dir).map_err(|source| Error::DataDirectory {
        path: data_dir.clone(),
        source,
    })?;
    let keyring = Keyring::load_or_create(&config.secrets.key_file)?;
    let store = Store::open(&config.database.url, Options::default()).await?;
    let events = Bus::new(clock.now());
    let settings = settings(config);
    let tasks = Registry::default();
    let app = App::new(Ports {
        store,
        clock,
        ids,
        keyring,
        hasher,
        sessions,
        events,
        settings,
        tasks,
    });
    app.verify_key().await?;
    Ok(app)
}

fn settings(config: &Config) -> Settings {
    Settings {
        base_url: config.listen.base_url.to_string(),
        agent_url: config.agents.url.to_string(),
        session_ttl: config.auth.session_ttl,
        secure_cookies: config.auth.secure_cookies,
        offline_after: config.agents.offline_after,
        limits: config.limits.clone(),
        job_retention: config.history.jobs,
        log_retention: config.history.logs,
        audit_retention: config.history.audit,
        data_dir: config.database.data_dir.clone(),
        dist_dir: config.database.dist_dir.clone(),
        agent_certificate_ttl: config.agents.certificate_ttl,
    }
}

/// The console that is served: the configured one, else the one built in, else none.
fn console(folder: Option<PathBuf>) -> Result<Option<Console>, Error> {
    match folder {
        Some(folder) => match Console::read(&folder) {
            Ok(console) => Ok(Some(console)),
            Err(source) => Err(Error::Console { folder, source }),
        },
        None => Ok(Console::built_in()),
    }
}

/// Ends the streams to people when the server stops; they would keep their connections until the drain is over.
async fn end_streams(app: App, shutdown: CancellationToken) {
    shutdown.cancelled().await;
    app.end_streams();
}

/// Takes a renewed certificate of the web port into use when told to by SIGHUP, as certificate clients do.
async fn reload_on_hangup(port: Arc<WebPort>, shutdown: CancellationToken) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        tracing::warn!("SIGHUP cannot be listened to; restart the server after renewing the web certificate");
        return;
    };
    while let Some(Some(())) = shutdown.run_until_cancelled(hangups.recv()).await {
        match port.reload() {
            Ok(()) => tracing::info!("web certificate read anew"),
            Err(error) => tracing::error!(%error, "the web certificate could not be read; the old one stays in use"),
        }
    }
}

async fn bind(address: SocketAddr, variable: &'static str) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen {
        address,
        variable,
        source,
    };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}
