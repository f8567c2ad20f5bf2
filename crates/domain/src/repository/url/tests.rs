use proptest::prelude::*;

use super::*;

#[test]
fn every_backend_has_its_notation_and_its_canonical_form() {
    for (text, kind, canonical) in [
        ("/srv/backup", "local", "/srv/backup"),
        ("/srv//backup/./", "local", "/srv/backup"),
        ("/", "local", "/"),
        ("/srv/../x", "local", "/srv/../x"),
        ("C:/Backup/", "local", r"C:\Backup"),
        (r"C:\", "local", r"C:\"),
        (r"\\nas\share\", "local", r"\\nas\share"),
        (
            "rest:https://Backup.Example.org:443/host-a/",
            "rest",
            "rest:https://backup.example.org/host-a",
        ),
        ("rest:http://nas:8000/", "rest", "rest:http://nas:8000"),
        ("rest:http://[::1]:8000/x", "rest", "rest:http://[::1]:8000/x"),
        (
            "s3:s3.amazonaws.com/bucket/path/",
            "s3",
            "s3:https://s3.amazonaws.com/bucket/path",
        ),
        (
            "s3:https://s3.amazonaws.com/bucket/path",
            "s3",
            "s3:https://s3.amazonaws.com/bucket/path",
        ),
        ("s3:http://minio:9000/bucket", "s3", "s3:http://minio:9000/bucket"),
        ("b2:bucket", "b2", "b2:bucket:"),
        ("b2:bucket:/path/", "b2", "b2:bucket:path"),
        ("sftp:user@host:/srv/backup/", "sftp", "sftp://user@host//srv/backup"),
        (
            "sftp://user@HOST:22//srv/backup",
            "sftp",
            "sftp://user@host//srv/backup",
        ),
        ("sftp:host:backup", "sftp", "sftp://host/backup"),
        ("sftp://host:2222/backup", "sftp", "sftp://host:2222/backup"),
        ("sftp://[::1]:2222//x", "sftp", "sftp://[::1]:2222//x"),
        ("azure:container:/", "azure", "azure:container:"),
        ("gs:bucket:/a/b", "gs", "gs:bucket:a/b"),
        ("swift:container:/path", "swift", "swift:container:path"),
        ("rclone:remote:a/b", "rclone", "rclone:remote:a/b"),
        ("rclone:remote:/a/b", "rclone", "rclone:remote:/a/b"),
    ] {
        let url: RepositoryUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));

        assert_eq!(url.as_str(), text);
        assert_eq!(url.kind().as_str(), kind, "{text}");
        assert_eq!(url.canonical(), canonical, "{text}");
    }
}

#[test]
fn notations_that_restic_reads_alike_become_one() {
    for (given, text) in [
        ("local:/srv/backup", "/srv/backup"),
        ("s3://s3.amazonaws.com/bucket", "s3:s3.amazonaws.com/bucket"),
    ] {
        let url: RepositoryUrl = given.parse().unwrap();

        assert_eq!(url.as_str(), text);
    }
}

#[test]
fn what_is_not_a_location_is_refused_with_its_reason() {
    use InvalidRepositoryUrl as Invalid;
    for (text, reason) in [
        ("", Invalid::Kind),
        ("relative/path", Invalid::Kind),
        ("-o", Invalid::Kind),
        ("ftp://host/", Invalid::Kind),
        ("REST:http://host/", Invalid::Kind),
        (" /srv", Invalid::Characters),
        ("/srv\n", Invalid::Characters),
        ("/srv/\0", Invalid::Characters),
        ("rest:ftp://host/", Invalid::Scheme),
        ("rest:host", Invalid::Scheme),
        ("rest:http://", Invalid::Host),
        ("rest:http:///x", Invalid::Host),
        ("rest:http://-host/", Invalid::Host),
        ("rest:http://user@-host/", Invalid::Host),
        ("rest:http://ho st/", Invalid::Host),
        ("rest:http://[::g]/", Invalid::Host),
        ("rest:http://[::1]x/", Invalid::Host),
        ("rest:http://host:0/", Invalid::Port),
        ("rest:http://host:/", Invalid::Port),
        ("rest:http://host:65536/", Invalid::Port),
        ("rest:http://-user@host/", Invalid::User),
        ("rest:http://%2Duser@host/", Invalid::User),
        ("rest:http://:password@host/", Invalid::User),
        ("rest:http://us%er@host/", Invalid::User),
        ("rest:http://us%00er@host/", Invalid::User),
        ("rest:http://host/?x", Invalid::Query),
        ("rest:http://host/#x", Invalid::Query),
        ("s3:https://key:secret@host/bucket", Invalid::Login),
        ("s3:", Invalid::Host),
        ("s3:host", Invalid::Bucket),
        ("s3:host/-bucket", Invalid::Bucket),
        ("b2:", Invalid::Bucket),
        ("b2:-x:y", Invalid::Bucket),
        ("gs:bucket", Invalid::Path),
        ("gs:/path:x", Invalid::Bucket),
        ("sftp:host", Invalid::Path),
        ("sftp:host:", Invalid::Path),
        ("sftp://host", Invalid::Path),
        ("sftp://host/", Invalid::Path),
        ("sftp::/x", Invalid::Host),
        ("sftp:-oProxyCommand=id:/x", Invalid::Host),
        ("sftp:user@-oProxyCommand=id:/x", Invalid::Host),
        ("sftp:-luser@host:/x", Invalid::User),
        ("sftp:@host:/x", Invalid::User),
        ("sftp://-oProxyCommand=id/x", Invalid::Host),
        ("sftp://user:password@host/x", Invalid::Login),
        ("rclone:remote", Invalid::Path),
        ("rclone::sftp,ssh=id:/x", Invalid::Bucket),
        ("rclone:remote,ssh=id:/x", Invalid::Bucket),
        (&format!("/{}", "x".repeat(4096)), Invalid::TooLong),
    ] {
        assert_eq!(RepositoryUrl::parse(text).unwrap_err(), reason, "{text:?}");
    }
}

