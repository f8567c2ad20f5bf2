//! [`BackupPath`]: one absolute path that a host can back up, and [`BackupPaths`], a list of them.

use std::fmt;
use std::str::FromStr;

/// An absolute path of a host, Unix (`/srv/data`) or Windows (`C:\Data`, `\\server\share`).
///
/// Opaque otherwise: it is neither normalised nor looked up, for the host that knows it is elsewhere. It can not be taken
/// for an option, and no part of it is `..`: where that leads depends on links, so nobody could say what is saved.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupPath(String);

/// A text that is no [`BackupPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a path is absolute, such as /srv/data or C:\\Data, without `..`, and has at most 4096 bytes and no control characters"
)]
pub struct InvalidPath;

impl BackupPath {
    /// The most bytes that a path can have.
    pub const MAX_BYTES: usize = 4096;

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BackupPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for BackupPath {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        let is_plain = !goes_up(&text) && !text.chars().any(char::is_control);
        if text.len() <= Self::MAX_BYTES && is_absolute(&text) && is_plain {
            Ok(Self(text))
        } else {
            Err(InvalidPath)
        }
    }
}

impl From<BackupPath> for String {
    fn from(path: BackupPath) -> Self {
        path.0
    }
}

impl fmt::Display for BackupPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BackupPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a backup saves: 1 to [`Self::MAX`] distinct paths in the order given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct BackupPaths(Vec<BackupPath>);

/// Why a list of texts is not [`BackupPaths`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPaths {
    /// There is none.
    #[error("at least one path is needed")]
    Empty,
    /// There are too many.
    #[error("at most {} paths are allowed", BackupPaths::MAX)]
    TooMany,
    /// One of them is not a path.
    #[error("{InvalidPath}")]
    Path {
        /// Which, counted from 0.
        index: usize,
    },
    /// One of them is there twice.
    #[error("each path may be given only once")]
    Twice {
        /// The second of the two, counted from 0.
        index: usize,
    },
}

impl BackupPaths {
    /// How many paths one backup can have.
    pub const MAX: usize = 256;

    /// Reads the texts of all paths.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, InvalidPaths> {
        if texts.is_empty() {
            return Err(InvalidPaths::Empty);
        }
        if texts.len() > Self::MAX {
            return Err(InvalidPaths::TooMany);
        }
        let mut paths: Vec<BackupPath> = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let path = text.as_ref().parse().map_err(|_| InvalidPaths::Path { index })?;
            if paths.contains(&path) {
                return Err(InvalidPaths::Twice { index });
            }
            paths.push(path);
        }
        Ok(Self(paths))
    }

    /// The paths in the order given; never empty.
    pub fn as_slice(&self) -> &[BackupPath] {
        &self.0
    }

    /// The paths as texts.
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl TryFrom<Vec<String>> for BackupPaths {
    type Error = InvalidPaths;

    fn try_from(texts: Vec<String>) -> Result<Self, InvalidPaths> {
        Self::parse(&texts)
    }
}

impl From<BackupPaths> for Vec<String> {
    fn from(paths: BackupPaths) -> Self {
        paths.to_strings()
    }
}

fn is_absolute(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_drive = matches!(bytes, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic());
    // A share on a server: at least \\s\n, so that a name follows both parts.
    let is_share = text.strip_prefix(r"\\").is_some_and(|rest| {
        let mut parts = rest.split('\\');
        parts.next().is_some_and(|server| !server.is_empty()) && parts.next().is_some_and(|share| !share.is_empty())
    });
    text.starts_with('/') || has_drive || is_share
}

/// Whether a part of the path is `..`. A backslash divides the parts of Windows paths alone.
fn goes_up(text: &str) -> bool {
    let is_unix = text.starts_with('/');
    let mut parts = text.split(|c| c == '/' || (c == '\\' && !is_unix));
    parts.any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_of_both_worlds_are_taken_as_they_are() {
        for text in [
            "/",
            "/srv/data",
            "/srv/-x/..z/ä b",
            "/a\\..\\b",
            "C:\\",
            "c:/Users",
            r"\\nas\share\x",
            &format!("/{}", "x".repeat(4095)),
        ] {
            let path: BackupPath = text.parse().unwrap();

            assert_eq!(path.as_str(), text);
        }
    }

    #[test]
    fn what_is_relative_too_long_or_an_option_is_refused() {
        for text in [
            "",
            "srv",
            "./srv",
            "~/x",
            "$HOME",
            "-o",
            "--exclude=/x",
            "C:",
            "C:x",
            "1:\\x",
            r"\\nas",
            r"\\nas\",
            r"\x",
            "/a\0b",
            "/a\nb",
            "/a\u{7f}",
            " /a",
            "/..",
            "/srv/../etc",
            "/srv/..",
            r"C:\..\x",
            "C:/x/..",
            &format!("/{}", "x".repeat(4096)),
        ] {
            assert_eq!(text.parse::<BackupPath>(), Err(InvalidPath), "{text:?}");
        }
    }

    #[test]
    fn a_list_of_paths_keeps_its_order() {
        let paths = BackupPaths::parse(&["/b", "/a"]).unwrap();

        assert_eq!(paths.to_strings(), ["/b", "/a"]);
        assert_eq!(paths.as_slice()[0].as_str(), "/b");
    }

    #[test]
    fn a_bad_list_of_paths_says_which_one() {
        let many: Vec<String> = (0..257).map(|number| format!("/{number}")).collect();

        assert_eq!(BackupPaths::parse::<&str>(&[]), Err(InvalidPaths::Empty));
        assert_eq!(BackupPaths::parse(&["/a", "b"]), Err(InvalidPaths::Path { index: 1 }));
        assert_eq!(BackupPaths::parse(&["/a", "/a"]), Err(InvalidPaths::Twice { index: 1 }));
        assert_eq!(BackupPaths::parse(&many), Err(InvalidPaths::TooMany));
        assert!(BackupPaths::parse(&many[1..]).is_ok());
    }

    #[test]
    fn a_stored_list_is_checked_when_it_is_read() {
        let paths = BackupPaths::parse(&["/srv", r"C:\Data"]).unwrap();

        let stored = serde_json::to_string(&paths).unwrap();

        assert_eq!(stored, r#"["/srv","C:\\Data"]"#);
        assert_eq!(serde_json::from_str::<BackupPaths>(&stored).unwrap(), paths);
        assert!(serde_json::from_str::<BackupPaths>(r#"["--option"]"#).is_err());
    }
}
