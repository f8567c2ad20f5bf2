use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::store::DatabaseUrl;

const YAML: &str = "/etc/restic-manager-server/server.yaml";

#[test]
fn without_any_setting_the_defaults_hold() {
    let config = load(&[], &[]).unwrap();

    assert_eq!(
        config,
        Config {
            database: Database {
                data_dir: "/var/lib/restic-manager-server".into(),
                dist_dir: "/usr/share/restic-manager/dist".into(),
                url: DatabaseUrl::Sqlite("/var/lib/restic-manager-server/restic-manager.db".into()),
            },
            listen: Listen {
                web: "0.0.0.0:8080".parse().unwrap(),
                agents: "0.0.0.0:8443".parse().unwrap(),
                base_url: "http://localhost:8080".parse().unwrap(),
                ui_dir: None,
                trusted_proxies: Vec::new(),
            },
            agents: Agents {
                certificate_ttl: Duration::from_hours(24 * 7),
                url: "https://localhost:8443".parse().unwrap(),
                offline_after: Duration::from_secs(90),
            },
            history: History {
                jobs: Some(Duration::from_hours(365 * 24)),
                logs: Some(Duration::from_hours(90 * 24)),
                audit: None,
            },
            limits: Limits::default(),
            tls: None,
            secrets: Secrets {
                key_file: "/var/lib/restic-manager-server/secret.key".into(),
            },
            auth: Auth {
                secure_cookies: false,
                session_ttl: Duration::from_hours(24),
                bootstrap_token_file: None,
            },
            telemetry: Telemetry {
                filter: "info".to_owned(),
                format: LogFormat::Auto,
            },
        }
    );
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "listen: 127.0.0.1:1\nagent_listen: 127.0.0.1:2\nsession_ttl: 1h\n";

    let config = load(&[("RM_LISTEN", "127.0.0.1:9")], &[(YAML, file)]).unwrap();

    assert_eq!(config.listen.web.port(), 9);
    assert_eq!(config.listen.agents.port(), 2);
    assert_eq!(config.auth.session_ttl, Duration::from_hours(1));
    assert_eq!(config.agents.offline_after, Duration::from_secs(90));
}

#[test]
fn a_later_variable_replaces_an_earlier_one() {
    let config = load(&[("RM_LOG", "warn"), ("RM_LOG", "debug")], &[]).unwrap();

    assert_eq!(config.telemetry.filter, "debug");
}

#[test]
fn the_file_may_be_elsewhere_and_may_be_absent() {
    let moved = load(
        &[("RM_CONFIG", "/srv/rm.yaml")],
        &[("/srv/rm.yaml", "log: trace"), (YAML, "log: warn")],
    )
    .unwrap();
    let absent = load(&[("RM_CONFIG", "/srv/rm.yaml")], &[]).unwrap();

    assert_eq!(moved.telemetry.filter, "trace");
    assert_eq!(absent.telemetry.filter, "info");
}

#[test]
fn other_places_follow_from_the_data_directory_and_the_base_url() {
    let config = load(
        &[
            ("RM_DATA_DIR", "/srv/rm"),
            ("RM_BASE_URL", "https://backup.example.org"),
            ("RM_AGENT_LISTEN", "[::]:9443"),
        ],
        &[],
    )
    .unwrap();

    assert_eq!(
        config.database.url,
        DatabaseUrl::Sqlite("/srv/rm/restic-manager.db".into())
    );
    assert_eq!(config.secrets.key_file, PathBuf::from("/srv/rm/secret.key"));
    assert_eq!(config.agents.url.to_string(), "https://backup.example.org:9443");
    assert!(config.auth.secure_cookies, "auto follows the base URL");
}

#[test]
fn a_file_may_use_lists_numbers_booleans_and_nothing() {
    let file = "trusted_proxy: [10.0.0.5/8, '::1']\ncookie_secure: true\ntls_cert:\ntls_key: ''\n";

    let config = load(&[], &[(YAML, file)]).unwrap();

    let shown: Vec<String> = config.listen.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.0.0.0/8", "::1/128"]);
    assert!(config.auth.secure_cookies);
    assert_eq!(config.tls, None);
}