#[test]
fn a_login_is_lifted_out_and_decoded() {
    let (url, login) = RepositoryUrl::parse("rest:https://us%40er:p%2Fa:ss@w@host:8000/a").unwrap();

    assert_eq!(url.as_str(), "rest:https://host:8000/a");
    assert_eq!(login.username.as_deref(), Some("us@er"));
    assert_eq!(
        login.password.as_ref().map(|password| password.expose().as_str()),
        Some("p/a:ss@w")
    );
    assert!(!format!("{url:?} {url} {login:?}").contains("p/a"));
}

#[test]
fn a_user_without_password_is_lifted_out_too() {
    for text in ["rest:http://anna@host/", "rest:http://anna:@host/"] {
        let (url, login) = RepositoryUrl::parse(text).unwrap();

        assert_eq!(url.as_str(), "rest:http://host/");
        assert_eq!((login.username.as_deref(), login.password), (Some("anna"), None));
    }
}

#[test]
fn where_no_login_belongs_one_is_refused() {
    assert_eq!(
        "rest:http://anna:secret@host/".parse::<RepositoryUrl>(),
        Err(InvalidRepositoryUrl::Login)
    );
}

#[test]
fn a_nameless_repository_is_called_by_its_location() {
    for (text, name) in [
        ("/srv/backup/", "/srv/backup".to_owned()),
        ("rest:https://host/a/", "rest:https://host/a".to_owned()),
        (&format!("/{}", "x".repeat(100)), format!("/{}", "x".repeat(63))),
    ] {
        let url: RepositoryUrl = text.parse().unwrap();

        assert_eq!(url.suggested_name().map(|name| name.to_string()), Some(name));
    }
}

proptest! {
    #[test]
    fn no_input_leaves_a_user_or_host_that_could_be_an_option(input in "(rest:https?://|sftp:(//)?|s3:|)[-a-z0-9@:/%.\\[\\]]{0,24}") {
        let Ok((url, login)) = RepositoryUrl::parse(&input) else { return Ok(()) };

        let (_, after) = url.as_str().split_once(':').unwrap_or_default();
        let after = after.rsplit_once("://").map_or(after, |(_, rest)| rest).trim_start_matches('/');
        let authority = after.split(['/', ':']).next().unwrap_or_default();

        prop_assert!(!login.username.is_some_and(|user| user.starts_with('-')));
        prop_assert!(!url.as_str().starts_with('-'));
        prop_assert!(url.kind() == RepositoryKind::Local || authority.split('@').all(|part| !part.starts_with('-')), "{url}");
    }

    #[test]
    fn a_parsed_location_parses_again_to_itself(input in "(/|rest:https?://|sftp:(//)?|s3:|b2:|gs:|rclone:)[-a-zA-Z0-9@:/.]{0,24}") {
        let Ok((url, _)) = RepositoryUrl::parse(&input) else { return Ok(()) };

        let again: RepositoryUrl = url.as_str().parse().unwrap();

        prop_assert_eq!(again.as_str(), url.as_str());
        prop_assert_eq!(again.canonical(), url.canonical());
    }
}

#[test]
fn a_login_stays_with_the_server_it_is_for() {
    let check = |one: &str, other: &str, same: bool| {
        let (one, _) = RepositoryUrl::parse(one).unwrap();
        let (other, _) = RepositoryUrl::parse(other).unwrap();
        assert_eq!(one.is_at_server_of(&other), same, "{one} {other}");
        assert_eq!(other.is_at_server_of(&one), same, "{other} {one}");
    };

    check(
        "rest:https://nas.example.org/web",
        "rest:https://NAS.example.org:443/other/",
        true,
    );
    check(
        "rest:https://nas.example.org/web",
        "rest:http://nas.example.org/web",
        false,
    );
    check(
        "rest:https://nas.example.org/web",
        "rest:https://nas.example.org:8000/web",
        false,
    );
    check(
        "rest:https://nas.example.org/web",
        "rest:https://nas.example.org.evil.example/web",
        false,
    );
    check("s3:s3.example.org/bucket", "s3:s3.example.org/other", true);
    check("s3:s3.example.org/bucket", "s3:evil.example/bucket", false);
    check("sftp:web@nas:/srv/a", "sftp:web@nas:/srv/b", true);
    check("sftp:web@nas:/srv/a", "sftp:web@evil:/srv/a", false);
    check("/srv/a", "/srv/b", true);
    check("b2:bucket", "b2:other", true);
    check("/srv/a", "rest:https://evil.example/a", false);
}
