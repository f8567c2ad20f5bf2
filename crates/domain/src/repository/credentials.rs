//! [`Credentials`]: what opens a repository, and [`CredentialChange`], what a person sets of it.

use super::{BackendEnv, InvalidBackendEnv, LoginName, RepositoryKind, RepositoryPassword};
use crate::Secret;

/// What one slot of a repository holds. Parts that are not set are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The name at the repository's server.
    pub username: Option<LoginName>,
    /// Opens the repository.
    pub repo_password: Option<RepositoryPassword>,
    /// Signs in at the repository's server.
    pub backend_password: Option<Secret<String>>,
    /// What else the backend needs.
    pub backend_env: BackendEnv,
}

/// What a person sets. What is absent or empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialChange {
    /// See [`Credentials::username`].
    pub username: Option<LoginName>,
    /// See [`Credentials::repo_password`].
    pub repo_password: Option<RepositoryPassword>,
    /// See [`Credentials::backend_password`].
    pub backend_password: Option<Secret<String>>,
    /// See [`Credentials::backend_env`]; replaces all. Names are checked against the kind of the repository when the
    /// change is applied.
    pub backend_env: Vec<(String, Secret<String>)>,
}

impl Credentials {
    /// Whether a host can open the repository with them.
    pub const fn opens(&self) -> bool {
        self.repo_password.is_some()
    }

    /// What a repository is made known with: with a user name and without a login password, the password of the repository
    /// serves for both.
    ///
    /// Source: features.md ENR-02.
    #[must_use]
    pub fn for_new_repository(mut self) -> Self {
        if self.username.is_some() && self.backend_password.is_none() {
            self.backend_password = self.repo_password.as_ref().map(|password| password.secret().clone());
        }
        self
    }
}

impl Credentials {
    /// What a host opens a shared repository with that has a login of its own there. The password that encrypts the
    /// repository is everybody's.
    #[must_use]
    pub fn with_own_login(self, own: Self) -> Self {
        Self {
            username: own.username.or(self.username),
            repo_password: self.repo_password,
            backend_password: own.backend_password.or(self.backend_password),
            backend_env: if own.backend_env.is_empty() {
                self.backend_env
            } else {
                own.backend_env
            },
        }
    }

    /// Whether every part that is given is the same here. What is not given agrees with anything.
    pub fn agree_with(&self, given: &Self) -> bool {
        let Self {
            username,
            repo_password,
            backend_password,
            backend_env,
        } = given;
        (username.is_none() || *username == self.username)
            && (repo_password.is_none() || *repo_password == self.repo_password)
            && (backend_password.is_none() || *backend_password == self.backend_password)
            && (backend_env.is_empty() || *backend_env == self.backend_env)
    }

    /// The same for a repository of another kind: variables that its backend does not read are dropped.
    #[must_use]
    pub fn for_kind(self, kind: RepositoryKind) -> Self {
        Self {
            backend_env: self.backend_env.for_kind(kind),
            ..self
        }
    }
}

