//! [`RepositoryKind`]: what serves a repository, and [`BackendEnv`], the environment that it needs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::Secret;

/// What serves a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepositoryKind {
    /// A directory of the host.
    Local,
    /// A REST server.
    Rest,
    /// S3 and what speaks its language.
    S3,
    /// Backblaze B2.
    B2,
    /// SFTP through the host's ssh.
    Sftp,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Gs,
    /// OpenStack Swift.
    Swift,
    /// Whatever the host's rclone reaches. Only where the agent's own policy allows it.
    Rclone,
}

/// A word that is no kind of repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of repository: local, rest, s3, b2, sftp, azure, gs, swift or rclone is needed")]
pub struct InvalidRepositoryKind;

impl RepositoryKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Local,
        Self::Rest,
        Self::S3,
        Self::B2,
        Self::Sftp,
        Self::Azure,
        Self::Gs,
        Self::Swift,
        Self::Rclone,
    ];

    /// The stable word, as stored and shown; also the prefix of the URL, except for local ones.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Rest => "rest",
            Self::S3 => "s3",
            Self::B2 => "b2",
            Self::Sftp => "sftp",
            Self::Azure => "azure",
            Self::Gs => "gs",
            Self::Swift => "swift",
            Self::Rclone => "rclone",
        }
    }

    /// Whether user name and login password reach the storage through restic's own variables for them.
    pub const fn takes_login(self) -> bool {
        matches!(self, Self::Rest)
    }

    /// The environment variables that a repository of this kind may set on its hosts.
    ///
    /// Deliberately absent: what makes a backend's library read a profile or start a program (`AWS_PROFILE`,
    /// `AWS_SHARED_CREDENTIALS_FILE`, `AZURE_FORCE_CLI_CREDENTIAL`, all of rclone's), and everything of restic's own.
    pub const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Local | Self::Rest | Self::Sftp | Self::Rclone => &[],
            Self::S3 => &[
                "AWS_ACCESS_KEY_ID",
                "AWS_DEFAULT_REGION",
                "AWS_REGION",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
            ],
            Self::B2 => &["B2_ACCOUNT_ID", "B2_ACCOUNT_KEY"],
            Self::Azure => &[
                "AZURE_ACCOUNT_KEY",
                "AZURE_ACCOUNT_NAME",
                "AZURE_ACCOUNT_SAS",
                "AZURE_ENDPOINT_SUFFIX",
            ],
            Self::Gs => &[
                "GOOGLE_ACCESS_TOKEN",
                "GOOGLE_APPLICATION_CREDENTIALS",
                "GOOGLE_PROJECT_ID",
            ],
            Self::Swift => &[
                "OS_APPLICATION_CREDENTIAL_ID",
                "OS_APPLICATION_CREDENTIAL_NAME",
                "OS_APPLICATION_CREDENTIAL_SECRET",
                "OS_AUTH_TOKEN",
                "OS_AUTH_URL",
                "OS_PASSWORD",
                "OS_PROJECT_DOMAIN_ID",
                "OS_PROJECT_DOMAIN_NAME",
                "OS_PROJECT_NAME",
                "OS_REGION_NAME",
                "OS_STORAGE_URL",
                "OS_TENANT_ID",
                "OS_TENANT_NAME",
                "OS_TRUST_ID",
                "OS_USERNAME",
                "OS_USER_DOMAIN_ID",
                "OS_USER_DOMAIN_NAME",
                "OS_USER_ID",
                "ST_AUTH",
                "ST_KEY",
                "ST_USER",
                "SWIFT_DEFAULT_CONTAINER_POLICY",
            ],
        }
    }
}

impl fmt::Display for RepositoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RepositoryKind {
    type Err = InvalidRepositoryKind;

    fn from_str(text: &str) -> Result<Self, InvalidRepositoryKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(InvalidRepositoryKind)
    }
}

/// The name of an environment variable that some kind of repository may set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendVariable(&'static str);

impl BackendVariable {
    /// Finds the variable, if a repository of this kind may set it.
    pub fn of(kind: RepositoryKind, name: &str) -> Option<Self> {
        kind.variables()
            .iter()
            .find(|allowed| **allowed == name)
            .map(|allowed| Self(allowed))
    }

    /// The variable's name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for BackendVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for BackendVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The environment that a repository's backend needs on its hosts. All values are secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendEnv(BTreeMap<BackendVariable, Secret<String>>);

/// Why a set of variables is no [`BackendEnv`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBackendEnv {
    /// The kind of repository does not have the variable.
    #[error("{}", allowed(*.kind))]
    Name {
        /// As it was given; not shown, for it may be a value in the wrong place.
        name: String,
        /// The kind of the repository.
        kind: RepositoryKind,
    },
    /// The value is empty, too long, or holds control characters.
    #[error("a value has 1 to {} bytes and no control characters", BackendEnv::MAX_VALUE_BYTES)]
    Value {
        /// Whose value.
        variable: BackendVariable,
    },
}

