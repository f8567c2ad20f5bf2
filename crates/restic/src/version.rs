//! [`Version`]: which restic it is, and [`Support`], how far we go along with it.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A restic version. A suffix such as `-dev` is dropped: restic uses it for what comes after the named release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// A text that names no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a restic version: three numbers such as 0.18.0 are needed")]
pub struct InvalidVersion;

/// What a version is good for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Support {
    /// Older than 0.14: refused.
    TooOld,
    /// 0.14 and 0.15: backups and listings work, errors come with less detail.
    Limited,
    /// From 0.16.
    Full,
    /// From 0.17.1, the first that tells a wrong password by its exit code.
    Recommended,
}

impl Version {
    /// Names a version.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads what `restic version` printed: a sentence up to 0.16 whether asked for JSON or not, an object from 0.17.
    /// `None` when no line says a version, so the program is not restic.
    pub fn from_output(stdout: &str) -> Option<Self> {
        stdout.lines().find_map(|line| {
            let line = line.trim();
            let text = match serde_json::from_str(line) {
                Ok(Value::Object(object)) => object.get("version")?.as_str()?.to_owned(),
                Ok(_) | Err(_) => line.strip_prefix("restic ")?.split_whitespace().next()?.to_owned(),
            };
            text.parse().ok()
        })
    }

    /// How far we go along with it.
    pub fn support(self) -> Support {
        if self < Self::new(0, 14, 0) {
            Support::TooOld
        } else if self < Self::new(0, 16, 0) {
            Support::Limited
        } else if self < Self::new(0, 17, 1) {
            Support::Full
        } else {
            Support::Recommended
        }
    }
}

impl Support {
    /// What an operator should know about this restic; `None` when there is nothing to say.
    pub const fn notice(self) -> Option<&'static str> {
        match self {
            Self::TooOld => {
                Some("This restic is older than 0.14, so no backup runs on this host. Install restic 0.17.1 or later.")
            }
            Self::Limited => Some(
                "This restic is older than 0.16. Backups run, but errors come without a reason and a changed path \
                 list reads everything again. Install restic 0.17.1 or later.",
            ),
            Self::Full | Self::Recommended => None,
        }
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = numbers.split('.').map(|part| part.parse().map_err(|_| InvalidVersion));
        let mut next = || parts.next().unwrap_or(Err(InvalidVersion));
        let version = Self::new(next()?, next()?, next()?);
        match parts.next() {
            None => Ok(version),
            Some(_) => Err(InvalidVersion),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_restic_version_is_read() {
        for (output, expected) in [
            (
                "restic 0.14.0 compiled with go1.19.8 on linux/amd64\n",
                Some((0, 14, 0)),
            ),
            (
                "restic 0.18.0-dev (compiled manually) compiled with go1.24 on linux/amd64",
                Some((0, 18, 0)),
            ),
            (
                r#"{"version":"0.17.3","go_version":"go1.24.4","go_os":"linux","go_arch":"amd64"}"#,
                Some((0, 17, 3)),
            ),
            (
                r#"{"message_type":"version","version":"0.19.1","go_os":"linux"}"#,
                Some((0, 19, 1)),
            ),
            (
                "a warning first\nrestic 0.16.5 compiled with go1.24.4 on linux/amd64",
                Some((0, 16, 5)),
            ),
            ("restic", None),
            ("restic from somewhere else", None),
            ("borg 1.2.3", None),
            (r#"{"version":17}"#, None),
            ("", None),
        ] {
            let expected = expected.map(|(major, minor, patch)| Version::new(major, minor, patch));

            assert_eq!(Version::from_output(output), expected, "{output}");
        }
    }

    #[test]
    fn versions_compare_by_number_and_not_by_text() {
        let older: Version = "0.9.6".parse().unwrap();
        let newer: Version = "0.16.0".parse().unwrap();

        assert!(older < newer);
        assert_eq!(newer.to_string(), "0.16.0");
        assert_eq!("0.16".parse::<Version>(), Err(InvalidVersion));
        assert_eq!("0.16.0.1".parse::<Version>(), Err(InvalidVersion));
    }

    #[test]
    fn support_follows_the_table() {
        for (version, support) in [
            ("0.13.1", Support::TooOld),
            ("0.14.0", Support::Limited),
            ("0.15.2", Support::Limited),
            ("0.16.0", Support::Full),
            ("0.17.0", Support::Full),
            ("0.17.1", Support::Recommended),
            ("1.0.0", Support::Recommended),
        ] {
            let version: Version = version.parse().unwrap();

            assert_eq!(version.support(), support, "{version}");
        }
    }
}
