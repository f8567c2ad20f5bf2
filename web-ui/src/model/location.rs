//! Where a repository lies, while somebody writes it: which kind that is, and what that kind asks for.

use domain::repository::{RepositoryKind, RepositoryUrl};

use crate::i18n::t;

/// The kind of a location as far as it is written.
pub fn kind_of(location: &str) -> RepositoryKind {
    let location = location.trim_start();
    let named = RepositoryKind::ALL.into_iter().find(|kind| {
        let rest = location.strip_prefix(kind.as_str());
        rest.is_some_and(|rest| rest.starts_with(':'))
    });
    named.unwrap_or(RepositoryKind::Local)
}

/// The location with the beginning of another kind. What stands behind the beginning stays.
pub fn with_kind(location: &str, kind: RepositoryKind) -> String {
    let location = location.trim_start();
    let before = kind_of(location);
    if before == kind {
        return location.to_owned();
    }
    let prefix = format!("{before}:");
    let rest = location.strip_prefix(&prefix).unwrap_or(location);
    match kind {
        RepositoryKind::Local => rest.to_owned(),
        RepositoryKind::Rest
        | RepositoryKind::S3
        | RepositoryKind::B2
        | RepositoryKind::Sftp
        | RepositoryKind::Azure
        | RepositoryKind::Gs
        | RepositoryKind::Swift
        | RepositoryKind::Rclone => format!("{kind}:{rest}"),
    }
}

/// What is wrong with a location, in the server's own words; `None` when nothing is.
pub fn problem(location: &str) -> Option<String> {
    RepositoryUrl::parse(location.trim())
        .err()
        .map(|error| error.to_string())
}

/// The name of a kind, for people.
pub const fn name(kind: RepositoryKind) -> &'static str {
    match kind {
        RepositoryKind::Local => t::KIND_LOCAL,
        RepositoryKind::Rest => t::KIND_REST,
        RepositoryKind::S3 => t::KIND_S3,
        RepositoryKind::B2 => t::KIND_B2,
        RepositoryKind::Sftp => t::KIND_SFTP,
        RepositoryKind::Azure => t::KIND_AZURE,
        RepositoryKind::Gs => t::KIND_GS,
        RepositoryKind::Swift => t::KIND_SWIFT,
        RepositoryKind::Rclone => t::KIND_RCLONE,
    }
}

/// How a location of this kind is written, and what it needs.
pub const fn help(kind: RepositoryKind) -> &'static str {
    match kind {
        RepositoryKind::Local => t::HELP_LOCAL,
        RepositoryKind::Rest => t::HELP_REST,
        RepositoryKind::S3 => t::HELP_S3,
        RepositoryKind::B2 => t::HELP_B2,
        RepositoryKind::Sftp => t::HELP_SFTP,
        RepositoryKind::Azure => t::HELP_AZURE,
        RepositoryKind::Gs => t::HELP_GS,
        RepositoryKind::Swift => t::HELP_SWIFT,
        RepositoryKind::Rclone => t::HELP_RCLONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_says_the_kind() {
        let cases = [
            ("", RepositoryKind::Local),
            ("/srv/restic", RepositoryKind::Local),
            ("C:\\backup", RepositoryKind::Local),
            (" rest:https://x", RepositoryKind::Rest),
            ("s3:", RepositoryKind::S3),
            ("s3", RepositoryKind::Local),
            ("sftp:user@host:/x", RepositoryKind::Sftp),
            ("rclone:remote:x", RepositoryKind::Rclone),
        ];
        for (location, kind) in cases {
            assert_eq!(kind_of(location), kind, "{location:?}");
        }
    }

    #[test]
    fn another_kind_keeps_what_was_written_behind_it() {
        let cases = [
            ("", RepositoryKind::Rest, "rest:"),
            ("rest:", RepositoryKind::S3, "s3:"),
            ("rest:https://x/y", RepositoryKind::Rest, "rest:https://x/y"),
            ("s3:host/bucket", RepositoryKind::B2, "b2:host/bucket"),
            ("b2:bucket", RepositoryKind::Local, "bucket"),
            ("/srv/x", RepositoryKind::Local, "/srv/x"),
        ];
        for (location, kind, expected) in cases {
            assert_eq!(with_kind(location, kind), expected, "{location:?} {kind}");
        }
    }

    /// The example is what people copy: it has to be one that the server takes.
    #[test]
    fn the_example_of_every_kind_is_a_location_of_that_kind() {
        for kind in RepositoryKind::ALL {
            let example = help(kind)
                .split_whitespace()
                .map(|word| word.trim_end_matches(['.', ',', ':']))
                .find(|word| problem(word).is_none());

            assert_eq!(example.map(kind_of), Some(kind), "{}", help(kind));
        }
    }

    #[test]
    fn a_bad_location_is_refused_as_the_server_would() {
        assert_eq!(problem(" rest:https://backup.example.org/web-01 "), None);
        for location in ["", "srv/restic", "rest:ftp://x", "sftp:-oProxyCommand=x:/y"] {
            assert!(problem(location).is_some(), "{location:?}");
        }
    }
}
