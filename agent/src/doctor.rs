//! Looks for what would keep backups from working, and says what to do about it.

use std::fmt;
use std::path::Path;

use domain::Clock;
use domain::repository::RepositoryUrl;
use restic::{Binary, Support};

use crate::config::{Config, Places};
use crate::durable;
use crate::identity::{HostKey, Identity};
use crate::secrets::Secrets;
use crate::space;
use crate::sysinfo::restic_search;
use crate::telemetry::chain;
use crate::tls;

/// What the agent may fill: logs that wait for the server, and what it has to report.
const SPACE_WANTED: u64 = 64 * 1024 * 1024;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, in a word or two.
    pub about: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found, and what to do if it is not good.
    pub text: String,
}

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, but not as well as it could.
    Warning,
    /// Backups do not work.
    Bad,
}

/// Looks at everything.
pub async fn examine(places: &Places, clock: &dyn Clock) -> Vec<Finding> {
    let (config, about_config) = configuration(places);
    let mut findings = vec![
        about_config,
        restic(&config),
        directory("state directory", places.state_dir()),
    ];
    findings.extend(disk(places.state_dir()));
    if places.cache_dir().exists() {
        findings.push(directory("cache directory", places.cache_dir()));
    }
    findings.push(secrets(places));
    findings.extend(older_credentials(places));
    #[cfg(unix)]
    findings.extend(local_repositories(places));
    match Identity::load(places) {
        Ok(Some(identity)) => {
            findings.push(certificate(&identity, clock));
            findings.push(identity_key(places));
            findings.push(server(places, &config, &identity).await);
        }
        Ok(None) => findings.push(bad(
            "identity",
            "this machine is not enrolled; make a token in the console and run `restic-manager-agent enroll`",
        )),
        Err(error) => findings.push(bad("identity", chain(&error))),
    }
    findings
}

fn configuration(places: &Places) -> (Config, Finding) {
    const ABOUT: &str = "configuration";
    match Config::load(places.config()) {
        Ok(config) => (config, good(ABOUT, places.config().display())),
        Err(error) => (Config::default(), bad(ABOUT, chain(&error))),
    }
}

fn restic(config: &Config) -> Finding {
    const ABOUT: &str = "restic";
    let binary = match Binary::find(&restic_search(config)) {
        Ok(binary) => binary,
        Err(error) => {
            return bad(ABOUT, format!("{}; install restic 0.17.1 or later", chain(&error)));
        }
    };
    let version = binary.capabilities().version;
    let found = format!("{version} at {}", binary.path().display());
    match (version.support(), version.support().notice()) {
        (Support::Full | Support::Recommended, _) | (_, None) => good(ABOUT, found),
        (Support::TooOld | Support::Limited, Some(notice)) => Finding {
            about: ABOUT,
            verdict: Verdict::Warning,
            text: format!("{found}. {notice}"),
        },
    }
}

fn directory(about: &'static str, path: &Path) -> Finding {
    if !path.exists() {
        return Finding {
            about,
            verdict: Verdict::Warning,
            text: format!("{} does not exist yet; the agent makes it when it runs", path.display()),
        };
    }
    if let Some(mode) = open_mode(path) {
        return bad(
            about,
            format!(
                "{} can be entered by others (mode {mode:o}); run `chmod 700` on it",
                path.display()
            ),
        );
    }
    let trial = path.join(".doctor");
    let written = durable::write(&trial, b"").and_then(|()| durable::remove(&trial));
    match written {
        Ok(()) => good(about, path.display()),
        Err(error) => bad(
            about,
            format!(
                "{}; under a sandbox its unit needs ReadWritePaths for it",
                chain(&error)
            ),
        ),
    }
}

/// Too little space, where there is.
fn disk(state: &Path) -> Option<Finding> {
    const ABOUT: &str = "disk";
    if let Some(shortage) = space::shortage(state) {
        return Some(bad(ABOUT, shortage));
    }
    let left = space::left(state).filter(|left| *left < SPACE_WANTED)?;
    Some(Finding {
        about: ABOUT,
        verdict: Verdict::Warning,
        text: format!(
            "{} KiB are left in {}; a job's log and a day without the server need more",
            left / 1024,
            state.display()
        ),
    })
}

#[cfg(unix)]
fn open_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_mode(_: &Path) -> Option<u32> {
    None
}

fn secrets(places: &Places) -> Finding {
    const ABOUT: &str = "credentials";
    match Secrets::new(places).stamp() {
        Ok(stamp) if stamp.version == 0 => Finding {
            about: ABOUT,
            verdict: Verdict::Warning,
            text: "none yet; the server sends them when the host has a repository".to_owned(),
        },
        Ok(stamp) => good(ABOUT, format!("version {}", stamp.version)),
        Err(error) => bad(
            ABOUT,
            format!(
                "{}. No job can run. Restore the file, or move it away and restart the agent: the server sends it again",
                chain(&error)
            ),
        ),
    }
}

/// What an older agent held and the server does not send: the server cannot back up there.
fn older_credentials(places: &Places) -> Option<Finding> {
    let (url, _) = Secrets::new(places).older().ok()??;
    let place =
        RepositoryUrl::parse(&url).map_or_else(|_| "a repository".to_owned(), |(url, _)| url.as_str().to_owned());
    Some(Finding {
        about: "credentials",
        verdict: Verdict::Warning,
        text: format!(
            "those of {place} came from an older agent's configuration and are kept sealed; set URL and password as the \
             host's repository on the server, then they go"
        ),
    })
}

