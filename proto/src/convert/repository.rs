//! Repositories and their credentials.

use std::collections::BTreeMap;

use domain::id::RepositoryId;
use domain::page::PageQuery;
use domain::repository::{
    BackendEnv, BindRepository, ConfirmReplaced, CredentialChange, Credentials, HostCredentialsView, HostState,
    InvalidBackendEnv, LoginName, NewRepository, Replacement, RepositoryKind, RepositoryPassword, RepositoryUrl,
    RepositoryView, SetCredentials, SetHostCredentials, SlotView, UpdateRepository, UrlLogin,
};
use domain::{ByteSize, ErrorCode, Secret};

use super::{Invalid, optional, page, parse, required, to_timestamp};
use crate::v1;

/// Longest login password that is taken, in bytes.
const SECRET_LIMIT: usize = 4096;

impl TryFrom<v1::ListRepositoriesRequest> for PageQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListRepositoriesRequest) -> Result<Self, Invalid> {
        let v1::ListRepositoriesRequest { page_size, page_token } = message;
        page(page_size, page_token)
    }
}

impl TryFrom<v1::GetRepositoryRequest> for RepositoryId {
    type Error = Invalid;

    fn try_from(message: v1::GetRepositoryRequest) -> Result<Self, Invalid> {
        let v1::GetRepositoryRequest { id } = message;
        required("id", &id)
    }
}

impl TryFrom<v1::CreateRepositoryRequest> for NewRepository {
    type Error = Invalid;

    fn try_from(message: v1::CreateRepositoryRequest) -> Result<Self, Invalid> {
        let v1::CreateRepositoryRequest {
            name,
            repo_url,
            repo_username,
            repo_password,
            backend_password,
            backend_env,
            // The door has acted on it.
            request_id: _,
        } = message;
        let name = optional("name", &name)?;
        if repo_url.is_empty() {
            return Err(Invalid::missing("repo_url"));
        }
        let fields = LoginFields {
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        };
        Ok(Self {
            name,
            ..new_repository(&repo_url, fields)?
        })
    }
}

impl TryFrom<v1::UpdateRepositoryRequest> for UpdateRepository {
    type Error = Invalid;

    fn try_from(message: v1::UpdateRepositoryRequest) -> Result<Self, Invalid> {
        let v1::UpdateRepositoryRequest {
            id,
            name,
            repo_url,
            version,
        } = message;
        Ok(Self {
            id: required("id", &id)?,
            name: name.map(|name| required("name", &name)).transpose()?,
            url: repo_url.map(|url| url_without_login(&url)).transpose()?,
            version: version.ok_or_else(|| Invalid::missing("version"))?,
        })
    }
}

impl TryFrom<v1::DeleteRepositoryRequest> for RepositoryId {
    type Error = Invalid;

    fn try_from(message: v1::DeleteRepositoryRequest) -> Result<Self, Invalid> {
        let v1::DeleteRepositoryRequest { id } = message;
        required("id", &id)
    }
}

impl TryFrom<v1::ConfirmReplacedRequest> for ConfirmReplaced {
    type Error = Invalid;

    fn try_from(message: v1::ConfirmReplacedRequest) -> Result<Self, Invalid> {
        let v1::ConfirmReplacedRequest {
            id,
            restic_repository_id,
        } = message;
        Ok(Self {
            id: required("id", &id)?,
            restic_id: required("restic_repository_id", &restic_repository_id)?,
        })
    }
}

impl TryFrom<v1::SetCredentialsRequest> for SetCredentials {
    type Error = Invalid;

    fn try_from(message: v1::SetCredentialsRequest) -> Result<Self, Invalid> {
        let v1::SetCredentialsRequest {
            id,
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        } = message;
        let fields = LoginFields {
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        };
        Ok(Self {
            id: required("id", &id)?,
            change: fields.change()?,
        })
    }
}

impl TryFrom<v1::SetAdminCredentialsRequest> for SetCredentials {
    type Error = Invalid;

