//! What hosts download from this server: the agent's program, and the files that install it.
//!
//! Names come from closed lists, never from a request, so no request can name another file. What lies in the data
//! directory comes before what a package brought, and that before what is built in.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use domain::ErrorCode;
use sha2::{Digest as _, Sha256};

use super::{App, Error};

/// Below the data directory: agents that an operator publishes.
const AGENTS: &str = "agent-binaries";
/// Below the data directory: an operator's own versions of the install files.
const INSTALL: &str = "install";
/// How many files keep their hash; more only exist while files are being replaced.
const KEPT_HASHES: usize = 64;

/// A system that an agent may exist for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    os: &'static str,
    arch: &'static str,
}

impl Platform {
    /// Operating systems by their names in requests.
    pub const SYSTEMS: &'static [&'static str] = &["linux", "windows"];
    /// Processors by their names in requests.
    pub const PROCESSORS: &'static [&'static str] = &["amd64", "arm64"];

    /// Reads the two names; `None` when one is not in its list.
    pub fn parse(os: &str, arch: &str) -> Option<Self> {
        let known = |list: &'static [&'static str], name: &str| list.iter().copied().find(|known| *known == name);
        Some(Self {
            os: known(Self::SYSTEMS, os)?,
            arch: known(Self::PROCESSORS, arch)?,
        })
    }

    /// The program's name as it is published, such as `restic-manager-agent-linux-amd64`.
    pub fn file_name(self) -> String {
        let Self { os, arch } = self;
        let suffix = if os == "windows" { ".exe" } else { "" };
        format!("restic-manager-agent-{os}-{arch}{suffix}")
    }

    /// Whether this server's own program is for this system.
    fn is_own(self) -> bool {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        (self.os, self.arch) == (std::env::consts::OS, arch)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)
    }
}

/// A file that installs the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallFile {
    /// Its name.
    pub name: &'static str,
    built_in: &'static [u8],
}

impl InstallFile {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "install.sh",
            built_in: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/install.sh")),
        },
        Self {
            name: "restic-manager-agent.service",
            built_in: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../deploy/systemd/restic-manager-agent.service"
            )),
        },
    ];

    /// Finds one by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|file| file.name == name)
    }
}

/// A file for hosts, and what is known of its content.
#[derive(Debug)]
pub struct Published {
    /// Where the content is.
    pub content: Content,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of it, 64 lower-case hex digits.
    pub sha256: String,
}

/// Where the content of a [`Published`] is.
#[derive(Debug)]
pub enum Content {
    /// Part of this program.
    BuiltIn(&'static [u8]),
    /// An open file, at its beginning. It stays what it was when somebody puts another in its place.
    File(File),
}

/// Hashes that were computed before, by what tells whether a file is still the same.
#[derive(Clone, Default)]
pub(super) struct Hashes(Arc<Mutex<HashMap<Version, String>>>);

#[derive(PartialEq, Eq, Hash)]
struct Version {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl App {
    /// The agent's program for a system. `not_published` when this server has none.
    pub async fn published_agent(&self, platform: Platform) -> Result<Published, Error> {
        let settings = self.settings();
        let name = platform.file_name();
        let mut places = vec![
            settings.data_dir.join(AGENTS).join(&name),
            settings.dist_dir.join(&name),
        ];
        if platform.is_own() {
            // Both programs of one build or one package lie side by side.
            let beside = std::env::current_exe().map(|program| program.with_file_name("restic-manager-agent"));
            places.extend(beside);
        }
        self.first_of(places).await?.ok_or_else(|| {
            Error::refuse_with(
                ErrorCode::NotPublished,
                format!(
                    "This server has no agent for {platform}. Whoever runs it puts the program into its data directory, as \
                     `{AGENTS}/{name}`."
                ),
            )
        })
    }

