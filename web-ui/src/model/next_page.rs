//! Where to go after signing in.

/// The path that `next` names, if it is one of this console; else the start page.
///
/// Another site's address must not be reachable from a link to our login.
pub fn after_login(next: Option<&str>) -> String {
    let own = |path: &&str| {
        let mut characters = path.chars();
        characters.next() == Some('/')
            && !matches!(characters.next(), Some('/' | '\\'))
            && !path.contains(|c: char| c.is_control() || c == '\\')
            && !["/login", "/bootstrap"].iter().any(|page| path.starts_with(page))
    };
    next.filter(own).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_console_are_followed() {
        let cases = [
            (Some("/hosts?q=web"), "/hosts?q=web"),
            (Some("/jobs/1#L3"), "/jobs/1#L3"),
            (None, "/"),
            (Some(""), "/"),
            (Some("hosts"), "/"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("/a\\..\\b"), "/"),
            (Some("/\t/evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("javascript:alert(1)"), "/"),
            (Some("/login?next=/login"), "/"),
        ];
        for (next, expected) in cases {
            assert_eq!(after_login(next), expected, "{next:?}");
        }
    }
}