    fn try_from(message: v1::SetAdminCredentialsRequest) -> Result<Self, Invalid> {
        let v1::SetAdminCredentialsRequest {
            id,
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        } = message;
        let fields = LoginFields {
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        };
        Ok(Self {
            id: required("id", &id)?,
            change: fields.change()?,
        })
    }
}

impl TryFrom<v1::DeleteAdminCredentialsRequest> for RepositoryId {
    type Error = Invalid;

    fn try_from(message: v1::DeleteAdminCredentialsRequest) -> Result<Self, Invalid> {
        let v1::DeleteAdminCredentialsRequest { id } = message;
        required("id", &id)
    }
}

impl TryFrom<v1::GetHostCredentialsRequest> for domain::id::HostId {
    type Error = Invalid;

    fn try_from(message: v1::GetHostCredentialsRequest) -> Result<Self, Invalid> {
        let v1::GetHostCredentialsRequest { host_id } = message;
        required("host_id", &host_id)
    }
}

impl TryFrom<v1::SetHostCredentialsRequest> for SetHostCredentials {
    type Error = Invalid;

    fn try_from(message: v1::SetHostCredentialsRequest) -> Result<Self, Invalid> {
        let v1::SetHostCredentialsRequest {
            host_id,
            repo_url,
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        } = message;
        let host = required("host_id", &host_id)?;
        let change = LoginFields {
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        }
        .change()?;
        if repo_url.is_empty() {
            return Ok(Self {
                host,
                url: None,
                change,
            });
        }
        let (url, login) = url_and_login(&repo_url)?;
        Ok(Self {
            host,
            url: Some(url),
            change: lifted(login, change)?,
        })
    }
}

impl TryFrom<v1::BindRepositoryRequest> for BindRepository {
    type Error = Invalid;

    fn try_from(message: v1::BindRepositoryRequest) -> Result<Self, Invalid> {
        let v1::BindRepositoryRequest {
            host_id,
            repository_id,
            version,
        } = message;
        Ok(Self {
            host: required("host_id", &host_id)?,
            repository: required("repository_id", &repository_id)?,
            version: version.ok_or_else(|| Invalid::missing("version"))?,
        })
    }
}

impl From<RepositoryView> for v1::Repository {
    fn from(view: RepositoryView) -> Self {
        let host_count = view.host_count();
        let RepositoryView {
            id,
            name,
            url,
            restic_id,
            replacements,
            everyday,
            admin,
            host_states,
            raw_size,
            snapshot_count,
            created_at,
            version,
        } = view;
        Self {
            id: id.to_string(),
            name: name.to_string(),
            repo_url: url.to_string(),
            kind: url.kind().to_string(),
            restic_repository_id: restic_id.map(|id| id.to_string()).unwrap_or_default(),
            credentials: Some(everyday.into()),
            admin_credentials: admin.map(Into::into),
            host_count,
            created_at: Some(to_timestamp(created_at)),
            version,
            replacements: replacements.into_iter().map(Into::into).collect(),
            host_states: host_states.into_iter().map(Into::into).collect(),
            raw_size: raw_size.map(ByteSize::as_bytes),
            snapshot_count,
        }
    }
}

impl From<HostState> for v1::RepositoryHostState {
    fn from(state: HostState) -> Self {
        let HostState { status, hosts } = state;
        Self {
            status: v1::RepoStatus::from(status).into(),
            detail: status.detail().map(|detail| detail.to_string()).unwrap_or_default(),
            hosts,
        }
    }
}

impl From<Replacement> for v1::Replacement {
    fn from(replacement: Replacement) -> Self {
        let Replacement {
            host,
            hostname,
            restic_id,
            found_at,
        } = replacement;
        Self {
            host_id: host.to_string(),
            hostname: hostname.to_string(),
            restic_repository_id: restic_id.to_string(),
            found_at: Some(to_timestamp(found_at)),
        }
    }
}