impl CredentialChange {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of the fields that are set, as JSON spells them, for the record.
    pub fn field_names(&self) -> Vec<&'static str> {
        let Self {
            username,
            repo_password,
            backend_password,
            backend_env,
        } = self;
        let set = [
            ("repo_username", username.is_some()),
            ("repo_password", repo_password.is_some()),
            ("backend_password", backend_password.is_some()),
            ("backend_env", !backend_env.is_empty()),
        ];
        set.into_iter()
            .filter_map(|(name, is_set)| is_set.then_some(name))
            .collect()
    }

    /// Changes what a slot of a repository of this kind holds.
    pub fn apply(self, kind: RepositoryKind, current: Credentials) -> Result<Credentials, InvalidBackendEnv> {
        let Self {
            username,
            repo_password,
            backend_password,
            backend_env,
        } = self;
        let backend_env = if backend_env.is_empty() {
            current.backend_env
        } else {
            BackendEnv::parse(kind, backend_env)?
        };
        Ok(Credentials {
            username: username.or(current.username),
            repo_password: repo_password.or(current.repo_password),
            backend_password: backend_password.or(current.backend_password),
            backend_env,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_stays() {
        let current = Credentials {
            username: Some("old".parse().unwrap()),
            repo_password: Some(password("repo")),
            backend_password: Some(secret("login")),
            backend_env: BackendEnv::parse(RepositoryKind::B2, [("B2_ACCOUNT_ID", secret("id"))]).unwrap(),
        };
        let change = CredentialChange {
            backend_password: Some(secret("new")),
            ..CredentialChange::default()
        };

        let changed = change.apply(RepositoryKind::B2, current.clone()).unwrap();

        let expected = Credentials {
            backend_password: Some(secret("new")),
            ..current.clone()
        };
        assert_eq!(changed, expected);
        assert_eq!(
            CredentialChange::default().apply(RepositoryKind::B2, current.clone()),
            Ok(current)
        );
    }

    #[test]
    fn an_environment_replaces_the_whole_one_before() {
        let current = Credentials {
            backend_env: BackendEnv::parse(RepositoryKind::B2, [("B2_ACCOUNT_ID", secret("id"))]).unwrap(),
            ..Credentials::default()
        };
        let change = |name: &str| CredentialChange {
            backend_env: vec![(name.to_owned(), secret("key"))],
            ..CredentialChange::default()
        };

        let changed = change("B2_ACCOUNT_KEY")
            .apply(RepositoryKind::B2, current.clone())
            .unwrap();
        let refused = change("LD_PRELOAD").apply(RepositoryKind::B2, current);

        let names: Vec<_> = changed
            .backend_env
            .names()
            .map(super::super::BackendVariable::as_str)
            .collect();
        assert_eq!(names, ["B2_ACCOUNT_KEY"]);
        assert!(matches!(refused, Err(InvalidBackendEnv::Name { .. })));
    }

    #[test]
    fn one_password_serves_for_both_only_with_a_user_name_and_without_a_login_password() {
        for (username, repo, login, expected) in [
            (Some("u"), Some("r"), None, Some("r")),
            (Some("u"), Some("r"), Some("l"), Some("l")),
            (Some("u"), None, None, None),
            (None, Some("r"), None, None),
        ] {
            let given = Credentials {
                username: username.map(|name| name.parse().unwrap()),
                repo_password: repo.map(password),
                backend_password: login.map(secret),
                backend_env: BackendEnv::default(),
            };

            let completed = given.for_new_repository();

            assert_eq!(
                completed.backend_password,
                expected.map(secret),
                "{username:?} {repo:?} {login:?}"
            );
        }
    }

    #[test]
    fn a_login_of_its_own_does_not_replace_the_password_of_the_repository() {
        let shared = Credentials {
            username: Some("all".parse().unwrap()),
            repo_password: Some(password("repo")),
            backend_password: Some(secret("login")),
            backend_env: BackendEnv::default(),
        };
        let own = Credentials {
            username: Some("web".parse().unwrap()),
            repo_password: Some(password("other")),
            backend_password: None,
            backend_env: BackendEnv::default(),
        };

        let used = shared.clone().with_own_login(own);

        let expected = Credentials {
            username: Some("web".parse().unwrap()),
            ..shared
        };
        assert_eq!(used, expected);
    }

    #[test]
    fn credentials_agree_as_far_as_they_are_given() {
        let known = Credentials {
            username: Some("web".parse().unwrap()),
            repo_password: Some(password("repo")),
            backend_password: Some(secret("login")),
            backend_env: BackendEnv::default(),
        };
        let given = |name: &str, repo: Option<&str>, login: Option<&str>| Credentials {
            username: Some(name.parse().unwrap()),
            repo_password: repo.map(password),
            backend_password: login.map(secret),
            backend_env: BackendEnv::default(),
        };

        assert!(known.agree_with(&Credentials::default()));
        assert!(known.agree_with(&given("web", Some("repo"), None)));
        assert!(!known.agree_with(&given("db", Some("repo"), None)));
        assert!(!known.agree_with(&given("web", Some("x"), None)));
        assert!(!known.agree_with(&given("web", None, Some("x"))));
    }

    #[test]
    fn another_kind_of_repository_drops_what_its_backend_does_not_read() {
        let variables = [("B2_ACCOUNT_ID", secret("id"))];
        let credentials = Credentials {
            backend_env: BackendEnv::parse(RepositoryKind::B2, variables).unwrap(),
            ..Credentials::default()
        };

        assert_eq!(credentials.clone().for_kind(RepositoryKind::B2), credentials);
        assert_eq!(credentials.for_kind(RepositoryKind::S3), Credentials::default());
    }

    #[test]
    fn the_record_gets_names_and_no_values() {
        let change = CredentialChange {
            username: Some("u".parse().unwrap()),
            backend_env: vec![("B2_ACCOUNT_KEY".to_owned(), secret("hunter2"))],
            ..CredentialChange::default()
        };

        assert_eq!(change.field_names(), ["repo_username", "backend_env"]);
        assert!(!change.is_empty() && CredentialChange::default().is_empty());
        assert!(!format!("{change:?}").contains("hunter2"));
    }

    fn password(text: &str) -> RepositoryPassword {
        RepositoryPassword::new(secret(text)).unwrap()
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::from(text.to_owned())
    }
}