/// The repositories in directories of this host, as the running agent sees them from inside its service's sandbox.
#[cfg(unix)]
fn local_repositories(places: &Places) -> Vec<Finding> {
    use crate::sandbox;
    use crate::status::Status;

    let Ok(Some(status)) = Status::read(&places.status()) else {
        return Vec::new();
    };
    // Credentials that cannot be read are a finding of their own.
    let locations = Secrets::new(places).locations().unwrap_or_default();
    let local = locations
        .iter()
        .map(Path::new)
        .filter(|location| location.is_absolute());
    local
        .filter_map(|directory| {
            let about = "repository";
            Some(if sandbox::is_read_only(directory, status.pid)? {
                bad(about, format!("{}: {}", directory.display(), sandbox::WAY_OUT))
            } else {
                good(about, directory.display())
            })
        })
        .collect()
}

/// The key by which the server knows the host when it asks for its next certificate.
fn identity_key(places: &Places) -> Finding {
    const ABOUT: &str = "identity key";
    match HostKey::load(places) {
        Ok(Some(_)) => good(ABOUT, HostKey::path(places).display()),
        Ok(None) => bad(
            ABOUT,
            format!(
                "{} is missing: the server will refuse the next certificate of this host, and until the present one ends all \
                 goes on. Restore the file; without it, enroll the host again with a token that replaces it",
                HostKey::path(places).display()
            ),
        ),
        Err(error) => bad(ABOUT, chain(&error)),
    }
}

fn certificate(identity: &Identity, clock: &dyn Clock) -> Finding {
    const ABOUT: &str = "certificate";
    let host = identity.facts.host_id;
    let end = identity.credential.lifetime.not_after;
    if !identity.credential.lifetime.has_ended(clock.now()) {
        return good(
            ABOUT,
            format!("of host {host}, until {end}; the agent renews it before"),
        );
    }
    Finding {
        about: ABOUT,
        verdict: Verdict::Warning,
        text: format!(
            "of host {host}, over since {end}. The running agent gets another by itself for 60 days after that, unless the \
             host was quarantined or deleted; check the machine's clock, and `restic-manager-agent status`"
        ),
    }
}

async fn server(places: &Places, config: &Config, identity: &Identity) -> Finding {
    const ABOUT: &str = "server";
    let endpoint = config.agent_url.as_ref().unwrap_or(&identity.facts.agent_endpoint);
    let Ok(address) = endpoint.parse::<tls::AgentAddress>() else {
        return bad(ABOUT, format!("{endpoint}: {}", tls::InvalidAddress));
    };
    let bundle = match durable::read(&places.ca_bundle()) {
        Ok(bundle) => String::from_utf8(bundle.unwrap_or_default()).unwrap_or_default(),
        Err(error) => return bad(ABOUT, chain(&error)),
    };
    let tls = match tls::session(&bundle, &identity.credential.pem) {
        Ok(tls) => tls,
        Err(error) => return bad(ABOUT, chain(&error)),
    };
    match tls::connect(&address, tls).await {
        Ok(_) => good(
            ABOUT,
            format!("{address} answers and is the one that was enrolled with"),
        ),
        Err(error) => bad(
            ABOUT,
            format!(
                "{}. The agent port must be reached directly: a proxy that ends TLS breaks the host's certificate",
                chain(&error)
            ),
        ),
    }
}

fn good(about: &'static str, text: impl fmt::Display) -> Finding {
    Finding {
        about,
        verdict: Verdict::Good,
        text: text.to_string(),
    }
}

fn bad(about: &'static str, text: impl fmt::Display) -> Finding {
    Finding {
        about,
        verdict: Verdict::Bad,
        text: text.to_string(),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Warning => "note",
            Verdict::Bad => "BAD",
        };
        write!(f, "{verdict:<5}{:<16} {}", self.about, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_machine_that_is_not_enrolled_is_told_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(
            Some(directory.path().join("agent.yaml")),
            Some(directory.path().join("state")),
        );

        let findings = examine(&places, &SystemClock).await;

        let identity = findings.iter().find(|finding| finding.about == "identity").unwrap();
        assert_eq!(identity.verdict, Verdict::Bad);
        assert!(identity.text.contains("enroll"));
        let configuration = &findings[0];
        assert_eq!(
            (configuration.about, configuration.verdict),
            ("configuration", Verdict::Good)
        );
    }

    #[tokio::test]
    async fn unreadable_credentials_are_told_with_the_way_out() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(None, Some(directory.path().to_owned()));
        durable::write(&places.secrets(), b"damaged").unwrap();

        let finding = secrets(&places);

        assert_eq!(finding.verdict, Verdict::Bad);
        assert!(finding.text.contains("move it away"), "{finding}");
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_can_enter_is_bad() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();

        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let open = super::directory("state directory", path);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let closed = super::directory("state directory", path);

        assert_eq!((open.verdict, closed.verdict), (Verdict::Bad, Verdict::Good));
        assert!(open.text.contains("755"), "{open}");
    }
}