impl From<SlotView> for v1::CredentialSlot {
    fn from(view: SlotView) -> Self {
        let SlotView {
            username,
            repo_password_set,
            backend_password_set,
            backend_env_names,
            updated_at,
        } = view;
        Self {
            username: username.map(|name| name.to_string()).unwrap_or_default(),
            repo_password_set,
            backend_password_set,
            backend_env_names: backend_env_names.iter().map(ToString::to_string).collect(),
            updated_at: Some(to_timestamp(updated_at)),
        }
    }
}

impl From<HostCredentialsView> for v1::HostCredentials {
    fn from(view: HostCredentialsView) -> Self {
        let HostCredentialsView {
            repository,
            url,
            slot,
            host_override,
        } = view;
        // The host's login password and environment are told of with the repository.
        let SlotView {
            username,
            repo_password_set,
            backend_password_set: _,
            backend_env_names: _,
            updated_at,
        } = slot;
        Self {
            repository_id: repository.to_string(),
            repo_url: url.to_string(),
            repo_username: username.map(|name| name.to_string()).unwrap_or_default(),
            password_set: repo_password_set,
            host_override,
            updated_at: Some(to_timestamp(updated_at)),
        }
    }
}

/// The fields of a login as several messages have them.
pub(super) struct LoginFields {
    pub(super) repo_username: String,
    pub(super) repo_password: String,
    pub(super) backend_password: String,
    pub(super) backend_env: BTreeMap<String, String>,
}

/// Reads a location and a login as those of a repository that is to be made known. The name is left to the caller.
pub(super) fn new_repository(repo_url: &str, fields: LoginFields) -> Result<NewRepository, Invalid> {
    let (url, login) = url_and_login(repo_url)?;
    let change = lifted(login, fields.change()?)?;
    let credentials = change
        .apply(url.kind(), Credentials::default())
        .map_err(|error| invalid_env(&error))?;
    Ok(NewRepository {
        name: None,
        url,
        credentials,
    })
}

/// Says which variable is in the way.
fn invalid_env(error: &InvalidBackendEnv) -> Invalid {
    Invalid::argument(error.field(), error)
}

fn url_and_login(text: &str) -> Result<(RepositoryUrl, UrlLogin), Invalid> {
    RepositoryUrl::parse(text).map_err(|error| Invalid::with_code("repo_url", ErrorCode::InvalidRepoUrl, error))
}

fn url_without_login(text: &str) -> Result<RepositoryUrl, Invalid> {
    if text.is_empty() {
        return Err(Invalid::missing("repo_url"));
    }
    text.parse()
        .map_err(|error| Invalid::with_code("repo_url", ErrorCode::InvalidRepoUrl, error))
}

/// Moves the login of a location to the fields for it. What is in both must be the same.
fn lifted(login: UrlLogin, mut change: CredentialChange) -> Result<CredentialChange, Invalid> {
    let UrlLogin { username, password } = login;
    if let Some(username) = username {
        let username = parse("repo_url", &username)?;
        agree("repo_username", &mut change.username, username)?;
    }
    if let Some(password) = password {
        agree(
            "backend_password",
            &mut change.backend_password,
            checked("repo_url", password)?,
        )?;
    }
    Ok(change)
}

fn agree<T: PartialEq>(field: &str, given: &mut Option<T>, lifted: T) -> Result<(), Invalid> {
    if given.as_ref().is_some_and(|given| *given != lifted) {
        return Err(Invalid::argument(
            field,
            "the location holds another login; give it only once",
        ));
    }
    *given = Some(lifted);
    Ok(())
}

