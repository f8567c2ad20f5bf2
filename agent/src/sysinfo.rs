//! [`Machine`]: what the machine is, as the server shows it.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use restic::{Binary, Search};

use crate::config::Config;

/// What the machine is. Read anew for each session: restic may have been installed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The name it calls itself.
    pub hostname: String,
    /// `linux` or `windows`.
    pub os: &'static str,
    /// Processor architecture, such as `x86_64`.
    pub arch: &'static str,
    /// Name and version of the system; empty when unknown.
    pub os_version: String,
    /// Version of the kernel; empty when unknown.
    pub kernel: String,
    /// IANA time zone; empty when unknown.
    pub time_zone: String,
    /// Processors.
    pub cpu_count: u32,
    /// Memory in bytes; 0 when unknown.
    pub memory_bytes: u64,
    /// Changes with every start of the machine; empty when unknown.
    pub boot_id: String,
    /// The restic that was found, even one that is too old for jobs; `None` when there is none.
    pub restic: Option<Restic>,
}

/// The restic of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restic {
    /// Its file.
    pub path: PathBuf,
    /// Its version.
    pub version: String,
}

impl Machine {
    /// Looks at the machine.
    pub fn look(config: &Config) -> Self {
        let restic = match Binary::find(&restic_search(config)) {
            Ok(binary) => Some(Restic {
                path: binary.path().to_owned(),
                version: binary.capabilities().version.to_string(),
            }),
            // People see what has to be replaced; that it is too old is what each job ends with.
            Err(restic::Error::TooOld { path, version }) => Some(Restic {
                path,
                version: version.to_string(),
            }),
            Err(_) => None,
        };
        let (node, kernel) = node_and_kernel();
        Self {
            hostname: config.name.clone().unwrap_or(node),
            os: env::consts::OS,
            arch: env::consts::ARCH,
            os_version: os_version(&read("/etc/os-release")),
            kernel,
            time_zone: time_zone(),
            cpu_count: std::thread::available_parallelism()
                .ok()
                .and_then(|count| u32::try_from(count.get()).ok())
                .unwrap_or(0),
            memory_bytes: memory_bytes(&read("/proc/meminfo")),
            boot_id: boot_id(),
            restic,
        }
    }
}

/// Where restic is looked for: the configured path, the search path, beside the agent.
pub fn restic_search(config: &Config) -> Search {
    Search {
        configured: config.restic_path.clone(),
        path: env::var_os("PATH"),
        beside: env::current_exe()
            .ok()
            .and_then(|path| path.parent().map(Path::to_owned)),
    }
}

/// Changes with every start of the machine; empty when the system does not say.
pub fn boot_id() -> String {
    read("/proc/sys/kernel/random/boot_id").trim().to_owned()
}

/// A moment by the clock that runs from the machine's start, sleep included, and that nobody sets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SinceBoot {
    boot_id: String,
    millis: u64,
}

impl SinceBoot {
    /// This moment; `None` when the system does not say.
    pub fn now() -> Option<Self> {
        // Seconds with two digits behind the point.
        let uptime = read("/proc/uptime");
        let (seconds, hundredths) = uptime.split(' ').next()?.split_once('.')?;
        let millis = seconds.parse::<u64>().ok()? * 1000 + hundredths.parse::<u64>().ok()? * 10;
        Some(Self {
            boot_id: boot_id(),
            millis,
        })
    }

    /// How long it is after an earlier moment; `None` when the machine was started anew in between.
    pub fn since(&self, earlier: &Self) -> Option<Duration> {
        let passed = self.millis.checked_sub(earlier.millis)?;
        (self.boot_id == earlier.boot_id).then(|| Duration::from_millis(passed))
    }
}

#[cfg(unix)]
fn node_and_kernel() -> (String, String) {
    let names = rustix::system::uname();
    (
        names.nodename().to_string_lossy().into_owned(),
        names.release().to_string_lossy().into_owned(),
    )
}

#[cfg(not(unix))]
fn node_and_kernel() -> (String, String) {
    (env::var("COMPUTERNAME").unwrap_or_default(), String::new())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Source: os-release(5).
fn os_version(os_release: &str) -> String {
    let value = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    value.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
}

fn memory_bytes(meminfo: &str) -> u64 {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().strip_suffix("kB"));
    kib.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn time_zone() -> String {
    let from_variable = env::var("TZ").ok().map(|zone| zone.trim_start_matches(':').to_owned());
    let from_link = || fs::read_link("/etc/localtime").ok().and_then(|target| zone_of(&target));
    let from_file = || Some(read("/etc/timezone").trim().to_owned());
    let is_zone = |zone: &String| !zone.is_empty() && !zone.starts_with('/');
    from_variable
        .filter(is_zone)
        .or_else(from_link)
        .or_else(from_file)
        .filter(is_zone)
        .unwrap_or_default()
}

/// The zone that `/etc/localtime` points to, as in `../usr/share/zoneinfo/Europe/Berlin`.
fn zone_of(target: &Path) -> Option<String> {
    let (_, zone) = target.to_str()?.split_once("zoneinfo/")?;
    Some(zone.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_name_is_read_with_and_without_quotes() {
        let quoted = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n";

        assert_eq!(os_version(quoted), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(os_version("PRETTY_NAME=Alpine\n"), "Alpine");
        assert_eq!(os_version(""), "");
    }

    #[test]
    fn memory_is_given_in_bytes() {
        assert_eq!(
            memory_bytes("MemTotal:        2048 kB\nMemFree: 1 kB\n"),
            2 * 1024 * 1024
        );
        assert_eq!(memory_bytes("nonsense"), 0);
    }

    #[test]
    fn the_zone_is_the_end_of_the_link() {
        for (target, expected) in [
            ("/usr/share/zoneinfo/Europe/Berlin", Some("Europe/Berlin")),
            ("../usr/share/zoneinfo/UTC", Some("UTC")),
            ("/etc/somewhere", None),
        ] {
            assert_eq!(zone_of(Path::new(target)).as_deref(), expected);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_a_name_a_kernel_memory_and_a_boot_id() {
        let machine = Machine::look(&Config::default());

        assert_eq!(machine.os, "linux");
        assert!(!machine.hostname.is_empty() && !machine.kernel.is_empty());
        assert!(machine.cpu_count > 0 && machine.memory_bytes > 0);
        assert_eq!(machine.boot_id.len(), 36);
    }

    #[test]
    fn a_configured_name_wins() {
        let config = Config {
            name: Some("web-1".to_owned()),
            ..Config::default()
        };

        assert_eq!(Machine::look(&config).hostname, "web-1");
    }
}