impl BackendEnv {
    /// The most bytes that one value can have.
    pub const MAX_VALUE_BYTES: usize = 4096;

    /// Reads names and values for a repository of this kind. Of two values of one name the last counts.
    pub fn parse<N: AsRef<str>>(
        kind: RepositoryKind,
        entries: impl IntoIterator<Item = (N, Secret<String>)>,
    ) -> Result<Self, InvalidBackendEnv> {
        let mut variables = BTreeMap::new();
        for (name, value) in entries {
            let Some(variable) = BackendVariable::of(kind, name.as_ref()) else {
                let name = name.as_ref().to_owned();
                return Err(InvalidBackendEnv::Name { name, kind });
            };
            let text = value.expose();
            if text.is_empty() || text.len() > Self::MAX_VALUE_BYTES || text.chars().any(char::is_control) {
                return Err(InvalidBackendEnv::Value { variable });
            }
            variables.insert(variable, value);
        }
        Ok(Self(variables))
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (BackendVariable, &Secret<String>)> {
        self.0.iter().map(|(variable, value)| (*variable, value))
    }

    /// The names that are set, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = BackendVariable> {
        self.0.keys().copied()
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a repository of this kind can set of it.
    #[must_use]
    pub fn for_kind(mut self, kind: RepositoryKind) -> Self {
        self.0.retain(|variable, _| kind.variables().contains(&variable.0));
        self
    }
}

impl InvalidBackendEnv {
    /// The field that is in the way, as JSON spells it. A name that is not known is not repeated.
    pub fn field(&self) -> String {
        match self {
            Self::Name { .. } => "backend_env".to_owned(),
            Self::Value { variable } => format!("backend_env.{variable}"),
        }
    }
}

fn allowed(kind: RepositoryKind) -> String {
    match kind.variables() {
        [] => format!("a repository of kind {kind} takes no environment variables"),
        names => format!(
            "a repository of kind {kind} takes these environment variables: {}",
            names.join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_kinds_agree() {
        for kind in RepositoryKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("ftp".parse::<RepositoryKind>(), Err(InvalidRepositoryKind));
    }

    #[test]
    fn an_environment_is_kept_by_name() {
        let env = BackendEnv::parse(
            RepositoryKind::S3,
            [
                ("AWS_SECRET_ACCESS_KEY", secret("hunter2")),
                ("AWS_ACCESS_KEY_ID", secret("id")),
            ],
        )
        .unwrap();

        let names: Vec<&str> = env.names().map(BackendVariable::as_str).collect();

        assert_eq!(names, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
        assert_eq!(
            env.iter().last().map(|(_, value)| value.expose().as_str()),
            Some("hunter2")
        );
        assert!(!format!("{env:?}").contains("hunter2"));
    }

    #[test]
    fn variables_of_other_backends_and_of_programs_are_refused() {
        for (kind, name) in [
            (RepositoryKind::Local, "AWS_ACCESS_KEY_ID"),
            (RepositoryKind::B2, "AWS_ACCESS_KEY_ID"),
            (RepositoryKind::S3, "AWS_PROFILE"),
            (RepositoryKind::S3, "aws_access_key_id"),
            (RepositoryKind::S3, "RESTIC_PASSWORD_COMMAND"),
            (RepositoryKind::S3, "LD_PRELOAD"),
            (RepositoryKind::S3, ""),
            (RepositoryKind::Rclone, "RCLONE_CONFIG"),
        ] {
            let refused = BackendEnv::parse(kind, [(name, secret("x"))]).unwrap_err();

            assert_eq!(
                refused,
                InvalidBackendEnv::Name {
                    name: name.to_owned(),
                    kind
                }
            );
        }
    }

    #[test]
    fn values_that_no_environment_can_hold_are_refused() {
        for value in ["", "a\0b", "a\nb", &"x".repeat(4097)] {
            let refused = BackendEnv::parse(RepositoryKind::B2, [("B2_ACCOUNT_ID", secret(value))]).unwrap_err();

            assert!(matches!(refused, InvalidBackendEnv::Value { variable } if variable.as_str() == "B2_ACCOUNT_ID"));
        }
    }

    #[test]
    fn a_refusal_lists_what_is_allowed_and_not_what_was_given() {
        let refused = |kind| {
            BackendEnv::parse(kind, [("hunter2", secret("x"))])
                .unwrap_err()
                .to_string()
        };

        assert_eq!(
            refused(RepositoryKind::B2),
            "a repository of kind b2 takes these environment variables: B2_ACCOUNT_ID B2_ACCOUNT_KEY"
        );
        assert_eq!(
            refused(RepositoryKind::Rest),
            "a repository of kind rest takes no environment variables"
        );
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::from(text.to_owned())
    }
}