impl LoginFields {
    fn change(self) -> Result<CredentialChange, Invalid> {
        let Self {
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        } = self;
        let repo_password = Secret::new(repo_password);
        let backend_password = Secret::new(backend_password);
        // In the order of their names, so that the same message gives the same refusal.
        let backend_env: BTreeMap<String, Secret<String>> = backend_env
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value)))
            .collect();
        let username: Option<LoginName> = optional("repo_username", &repo_username)?;
        let repo_password = if repo_password.expose().is_empty() {
            None
        } else {
            let password = RepositoryPassword::new(repo_password);
            Some(password.map_err(|error| Invalid::argument("repo_password", error))?)
        };
        let backend_password = if backend_password.expose().is_empty() {
            None
        } else {
            Some(checked("backend_password", backend_password)?)
        };
        known_somewhere(&backend_env)?;
        Ok(CredentialChange {
            username,
            repo_password,
            backend_password,
            backend_env: backend_env.into_iter().collect(),
        })
    }
}

/// Names and values that no kind of repository takes are refused here; whether the repository at hand takes them, the app
/// finds out.
fn known_somewhere(env: &BTreeMap<String, Secret<String>>) -> Result<(), Invalid> {
    for (name, value) in env {
        let kinds = RepositoryKind::ALL.into_iter();
        let kind = kinds.into_iter().find(|kind| kind.variables().contains(&name.as_str()));
        let kind = kind.ok_or_else(|| {
            Invalid::argument(
                "backend_env",
                "one of the names is not a variable that a backend of restic reads",
            )
        })?;
        BackendEnv::parse(kind, [(name, value.clone())]).map_err(|error| invalid_env(&error))?;
    }
    Ok(())
}

