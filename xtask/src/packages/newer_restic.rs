//! restic from a later Debian where the distribution's own is too old, without moving any other package.

use std::process::Command;

use crate::process;

/// Where apt reads the additional source from.
pub(crate) const SOURCE_FILE: &str = "/etc/apt/sources.list.d/restic-newer.sources";
/// Where apt reads the pin from that keeps all other packages where they are.
pub(crate) const PIN_FILE: &str = "/etc/apt/preferences.d/restic-newer";
/// The archive's keys; part of every Debian, a package of the same name on Ubuntu.
pub(crate) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The oldest restic that reports errors well enough to be recommended.
const WANTED: (u32, u32) = (0, 17);

/// Whether the restic on the search path is recent enough.
pub(crate) fn is_recent() -> bool {
    let answer = process::output(Command::new("restic").arg("version")).unwrap_or_default();
    answer
        .strip_prefix("restic ")
        .and_then(version)
        .is_some_and(|version| version >= WANTED)
}

/// Whether the package that apt would install, by the answer of `apt-cache policy restic`, is recent enough.
pub(crate) fn candidate_is_recent(policy: &str) -> bool {
    let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    candidate.and_then(version).is_some_and(|version| version >= WANTED)
}

/// The stanza of the additional source.
pub(crate) fn source(mirror: &str) -> String {
    format!(
        "Types: deb\nURIs: {mirror}\nSuites: trixie\nComponents: main\nLanguages: none\nTargets: Packages\nSigned-By: {KEYRING}\n"
    )
}

/// The pin: nothing from the later Debian but the two packages named.
pub(crate) fn pin() -> &'static str {
    "Package: *\nPin: release n=trixie\nPin-Priority: -1\n\n\
     Package: restic restic-rest-server\nPin: release n=trixie\nPin-Priority: 990\n"
}

/// Major and minor number at the start of a text such as `0.18.0-1+b2`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let check = |text, expected| assert_eq!(version(text), expected, "{text}");

        check("0.14.0-1+b5", Some((0, 14)));
        check("0.18.0 compiled with go1.24.4 on linux/amd64", Some((0, 18)));
        check("1.2", Some((1, 2)));
        check("(none)", None);
        check("", None);
    }

    #[test]
    fn the_candidate_decides_whether_a_newer_source_is_needed() {
        let policy =
            |version: &str| format!("restic:\n  Installed: (none)\n  Candidate: {version}\n  Version table:\n");

        assert!(!candidate_is_recent(&policy("0.16.4-2ubuntu0.24.04.2")));
        assert!(candidate_is_recent(&policy("0.18.0-1+b2")));
        assert!(!candidate_is_recent(&policy("(none)")));
        assert!(!candidate_is_recent(""));
    }
}