#[test]
fn an_empty_variable_leaves_the_file_in_charge() {
    let config = load(&[("RM_LOG", "")], &[(YAML, "log: warn")]).unwrap();

    assert_eq!(config.telemetry.filter, "warn");
}

#[test]
fn a_secret_value_may_come_from_a_file_of_its_own() {
    let url = "postgres://rm:hunter2@db.example.org/rm";
    let content = format!("{url}\n");
    let expected: DatabaseUrl = url.parse().unwrap();

    let by_variable = load(&[("RM_DATABASE_URL_FILE", "/run/db")], &[("/run/db", &content)]).unwrap();
    let by_yaml = load(&[], &[(YAML, "database_url_file: /run/db"), ("/run/db", &content)]).unwrap();

    assert_eq!(by_variable.database.url, expected);
    assert_eq!(by_yaml.database.url, expected);
}

#[test]
fn the_value_and_its_file_form_together_are_refused() {
    let problems = problems(
        &[
            ("RM_DATABASE_URL", "sqlite:///a.db"),
            ("RM_DATABASE_URL_FILE", "/run/db"),
        ],
        &[("/run/db", "sqlite:///b.db")],
    );

    assert_eq!(
        problems,
        ["RM_DATABASE_URL_FILE from the environment: RM_DATABASE_URL is set as well; set one of the two"]
    );
}

#[test]
fn the_environment_may_replace_a_secret_file_of_the_yaml() {
    let config = load(
        &[("RM_DATABASE_URL", "sqlite:///a.db")],
        &[(YAML, "database_url_file: /absent")],
    )
    .unwrap();

    assert_eq!(config.database.url, DatabaseUrl::Sqlite("/a.db".into()));
}

#[test]
fn all_problems_are_reported_together_with_key_source_and_what_is_allowed() {
    let file = "listen: 8080\nofline_after: 90s\noffline_after: 1s\nlog: {level: info}\n";

    let problems = problems(
        &[
            ("RM_LISTENN", "x"),
            ("RM_AGENT_LISTEN", "localhost"),
            ("RM_SESSION_TTL", "31d"),
            ("RM_TLS_CERT", "/cert.pem"),
        ],
        &[(YAML, file)],
    );

    assert_eq!(
        problems,
        [
            "RM_LISTENN from the environment: there is no such setting; correct the name or remove it",
            "ofline_after from /etc/restic-manager-server/server.yaml: there is no such setting; correct the name or \
             remove it",
            "log from /etc/restic-manager-server/server.yaml: the value must be one text, number or list of them",
            "listen from /etc/restic-manager-server/server.yaml: `8080` is not allowed; give an IP address and a port \
             such as `0.0.0.0:8080` or `[::]:8080`",
            "RM_AGENT_LISTEN from the environment: `localhost` is not allowed; give an IP address and a port such as \
             `0.0.0.0:8443` or `[::]:8443`",
            "offline_after from /etc/restic-manager-server/server.yaml: `1s` is not allowed; give a duration from `5s` \
             to `1d`",
            "RM_TLS_CERT from the environment: `RM_TLS_KEY` is missing; set both or none",
            "RM_SESSION_TTL from the environment: `31d` is not allowed; give a duration from `5m` to `30d`",
        ]
    );
}

#[test]
fn each_key_refuses_what_it_does_not_allow() {
    for (name, value) in [
        ("RM_DATABASE_URL", "mysql://host/db"),
        ("RM_LISTEN", "localhost:8080"),
        ("RM_BASE_URL", "https://host/path"),
        ("RM_AGENT_URL", "http://host:8443"),
        ("RM_TRUSTED_PROXY", "10.0.0.0/8,proxy.example.org"),
        ("RM_TRUSTED_PROXY", "10.0.0.0/33"),
        ("RM_TLS_KEY", "/key.pem"),
        ("RM_COOKIE_SECURE", "yes"),
        ("RM_SESSION_TTL", "4m"),
        ("RM_OFFLINE_AFTER", "25h"),
        ("RM_AGENT_LISTINGS", "1"),
        ("RM_AGENT_MESSAGE", "128KiB"),
        ("RM_AGENT_MESSAGE", "5MiB"),
        ("RM_AGENT_STREAMS", "1"),
        ("RM_AGENT_STREAM_WINDOW", "8KiB"),
        ("RM_AGENT_CONNECTION_WINDOW", "65MiB"),
        ("RM_AGENT_SEND_BUFFER", "0"),
        ("RM_LOG", "inof"),
        ("RM_LOG", "server=loud"),
        ("RM_LOG_FORMAT", "xml"),
    ] {
        let problems = problems(&[(name, value)], &[]);

        assert_eq!(problems.len(), 1, "{name}={value}");
        assert!(problems[0].starts_with(name), "{problems:?}");
    }
}