/// Checks a login password.
fn checked(field: &str, password: Secret<String>) -> Result<Secret<String>, Invalid> {
    let text = password.expose();
    if text.len() > SECRET_LIMIT || text.chars().any(char::is_control) {
        return Err(Invalid::argument(
            field,
            "a login password has at most 4096 bytes and no control characters",
        ));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_login_in_the_location_is_moved_to_the_fields() {
        let message = v1::CreateRepositoryRequest {
            repo_url: "rest:https://web:s%3Acret@nas.example.org/web/".into(),
            repo_password: "correct horse".into(),
            ..v1::CreateRepositoryRequest::default()
        };

        let new = NewRepository::try_from(message).unwrap();

        assert_eq!(new.url.as_str(), "rest:https://nas.example.org/web/");
        assert_eq!(new.credentials.username.as_ref().map(LoginName::as_str), Some("web"));
        assert_eq!(new.credentials.backend_password, Some(Secret::new("s:cret".to_owned())));
        assert_eq!(new.name, None);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table with a line for each field")]
    fn every_field_of_a_new_repository_is_checked_and_no_refusal_repeats_it() {
        let good = || v1::CreateRepositoryRequest {
            repo_url: "s3:s3.example.org/bucket".into(),
            ..v1::CreateRepositoryRequest::default()
        };
        let env = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let long = "canary".repeat(1000);
        for (message, field, code) in [
            (
                v1::CreateRepositoryRequest {
                    repo_url: String::new(),
                    ..good()
                },
                "repo_url",
                ErrorCode::MissingField,
            ),
            (
                v1::CreateRepositoryRequest {
                    repo_url: "canary".into(),
                    ..good()
                },
                "repo_url",
                ErrorCode::InvalidRepoUrl,
            ),
            (
                v1::CreateRepositoryRequest {
                    repo_url: "rest:http://-canary:x@h/".into(),
                    ..good()
                },
                "repo_url",
                ErrorCode::InvalidRepoUrl,
            ),
            (
                v1::CreateRepositoryRequest {
                    repo_url: "rest:http://a%3Acanary@h/".into(),
                    ..good()
                },
                "repo_url",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    repo_url: "rest:http://web@h/".into(),
                    repo_username: "canary".into(),
                    ..good()
                },
                "repo_username",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    name: " canary".into(),
                    ..good()
                },
                "name",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    repo_username: "canary:".into(),
                    ..good()
                },
                "repo_username",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    repo_password: "canary\0".into(),
                    ..good()
                },
                "repo_password",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    backend_password: long.clone(),
                    ..good()
                },
                "backend_password",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    backend_env: env("CANARY", "x"),
                    ..good()
                },
                "backend_env",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    backend_env: env("B2_ACCOUNT_KEY", "canary"),
                    ..good()
                },
                "backend_env",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::CreateRepositoryRequest {
                    backend_env: env("AWS_ACCESS_KEY_ID", "canary\n"),
                    ..good()
                },
                "backend_env.AWS_ACCESS_KEY_ID",
                ErrorCode::InvalidArgument,
            ),
        ] {
            let refused = NewRepository::try_from(message).unwrap_err();

            let problem = &refused.problems()[0];
            assert_eq!(
                (problem.field.as_str(), problem.code),
                (field, code),
                "{}",
                problem.message
            );
            assert!(
                !problem.message.to_lowercase().contains("canary"),
                "{}",
                problem.message
            );
        }
    }

    #[test]
    fn an_update_needs_its_version_and_takes_no_login() {
        let good = || v1::UpdateRepositoryRequest {
            id: Uuid::nil().to_string(),
            name: None,
            repo_url: Some("rest:http://nas/".into()),
            version: Some(3),
        };
        let with_login = Some("rest:http://web:canary@nas/".into());
        for (message, field, code) in [
            (
                v1::UpdateRepositoryRequest {
                    id: "x".into(),
                    ..good()
                },
                "id",
                ErrorCode::InvalidArgument,
            ),
            (
                v1::UpdateRepositoryRequest {
                    name: Some(String::new()),
                    ..good()
                },
                "name",
                ErrorCode::MissingField,
            ),
            (
                v1::UpdateRepositoryRequest {
                    repo_url: Some(String::new()),
                    ..good()
                },
                "repo_url",
                ErrorCode::MissingField,
            ),
            (
                v1::UpdateRepositoryRequest {
                    repo_url: with_login,
                    ..good()
                },
                "repo_url",
                ErrorCode::InvalidRepoUrl,
            ),
            (
                v1::UpdateRepositoryRequest {
                    version: None,
                    ..good()
                },
                "version",
                ErrorCode::MissingField,
            ),
        ] {
            let refused = UpdateRepository::try_from(message).unwrap_err();

            assert_eq!((refused.problems()[0].field.as_str(), refused.code()), (field, code));
        }
        assert_eq!(UpdateRepository::try_from(good()).unwrap().version, 3);
    }

    #[test]
    fn a_hosts_credentials_take_the_login_of_a_location_too() {
        let message = v1::SetHostCredentialsRequest {
            host_id: Uuid::nil().to_string(),
            repo_url: "rest:http://web:login@nas/".into(),
            ..v1::SetHostCredentialsRequest::default()
        };

        let set = SetHostCredentials::try_from(message).unwrap();

        assert_eq!(set.url.map(|url| url.to_string()).as_deref(), Some("rest:http://nas/"));
        assert_eq!(set.change.field_names(), ["repo_username", "backend_password"]);
    }

    #[test]
    fn what_is_shown_of_a_slot_has_names_and_no_values() {
        let env = [("AWS_SECRET_ACCESS_KEY".to_owned(), Secret::new("canary".to_owned()))];
        let credentials = Credentials {
            username: Some("web".parse().unwrap()),
            repo_password: Some(RepositoryPassword::new(Secret::new("canary".to_owned())).unwrap()),
            backend_password: None,
            backend_env: BackendEnv::parse(RepositoryKind::S3, env).unwrap(),
        };

        let shown = v1::CredentialSlot::from(SlotView::new(&credentials, Timestamp::UNIX_EPOCH));

        assert_eq!(shown.backend_env_names, ["AWS_SECRET_ACCESS_KEY"]);
        assert_eq!((shown.repo_password_set, shown.backend_password_set), (true, false));
        assert!(!format!("{shown:?}").contains("canary"));
    }
}
