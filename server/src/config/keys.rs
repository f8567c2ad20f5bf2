//! The one table of keys: parsing, `_FILE` forms, error messages and the reference page are made from it.

use super::env;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The environment variable; see [`Key::yaml`] for the name in the file.
    pub env: &'static str,
    /// What holds when it is set nowhere.
    pub default: DefaultValue,
    /// What a value must be, as the object of "give …".
    pub allowed: &'static str,
    /// What it decides, as a sentence.
    pub meaning: &'static str,
    /// Whether the value must not be shown. Such a key has a `_FILE` form.
    pub secret: bool,
}

/// The default of a [`Key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// This text, read like a given one.
    Text(&'static str),
    /// Made from other settings, as described.
    From(&'static str),
    /// Nothing: what it is for does not happen.
    Unset,
}

impl Key {
    /// The key in the YAML file.
    pub fn yaml(&self) -> String {
        yaml_name(self.env)
    }

    /// Name of the environment variable that names a file with the value, for secret-valued keys.
    pub fn file_env(&self) -> Option<String> {
        self.secret.then(|| format!("{}{}", self.env, env::FILE_SUFFIX))
    }
}

/// The YAML form of an environment name.
pub(super) fn yaml_name(env: &str) -> String {
    env.strip_prefix(env::PREFIX).unwrap_or(env).to_ascii_lowercase()
}

macro_rules! keys {
    ($($name:ident $default:expr, $allowed:literal, $meaning:literal $(, $secret:ident)?;)+) => {
        $(
            #[doc = $meaning]
            pub const $name: Key = Key {
                env: env::$name,
                default: $default,
                allowed: $allowed,
                meaning: $meaning,
                secret: keys!(@ $($secret)?),
            };
        )+

        /// Every key, in the order of the reference page.
        pub const ALL: &[Key] = &[$($name),+];
    };
    (@ secret) => { true };
    (@) => { false };
}

keys! {
    CONFIG DefaultValue::Text("/etc/restic-manager-server/server.yaml"), "the path of a file",
        "The YAML file with the other settings. It may be absent.";
    DATA_DIR DefaultValue::Text("/var/lib/restic-manager-server"), "the path of a directory",
        "The directory of the database and the master key. The server makes it. Files for hosts that lie in its folders \
         `agent-binaries` and `install` are served before those in `RM_DIST_DIR`.";
    DIST_DIR DefaultValue::Text("/usr/share/restic-manager/dist"), "the path of a directory",
        "Where packages put what hosts download: agents such as `restic-manager-agent-linux-amd64`, and other versions of \
         the install files. It may be absent.";
    DATABASE_URL DefaultValue::From("sqlite://<data_dir>/restic-manager.db"),
        "`sqlite://` and the path of a file, or `postgres://user:password@host/database`",
        "The database: an SQLite file, or PostgreSQL 14 or later. How the connection to PostgreSQL is protected is said at the \
         end of its URL: `?sslmode=verify-full&sslrootcert=/path/ca.pem` accepts only a certificate for that host from that CA \
         or one that the system trusts; `require` encrypts without looking at the certificate; `prefer`, which is meant when \
         nothing is said, encrypts where the server offers it. `verify-ca` does not compare the host: with CAs of the system \
         in use that is hardly a check.", secret;
    LISTEN DefaultValue::Text("0.0.0.0:8080"), "an IP address and a port such as `0.0.0.0:8080` or `[::]:8080`",
        "Where the console and the API are served.";
    AGENT_LISTEN DefaultValue::Text("0.0.0.0:8443"), "an IP address and a port such as `0.0.0.0:8443` or `[::]:8443`",
        "Where agents connect. TLS with the built-in CA; a proxy must pass it through untouched.";
    BASE_URL DefaultValue::Text("http://localhost:8080"),
        "`http://` or `https://` and a host, with a port where it is not the usual one, and without a path",
        "The console's address as people type it: links, the install command and the accepted `Origin` come from it.";
    AGENT_URL DefaultValue::From("https://<host of base_url>:<port of agent_listen>"),
        "`https://` and a host, with a port where it is not 443, and without a path",
        "The address that agents are told. Its host is in the server's certificate.";
    UI_DIR DefaultValue::Unset, "the path of a directory",
        "Another console than the one built in, as `cargo xtask ui` writes it. Read once, at the start.";
    TRUSTED_PROXY DefaultValue::Unset, "IP networks such as `10.0.0.0/8`, or single addresses, separated by commas",
        "The reverse proxies: only from these peers `X-Forwarded-For` and `X-Forwarded-Proto` are believed.";
    TLS_CERT DefaultValue::Unset, "the path of a PEM file",
        "Certificate chain of the web listener, leaf first. Unset: plain HTTP, for use behind a proxy. Needs `RM_TLS_KEY`.";
    TLS_KEY DefaultValue::Unset, "the path of a PEM file",
        "Private key of `RM_TLS_CERT`.";
    SECRET_KEY_FILE DefaultValue::From("<data_dir>/secret.key"), "the path of a file",
        "The master key, 32 bytes with mode 0600, which seals every stored secret. Made at the first start. Keep a copy \
         elsewhere: without it no stored repository password can be read.";
    COOKIE_SECURE DefaultValue::Text("auto"), "`auto`, `true` or `false`",
        "Whether session cookies travel over HTTPS only. `auto`: unless the base URL is `http://`.";
    SESSION_TTL DefaultValue::Text("24h"), "a duration from `5m` to `30d`",
        "How long a person stays signed in, counted from the sign-in.";
    BOOTSTRAP_TOKEN_FILE DefaultValue::Unset, "the path of a file",
        "Also write the token for making the first admin to this file (mode 0600), for automation.";
    OFFLINE_AFTER DefaultValue::Text("90s"), "a duration from `5s` to `1d`",
        "How long a host may be silent before it counts as offline.";
    JOB_RETENTION DefaultValue::Text("365d"), "a duration from `1d` to `36500d`, or `0` for ever",
        "How long jobs are shown after their end. The last one of each kind and source group stays, and of a host at most \
         10,000 jobs, whatever this says.";
    LOG_RETENTION DefaultValue::Text("90d"), "a duration from `1d` to `36500d`, or `0` for ever",
        "How long the logs of jobs are kept after their end. Of a host at most 1 GiB of log stays, whatever this says.";
    AUDIT_RETENTION DefaultValue::Text("0"), "a duration from `1d` to `36500d`, or `0` for ever",
        "How long the record of who did what is kept. What is cut leaves the hash of its last line, so that the rest can still \
         be checked.";
    AGENT_CERTIFICATE_TTL DefaultValue::Text("7d"), "a duration from `10s` to `30d`",
        "How long an agent's certificate is in force. Connected agents renew theirs at about half of it; one whose \
         certificate ended while its machine slept still comes back by itself for 60 days. Below an hour it is of use for \
         trials only.";
    AGENT_EVENT_RATE DefaultValue::Text("200"), "a whole number from 1 to 1000000",
        "How many messages one agent may send in a second, log aside. What comes faster is read later.";
    AGENT_LOG_RATE DefaultValue::Text("2MiB"), "a size from `16KiB` to `1024MiB`",
        "How much log one agent may send in a second, unpacked. What comes faster is read later.";
    AGENT_LOG_BURST DefaultValue::Text("8MiB"), "a size from `1MiB` to `1024MiB`",
        "How much log one agent may send at once after a pause.";
    AGENT_LOG_WINDOW DefaultValue::Text("256KiB"), "a size from `64KiB` to `16MiB`",
        "How much packed log one agent may have on the way to the database.";
    LOG_INGEST DefaultValue::Text("128MiB"), "a size from `1MiB` to `65536MiB`",
        "How much packed log of all agents may be on its way into the database. What is more is sent again later.";
    AGENT_QUEUE_MESSAGES DefaultValue::Text("64"), "a whole number from 8 to 65536",
        "How many messages may wait for one agent. An agent that does not read for ten seconds is cut off.";
    AGENT_QUEUE_BYTES DefaultValue::Text("256KiB"), "a size from `64KiB` to `64MiB`",
        "How many bytes may wait for one agent.";
    AGENT_LISTINGS DefaultValue::Text("10"), "a whole number from 2 to 100000",
        "How many lists of snapshots one agent may send in a minute; ten times as many at once, for a host that was away. What \
         comes faster is read later.";
    AGENT_MESSAGE DefaultValue::Text("256KiB"), "a size from `256KiB` to `4MiB`",
        "How large one message of an agent may be. Agents fill messages up to 256 KiB. A larger one ends the session.";
    AGENT_STREAMS DefaultValue::Text("8"), "a whole number from 2 to 1000",
        "How many calls one connection to the agent port may have open at the same time.";
    AGENT_STREAM_WINDOW DefaultValue::Text("64KiB"), "a size from `16KiB` to `16MiB`",
        "How many bytes of one call may be on the way to the server before it has read them. It costs this much memory for each \
         connected agent that sends faster than it is read; a larger one helps over lines with a long delay.";
    AGENT_CONNECTION_WINDOW DefaultValue::Text("128KiB"), "a size from `64KiB` to `64MiB`",
        "The same for all calls of one connection together.";
    AGENT_SEND_BUFFER DefaultValue::Text("64KiB"), "a size from `16KiB` to `16MiB`",
        "How many bytes of one call may wait in the server's connection for an agent that reads slowly, beside \
         `RM_AGENT_QUEUE_BYTES`.";
    HANDSHAKES DefaultValue::From("64 for each core"), "a whole number from 1 to 1000000",
        "How many TLS handshakes the agent port makes at the same time.";
    HANDSHAKE_QUEUE DefaultValue::Text("4096"), "a whole number from 1 to 1000000",
        "How many connections may wait for their handshake at the agent port. More are closed.";
    STRANGER_CONNECTIONS DefaultValue::Text("100"), "a whole number from 1 to 1000000",
        "How many connections without an agent's certificate one address may have open at the agent port.";
    STRANGER_CONNECTION_RATE DefaultValue::Text("20"), "a whole number from 1 to 1000000",
        "How many such connections one address may make in a second. Hosts behind one router share an address.";
    STRANGER_CONNECTION_BURST DefaultValue::Text("200"), "a whole number from 1 to 1000000",
        "How many such connections one address may make at once.";
    IDLE_CONNECTION DefaultValue::Text("60s"), "a duration from `5s` to `1d`",
        "How long a connection to the agent port may stand without a call.";
    LOG DefaultValue::Text("info"), "a level (`error`, `warn`, `info`, `debug`, `trace`), or directives such as `info,server::store=debug`",
        "What is logged.";
    LOG_FORMAT DefaultValue::Text("auto"), "`auto`, `text` or `json`",
        "How the log is written, to standard error. `auto`: text on a terminal, JSON otherwise.";
}
