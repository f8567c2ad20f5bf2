//! The names of all environment variables that begin with `RM_`.

/// What every name begins with. A YAML key is the name without it, in lower case.
pub const PREFIX: &str = "RM_";
/// Appended to the name of a secret-valued key: the value is the content of that file.
pub const FILE_SUFFIX: &str = "_FILE";

/// The YAML file itself; the one key that cannot be in it.
pub const CONFIG: &str = "RM_CONFIG";
/// Where database and keys are.
pub const DATA_DIR: &str = "RM_DATA_DIR";
/// Where packages put what hosts download.
pub const DIST_DIR: &str = "RM_DIST_DIR";
/// Which database.
pub const DATABASE_URL: &str = "RM_DATABASE_URL";
/// Web listener.
pub const LISTEN: &str = "RM_LISTEN";
/// Agent listener.
pub const AGENT_LISTEN: &str = "RM_AGENT_LISTEN";
/// Public address of the console.
pub const BASE_URL: &str = "RM_BASE_URL";
/// The console, when it is not the one built in.
pub const UI_DIR: &str = "RM_UI_DIR";
/// Public address of the agent listener.
pub const AGENT_URL: &str = "RM_AGENT_URL";
/// Silence before a host is offline.
pub const OFFLINE_AFTER: &str = "RM_OFFLINE_AFTER";
/// How long ended jobs are kept.
pub const JOB_RETENTION: &str = "RM_JOB_RETENTION";
/// How long logs of ended jobs are kept.
pub const LOG_RETENTION: &str = "RM_LOG_RETENTION";
/// How long the record of who did what is kept.
pub const AUDIT_RETENTION: &str = "RM_AUDIT_RETENTION";
/// Life of an agent's certificate.
pub const AGENT_CERTIFICATE_TTL: &str = "RM_AGENT_CERTIFICATE_TTL";
/// Peers whose forwarded headers count.
pub const TRUSTED_PROXY: &str = "RM_TRUSTED_PROXY";
/// Certificate of the web listener.
pub const TLS_CERT: &str = "RM_TLS_CERT";
/// Its key.
pub const TLS_KEY: &str = "RM_TLS_KEY";
/// The master key.
pub const SECRET_KEY_FILE: &str = "RM_SECRET_KEY_FILE";
/// Whether cookies are for encrypted connections only.
pub const COOKIE_SECURE: &str = "RM_COOKIE_SECURE";
/// Life of a login session.
pub const SESSION_TTL: &str = "RM_SESSION_TTL";
/// Where the first-run token is written for automation.
pub const BOOTSTRAP_TOKEN_FILE: &str = "RM_BOOTSTRAP_TOKEN_FILE";
/// Messages of one agent in a second.
pub const AGENT_EVENT_RATE: &str = "RM_AGENT_EVENT_RATE";
/// Log of one agent in a second.
pub const AGENT_LOG_RATE: &str = "RM_AGENT_LOG_RATE";
/// Log of one agent at once.
pub const AGENT_LOG_BURST: &str = "RM_AGENT_LOG_BURST";
/// Log of one agent without credit.
pub const AGENT_LOG_WINDOW: &str = "RM_AGENT_LOG_WINDOW";
/// Log of all agents before the database.
pub const LOG_INGEST: &str = "RM_LOG_INGEST";
/// Messages that wait for one agent.
pub const AGENT_QUEUE_MESSAGES: &str = "RM_AGENT_QUEUE_MESSAGES";
/// Bytes that wait for one agent.
pub const AGENT_QUEUE_BYTES: &str = "RM_AGENT_QUEUE_BYTES";
/// Lists of snapshots of one agent in a minute.
pub const AGENT_LISTINGS: &str = "RM_AGENT_LISTINGS";
/// The largest message of an agent.
pub const AGENT_MESSAGE: &str = "RM_AGENT_MESSAGE";
/// HTTP/2 streams of one connection at the agent port.
pub const AGENT_STREAMS: &str = "RM_AGENT_STREAMS";
/// HTTP/2 window of one stream there.
pub const AGENT_STREAM_WINDOW: &str = "RM_AGENT_STREAM_WINDOW";
/// HTTP/2 window of one connection there.
pub const AGENT_CONNECTION_WINDOW: &str = "RM_AGENT_CONNECTION_WINDOW";
/// What waits in HTTP/2 to be sent on one stream there.
pub const AGENT_SEND_BUFFER: &str = "RM_AGENT_SEND_BUFFER";
/// Handshakes at the same time.
pub const HANDSHAKES: &str = "RM_HANDSHAKES";
/// Handshakes that wait.
pub const HANDSHAKE_QUEUE: &str = "RM_HANDSHAKE_QUEUE";
/// Open connections of an address without a certificate.
pub const STRANGER_CONNECTIONS: &str = "RM_STRANGER_CONNECTIONS";
/// New ones in a second.
pub const STRANGER_CONNECTION_RATE: &str = "RM_STRANGER_CONNECTION_RATE";
/// New ones at once.
pub const STRANGER_CONNECTION_BURST: &str = "RM_STRANGER_CONNECTION_BURST";
/// Life of a connection without a call.
pub const IDLE_CONNECTION: &str = "RM_IDLE_CONNECTION";
/// What is logged.
pub const LOG: &str = "RM_LOG";
/// How it is written.
pub const LOG_FORMAT: &str = "RM_LOG_FORMAT";

/// Names of the agent, its installer, the onboarding script and the build tools. They may be set where the server
/// starts, so they are not mistaken for misspelt keys.
pub const OF_OTHERS: [&str; 12] = [
    "RM_SERVER",
    "RM_TOKEN",
    "RM_CA_PIN",
    "RM_HOSTNAME",
    "RM_FORCE_REENROLL",
    "RM_USER",
    "RM_PASS",
    "RM_REPO_URL",
    "RM_REPO_USER",
    "RM_REPO_PASS",
    "RM_DEBIAN_MIRROR",
    "RM_WRITE_REFERENCE",
];
/// What the names of the test harness begin with.
pub const TEST_PREFIX: &str = "RM_TEST_";