    /// A file that installs the agent: an operator's own version, else a package's, else the one built in.
    pub async fn install_file(&self, file: InstallFile) -> Result<Published, Error> {
        let settings = self.settings();
        let places = [settings.data_dir.join(INSTALL), settings.dist_dir.clone()];
        let places = places.map(|folder| folder.join(file.name)).into();
        Ok(self.first_of(places).await?.unwrap_or_else(|| Published {
            content: Content::BuiltIn(file.built_in),
            size: file.built_in.len() as u64,
            sha256: HEXLOWER.encode(&Sha256::digest(file.built_in)),
        }))
    }

    async fn first_of(&self, places: Vec<PathBuf>) -> Result<Option<Published>, Error> {
        let hashes = self.0.published.clone();
        let opened = tokio::task::spawn_blocking(move || {
            places
                .into_iter()
                .find_map(|place| open(place, &hashes).transpose())
                .transpose()
        });
        let failed =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::failed("reading a file for hosts", source);
        opened
            .await
            .map_err(|error| failed(error.into()))?
            .map_err(|error| failed(error.into()))
    }
}

/// Opens a file and hashes what is in it; `None` when there is no such file.
fn open(place: PathBuf, hashes: &Hashes) -> io::Result<Option<Published>> {
    let mut file = match File::open(place) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let version = Version {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    };
    // Held while hashing: whoever asks meanwhile wants the same answer, and gets it without the work.
    let mut known = hashes.0.lock().unwrap_or_else(PoisonError::into_inner);
    let sha256 = if let Some(sha256) = known.get(&version) {
        sha256.clone()
    } else {
        let sha256 = hash(&mut file)?;
        if known.len() >= KEPT_HASHES {
            known.clear();
        }
        known.insert(version, sha256.clone());
        sha256
    };
    Ok(Some(Published {
        content: Content::File(file),
        size: metadata.size(),
        sha256,
    }))
}

fn hash(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    file.rewind()?;
    Ok(HEXLOWER.encode(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_replaced_file_gets_its_own_hash_and_an_open_one_stays_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("agent");
        let hashes = Hashes::default();
        fs::write(&place, "one").unwrap();

        let first = open(place.clone(), &hashes).unwrap().unwrap();
        let again = open(place.clone(), &hashes).unwrap().unwrap();
        fs::write(directory.path().join("new"), "two").unwrap();
        fs::rename(directory.path().join("new"), &place).unwrap();
        let second = open(place, &hashes).unwrap().unwrap();

        assert_eq!(first.sha256, HEXLOWER.encode(&Sha256::digest("one")));
        assert_eq!(again.sha256, first.sha256);
        assert_eq!(second.sha256, HEXLOWER.encode(&Sha256::digest("two")));
        assert_eq!((text(first), text(again), text(second)), texts(["one", "one", "two"]));
    }

    #[test]
    fn what_is_no_file_is_not_published() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "").unwrap();

        for place in ["", "absent", "file/below"] {
            assert!(
                open(directory.path().join(place), &Hashes::default())
                    .unwrap()
                    .is_none(),
                "{place:?}"
            );
        }
    }

    #[test]
    fn only_listed_systems_are_known() {
        assert_eq!(
            Platform::parse("linux", "arm64").unwrap().file_name(),
            "restic-manager-agent-linux-arm64"
        );
        assert_eq!(
            Platform::parse("windows", "amd64").unwrap().file_name(),
            "restic-manager-agent-windows-amd64.exe"
        );
        for (os, arch) in [
            ("linux", "x86_64"),
            ("linux", "../amd64"),
            ("", "amd64"),
            ("Linux", "amd64"),
        ] {
            assert_eq!(Platform::parse(os, arch), None, "{os} {arch}");
        }
    }

    fn text(published: Published) -> String {
        let Content::File(file) = published.content else {
            panic!("not a file")
        };
        io::read_to_string(file).unwrap()
    }

    fn texts(texts: [&str; 3]) -> (String, String, String) {
        let [one, two, three] = texts.map(str::to_owned);
        (one, two, three)
    }
}