#[test]
fn a_secret_value_is_not_repeated_in_its_problem() {
    let problems = problems(&[("RM_DATABASE_URL", "mysql://rm:hunter2@db/rm")], &[]);

    assert!(problems[0].contains("RM_DATABASE_URL"), "{problems:?}");
    assert!(!problems[0].contains("hunter2"), "{problems:?}");
}

#[test]
fn names_of_the_agent_the_tests_and_other_programs_are_none_of_ours() {
    let variables = [
        ("RM_SERVER", "x"),
        ("RM_TOKEN", "x"),
        ("RM_TEST_POSTGRES_URL", "x"),
        ("PATH", "x"),
        ("RMX", "x"),
    ];

    assert!(load(&variables, &[]).is_ok());
}

#[test]
fn a_file_that_is_no_mapping_or_no_yaml_or_unreadable_is_a_problem() {
    for (content, word) in [
        ("- a\n- b\n", "lines"),
        ("log: [", "YAML"),
        ("log: info\nlog: warn\n", "YAML"),
    ] {
        let problems = problems(&[], &[(YAML, content)]);

        assert_eq!(problems.len(), 1, "{content}");
        assert!(problems[0].contains(YAML) && problems[0].contains(word), "{problems:?}");
    }
    let denied = Config::load([], &|_: &Path| Err(io::ErrorKind::PermissionDenied.into())).unwrap_err();
    assert!(denied.to_string().contains("permission denied"), "{denied}");
}

#[test]
fn the_file_cannot_name_another_file_and_spells_keys_in_lower_case() {
    for content in [
        "config: /other.yaml",
        "LISTEN: 127.0.0.1:1",
        "rm_listen: 127.0.0.1:1",
        "1: 2",
    ] {
        assert_eq!(problems(&[], &[(YAML, content)]).len(), 1, "{content}");
    }
}

#[test]
fn an_unreadable_secret_file_is_named() {
    let problems = problems(&[("RM_DATABASE_URL_FILE", "/run/absent")], &[]);

    assert!(
        problems[0].starts_with("RM_DATABASE_URL_FILE from the environment: /run/absent cannot be read"),
        "{problems:?}"
    );
}

#[test]
fn a_value_that_is_not_text_is_a_problem() {
    let variable = ("RM_LOG".into(), OsString::from_vec(vec![0xff]));

    let refused = Config::load([variable], &|_: &Path| Err(io::ErrorKind::NotFound.into())).unwrap_err();

    assert_eq!(refused.iter().count(), 1);
    assert!(
        refused
            .to_string()
            .contains("RM_LOG from the environment: the value is not UTF-8 text")
    );
}

#[test]
fn the_reference_names_every_key_with_its_forms() {
    let page = reference();

    for key in keys::ALL {
        assert!(
            page.contains(&format!("\n## {}\n\n{}\n", key.env, key.meaning)),
            "{}",
            key.env
        );
        assert!(
            key.env == env::CONFIG || page.contains(&format!("`{}`", key.yaml())),
            "{}",
            key.env
        );
    }
    assert!(page.contains("`RM_DATABASE_URL_FILE` or `database_url_file`"));
    assert!(!page.contains("RM_LISTEN_FILE"));
}

fn load(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Config, Problems> {
    let files: HashMap<&Path, &str> = files.iter().map(|(path, text)| (Path::new(*path), *text)).collect();
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::load(variables, &|path: &Path| {
        files
            .get(path)
            .map(|text| (*text).to_owned())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

fn problems(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Vec<String> {
    load(variables, files)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}
