//! [`Environment`]: all that restic finds in its environment. The caller clears the child's own first.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use domain::Secret;

use crate::redact::percent_encoded;
use crate::{Access, Capabilities};

/// Where ssh is looked for. Fixed, so that nobody's search path decides what runs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Status lines a second; without it restic writes 10 to 60 of them.
const PROGRESS_FPS: &str = "2";

/// Where restic keeps things, and how it gets the password.
#[derive(Debug, Clone)]
pub struct Places {
    /// The cache. restic 0.19 fails when it cannot be written; one directory per operating system user.
    pub cache: PathBuf,
    /// Temporary files: packs before they are uploaded.
    pub temporary: PathBuf,
    /// The home directory: ssh's known hosts.
    pub home: PathBuf,
    /// The number under which the child finds the read end of a pipe with the password, as in `/proc/self/fd/3`.
    pub password_descriptor: u32,
}

/// The variables of one restic process. `Debug` shows their names only.
#[derive(Clone)]
pub struct Environment(Vec<(&'static str, Value)>);

#[derive(Clone)]
enum Value {
    Plain(OsString),
    Secret(Secret<String>),
}

impl Environment {
    pub(crate) fn new(capabilities: &Capabilities, access: &Access, places: &Places) -> Self {
        let plain = |text: &str| Value::Plain(text.into());
        let mut vars = vec![
            (
                "RESTIC_PASSWORD_FILE",
                Value::Plain(format!("/proc/self/fd/{}", places.password_descriptor).into()),
            ),
            ("RESTIC_CACHE_DIR", Value::Plain(places.cache.clone().into())),
            ("RESTIC_PROGRESS_FPS", plain(PROGRESS_FPS)),
            ("TMPDIR", Value::Plain(places.temporary.clone().into())),
            ("HOME", Value::Plain(places.home.clone().into())),
            ("PATH", plain(PATH)),
        ];
        let location = access.url.as_str();
        match &access.login {
            Some(login) if capabilities.rest_login_variables => {
                vars.push(("RESTIC_REPOSITORY", plain(location)));
                vars.push(("RESTIC_REST_USERNAME", plain(&login.user)));
                vars.push(("RESTIC_REST_PASSWORD", Value::Secret(login.password.clone())));
            }
            Some(login) => {
                let userinfo = format!(
                    "://{}:{}@",
                    percent_encoded(&login.user),
                    percent_encoded(login.password.expose())
                );
                let location = location.replacen("://", &userinfo, 1);
                vars.push(("RESTIC_REPOSITORY", Value::Secret(Secret::new(location))));
            }
            None => vars.push(("RESTIC_REPOSITORY", plain(location))),
        }
        vars.extend(
            access
                .env
                .iter()
                .map(|(name, value)| (name.as_str(), Value::Secret(value.clone()))),
        );
        Self(vars)
    }

    /// Names and values, to be set after the child's environment was cleared. Each name occurs once.
    pub fn vars(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        self.0.iter().map(|(name, value)| {
            let value = match value {
                Value::Plain(text) => text.as_os_str(),
                Value::Secret(secret) => OsStr::new(secret.expose()),
            };
            (*name, value)
        })
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::repository::{BackendEnv, RepositoryKind};

    use super::*;
    use crate::Version;

    #[test]
    fn a_local_repository_gets_the_fixed_variables_and_no_more() {
        let access = access("/srv/backup");

        let environment = Environment::new(&capabilities("0.18.0"), &access, &places());

        assert_eq!(
            listed(&environment),
            BTreeMap::from([
                ("HOME", "/var/lib/restic-manager".to_owned()),
                ("PATH", PATH.to_owned()),
                ("RESTIC_CACHE_DIR", "/var/cache/restic-manager".to_owned()),
                ("RESTIC_PASSWORD_FILE", "/proc/self/fd/3".to_owned()),
                ("RESTIC_PROGRESS_FPS", "2".to_owned()),
                ("RESTIC_REPOSITORY", "/srv/backup".to_owned()),
                ("TMPDIR", "/var/lib/restic-manager/tmp".to_owned()),
            ])
        );
    }

    #[test]
    fn a_rest_login_stays_out_of_the_url_where_restic_knows_its_variables() {
        let access = with_login("us er", "p@ss/word");

        let newer = listed(&Environment::new(&capabilities("0.16.1"), &access, &places()));
        let older = listed(&Environment::new(&capabilities("0.16.0"), &access, &places()));

        assert_eq!(newer["RESTIC_REPOSITORY"], "rest:https://host:8000/a");
        assert_eq!(newer["RESTIC_REST_USERNAME"], "us er");
        assert_eq!(newer["RESTIC_REST_PASSWORD"], "p@ss/word");
        assert_eq!(
            older["RESTIC_REPOSITORY"],
            "rest:https://us%20er:p%40ss%2Fword@host:8000/a"
        );
        assert!(!older.contains_key("RESTIC_REST_USERNAME") && !older.contains_key("RESTIC_REST_PASSWORD"));
    }

    #[test]
    fn the_backends_own_variables_are_handed_on() {
        let variables = [("B2_ACCOUNT_KEY", Secret::from("key".to_owned()))];
        let access = access("b2:bucket:path")
            .with_env(BackendEnv::parse(RepositoryKind::B2, variables).unwrap())
            .unwrap();

        let environment = listed(&Environment::new(&capabilities("0.18.0"), &access, &places()));

        assert_eq!(environment["B2_ACCOUNT_KEY"], "key");
    }

    #[test]
    fn debug_output_names_variables_without_values() {
        let environment = Environment::new(
            &capabilities("0.14.0"),
            &with_login("user", "storage-password"),
            &places(),
        );

        let shown = format!("{environment:?}");

        assert!(shown.contains("RESTIC_REPOSITORY"));
        assert!(!shown.contains("storage-password"), "{shown}");
    }

    fn with_login(user: &str, password: &str) -> Access {
        access("rest:https://host:8000/a")
            .with_login(user.to_owned(), Secret::from(password.to_owned()))
            .unwrap()
    }

    fn access(url: &str) -> Access {
        Access::new(url.parse().unwrap(), Secret::from("repository password".to_owned())).unwrap()
    }

    fn capabilities(version: &str) -> Capabilities {
        Capabilities::of(version.parse::<Version>().unwrap())
    }

    fn places() -> Places {
        Places {
            cache: "/var/cache/restic-manager".into(),
            temporary: "/var/lib/restic-manager/tmp".into(),
            home: "/var/lib/restic-manager".into(),
            password_descriptor: 3,
        }
    }

    fn listed(environment: &Environment) -> BTreeMap<&'static str, String> {
        let listed: BTreeMap<_, _> = environment
            .vars()
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect();
        assert_eq!(listed.len(), environment.vars().count(), "a name occurs twice");
        listed
    }
}
