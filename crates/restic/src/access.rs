//! [`Access`]: everything needed to open one repository.

use domain::Secret;
use domain::repository::{BackendEnv, BackendVariable, RepositoryKind, RepositoryUrl};

use crate::{Redactor, Refused};

/// Location, password and the storage's login of one repository.
///
/// The password goes through a descriptor that the caller fills (see [`Places::password_descriptor`](crate::Places));
/// the storage's login goes through the child's environment. Neither is ever an argument.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) url: RepositoryUrl,
    password: Secret<String>,
    pub(crate) login: Option<Login>,
    pub(crate) env: BackendEnv,
}

/// User name and password of a REST server.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret<String>,
}

impl Access {
    /// Takes the location and the repository's password, which must not be empty: restic would ask on its stdin.
    pub fn new(url: RepositoryUrl, password: Secret<String>) -> Result<Self, Refused> {
        if url.kind() == RepositoryKind::Rclone {
            return Err(Refused::Rclone);
        }
        let trimmed = password.expose().trim();
        if trimmed.is_empty() {
            return Err(Refused::EmptyPassword);
        }
        if trimmed.len() != password.expose().len() {
            return Err(Refused::PaddedPassword);
        }
        Ok(Self {
            url,
            password,
            login: None,
            env: BackendEnv::default(),
        })
    }

    /// Adds the login of the storage, for the kinds of repository that take one.
    pub fn with_login(mut self, user: String, password: Secret<String>) -> Result<Self, Refused> {
        let kind = self.url.kind();
        if !kind.takes_login() {
            return Err(Refused::Login { kind });
        }
        let unusable = |text: &str| text.is_empty() || text.contains('\0');
        if unusable(&user) || unusable(password.expose()) {
            let what = "the storage's user name or password";
            return Err(Refused::Value { what });
        }
        self.login = Some(Login { user, password });
        Ok(self)
    }

    /// Sets the variables that the backend reads. Refuses those of another kind of repository.
    pub fn with_env(mut self, env: BackendEnv) -> Result<Self, Refused> {
        let kind = self.url.kind();
        let foreign = env
            .names()
            .find(|name| BackendVariable::of(kind, name.as_str()).is_none());
        if let Some(variable) = foreign {
            return Err(Refused::Variable { variable, kind });
        }
        self.env = env;
        Ok(self)
    }

    /// Where the repository lies.
    pub fn url(&self) -> &RepositoryUrl {
        &self.url
    }

    /// The repository's password, for the pipe that restic reads it from.
    pub fn password(&self) -> &Secret<String> {
        &self.password
    }

    /// Hides all secrets of this access.
    pub fn redactor(&self) -> Redactor {
        let login = self.login.as_ref().map(|login| &login.password);
        let variables = self.env.iter().filter(|(name, _)| is_secret(name.as_str()));
        Redactor::new(
            std::iter::once(&self.password)
                .chain(login)
                .chain(variables.map(|(_, value)| value)),
        )
    }
}

/// A region or a user name would be masked in every message that needs it.
fn is_secret(variable: &str) -> bool {
    ["KEY", "SECRET", "PASSWORD", "TOKEN", "SAS"]
        .iter()
        .any(|word| variable.contains(word))
        && variable != "AWS_ACCESS_KEY_ID"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_restic_would_not_read_as_it_is_is_refused() {
        for (password, expected) in [
            ("", Refused::EmptyPassword),
            (" \n", Refused::EmptyPassword),
            (" secret", Refused::PaddedPassword),
            ("secret\n", Refused::PaddedPassword),
        ] {
            assert_eq!(access("/srv/backup", password).unwrap_err(), expected);
        }
    }

    #[test]
    fn rclone_is_not_started() {
        assert_eq!(access("rclone:remote:path", "secret").unwrap_err(), Refused::Rclone);
    }

    #[test]
    fn variables_of_another_kind_are_refused_by_name() {
        let b2 = BackendEnv::parse(RepositoryKind::B2, [("B2_ACCOUNT_KEY", secret("key"))]).unwrap();
        let s3 = access("s3:s3.example.org/bucket", "repository password").unwrap();

        let refused = s3.with_env(b2).unwrap_err();

        assert_eq!(
            refused.to_string(),
            "the variable B2_ACCOUNT_KEY is not one that a repository of kind s3 takes"
        );
    }

    #[test]
    fn only_a_rest_server_takes_a_login() {
        let local = access("/srv/backup", "repository password").unwrap();
        let rest = access("rest:http://host/", "repository password").unwrap();

        let kind = RepositoryKind::Local;
        assert_eq!(
            local.with_login("user".to_owned(), secret("pass")).unwrap_err(),
            Refused::Login { kind }
        );
        assert!(rest.clone().with_login("user".to_owned(), secret("")).is_err());
        assert!(rest.with_login("user".to_owned(), secret("pass")).is_ok());
    }

    #[test]
    fn the_redactor_hides_secrets_but_not_regions() {
        let variables = [
            ("AWS_SECRET_ACCESS_KEY", secret("storage-key")),
            ("AWS_DEFAULT_REGION", secret("eu-west-1")),
        ];
        let access = access("s3:s3.example.org/bucket", "repository password")
            .unwrap()
            .with_env(BackendEnv::parse(RepositoryKind::S3, variables).unwrap())
            .unwrap();

        let text = access
            .redactor()
            .redact("repository password, storage-key, eu-west-1")
            .into_owned();

        assert_eq!(text, "***, ***, eu-west-1");
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let access = access("rest:http://host/", "repository password")
            .unwrap()
            .with_login("user".to_owned(), secret("storage-password"))
            .unwrap();

        let shown = format!("{access:?}");

        assert!(
            !shown.contains("repository password") && !shown.contains("storage-password"),
            "{shown}"
        );
    }

    fn access(url: &str, password: &str) -> Result<Access, Refused> {
        Access::new(url.parse().unwrap(), secret(password))
    }

    fn secret(value: &str) -> Secret<String> {
        Secret::from(value.to_owned())
    }
}
