//! What a text of restic, of a storage or of the operating system says about the cause of a failure.
//!
//! Texts are the last resort, used where no exit code says it: always for the storage, and for the repository's state
//! in versions without a code of their own for it.

use domain::job::FailureCode;

/// Each phrase in lower case. The order decides: a full disk is also a write that was refused.
const STORAGE: [(FailureCode, &[&str]); 3] = [
    (
        FailureCode::NoSpace,
        &[
            "(507)",
            "507 insufficient storage",
            "insufficient storage",
            "no space left on device",
            "disk quota exceeded",
            "not enough space on the disk",
            "quotaexceeded",
            "storage_cap_exceeded",
        ],
    ),
    (
        FailureCode::AccessDenied,
        &[
            "(401)",
            "(403)",
            "401 unauthorized",
            "403 forbidden",
            "accessdenied",
            "access denied",
            "access is denied",
            "invalidaccesskeyid",
            "access key id you provided does not exist",
            "signaturedoesnotmatch",
            "authorizationfailed",
            "authenticationfailed",
            "permission denied",
            "operation not permitted",
            "read-only file system",
        ],
    ),
    (
        FailureCode::Unreachable,
        &[
            "connection refused",
            "no such host",
            "could not resolve hostname",
            "name resolution",
            "server misbehaving",
            "network is unreachable",
            "no route to host",
            "host is down",
            "connection reset",
            "connection timed out",
            "i/o timeout",
            "handshake timeout",
            "handshake failure",
            "deadline exceeded",
            "client.timeout",
            "x509: ",
            "tls: ",
            "host key verification failed",
            "(502)",
            "(503)",
            "(504)",
        ],
    ),
];

/// What a storage's answer means; `None` when it says nothing that we know.
pub(crate) fn of_storage(text: &str) -> Option<FailureCode> {
    let text = text.to_lowercase();
    STORAGE
        .into_iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| text.contains(phrase)))
        .map(|(code, _)| code)
}

/// Whether restic ended because it cannot have its cache (0.19). The words of the operating system are those of a
/// storage that refuses; only the stack beneath them tells the two apart.
pub(crate) fn says_cache_unusable(text: &str) -> bool {
    text.contains("backend/cache.New") || text.contains("unable to locate cache directory")
}

/// Whether the line is one of a Go stack, which some versions print beneath an error.
pub(crate) fn is_stack_frame(line: &str) -> bool {
    let is_function = || {
        let packages = [
            "github.com/",
            "golang.org/",
            "main.",
            "runtime.",
            "runtime/",
            "net/",
            "os.",
        ];
        !line.contains(' ') && packages.iter().any(|package| line.starts_with(package))
    };
    line.starts_with('\t') || is_function()
}

/// Whether there is no repository, as versions before 0.17.0 say it. They ask "Is there a repository at the following
/// location?" after every failure to read the config, so a word of absence must stand beside the question.
pub(crate) fn says_repository_missing(text: &str) -> bool {
    const ABSENT: [&str; 7] = [
        "no such file or directory",
        "does not exist",
        "doesn't exist",
        "not found",
        "notfound",
        "cannot find the",
        "404",
    ];
    let text = text.to_lowercase();
    text.contains("unable to open config file") && ABSENT.iter().any(|phrase| text.contains(phrase))
}

/// Whether somebody else holds a lock, as versions before 0.17.0 say it.
pub(crate) fn says_locked(text: &str) -> bool {
    text.contains("repository is already locked")
}

/// Whether no key opens with the password, as versions before 0.17.1 say it.
pub(crate) fn says_wrong_password(text: &str) -> bool {
    text.contains("wrong password or no key found")
}

/// Whether `init` found a repository that is there already. No version has a code for it.
pub(crate) fn says_already_initialized(text: &str) -> bool {
    text.contains("config file already exists")
}

/// Whether none of the paths exists ("target" up to 0.16). No version has a code for it.
pub(crate) fn says_all_sources_missing(text: &str) -> bool {
    text.contains("all source directories/files do not exist")
        || text.contains("all target directories/files do not exist")
}

/// Whether restic was told to stop, by us or by somebody else.
pub(crate) fn says_interrupted(text: &str) -> bool {
    text.contains("context canceled") || text.contains(" received, cleaning up")
}

/// The path in "`/srv/a` does not exist, skipping", which all versions print for a missing source.
pub(crate) fn skipped_source(line: &str) -> Option<&str> {
    line.strip_suffix(" does not exist, skipping")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storages_are_understood() {
        use FailureCode::{AccessDenied, NoSpace, Unreachable};
        for (text, expected) in [
            ("unexpected HTTP response (401): 401 Unauthorized", Some(AccessDenied)),
            ("server response unexpected: 403 Forbidden (403)", Some(AccessDenied)),
            ("mkdir /srv/backup/locks: read-only file system", Some(AccessDenied)),
            ("user@host: Permission denied (publickey).", Some(AccessDenied)),
            (
                "client.Head: dial tcp 127.0.0.1:1: connect: connection refused",
                Some(Unreachable),
            ),
            (
                "dial tcp: lookup h.invalid on 192.0.2.53:53: no such host",
                Some(Unreachable),
            ),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                Some(Unreachable),
            ),
            (
                "unexpected HTTP response (507): 507 Insufficient Storage",
                Some(NoSpace),
            ),
            (
                "write /srv/backup/data/70/70e9-tmp-2: no space left on device",
                Some(NoSpace),
            ),
            ("unknown flag: --nope", None),
        ] {
            assert_eq!(of_storage(text), expected, "{text}");
        }
    }

    #[test]
    fn a_repository_is_missing_only_when_something_is_absent() {
        for (text, expected) in [
            (
                "unable to open config file: stat /srv/repo/config: no such file or directory",
                true,
            ),
            ("unable to open config file: <config/> does not exist", true),
            (
                "unable to open config file: Stat: The specified key does not exist.",
                true,
            ),
            (
                "unable to open config file: dial tcp 127.0.0.1:1: connect: connection refused",
                false,
            ),
            ("unable to open config file: context canceled", false),
            ("/srv/data does not exist, skipping", false),
        ] {
            let text = format!("Fatal: {text}\nIs there a repository at the following location?\n/srv/repo");

            assert_eq!(says_repository_missing(&text), expected, "{text}");
        }
    }
}
