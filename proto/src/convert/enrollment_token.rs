//! Rights to enroll a host.

use std::net::IpAddr;
use std::time::Duration;

use domain::Secret;
use domain::enrollment::{
    CreatedToken, NewEnrollmentToken, NewReplacementToken, TokenQuery, TokenState, TokenTtl, TokenView,
    WantedRepository, WantedToken,
};
use domain::id::EnrollmentTokenId;
use domain::path::{BackupPaths, InvalidPaths};
use ipnet::IpNet;

use super::host::tags;
use super::repository::{LoginFields, new_repository};
use super::{Invalid, page, parse, required, to_timestamp};
use crate::v1;

impl TryFrom<v1::CreateEnrollmentTokenRequest> for WantedToken {
    type Error = Invalid;

    fn try_from(message: v1::CreateEnrollmentTokenRequest) -> Result<Self, Invalid> {
        let v1::CreateEnrollmentTokenRequest {
            hostname,
            tags: labels,
            repository_id,
            repo_url,
            repo_username,
            repo_password,
            backend_password,
            backend_env,
            initial_paths,
            ttl_seconds,
            source_cidr,
            // The door has acted on it.
            request_id: _,
            replace_host_id,
        } = message;
        let fields = LoginFields {
            repo_username,
            repo_password,
            backend_password,
            backend_env,
        };
        let (ttl, source) = (ttl(ttl_seconds)?, network(&source_cidr)?);
        if replace_host_id.is_empty() {
            return Ok(Self::Host(NewEnrollmentToken {
                hostname: required("hostname", &hostname)?,
                tags: tags(&labels)?,
                repository: repository(&repository_id, &repo_url, fields)?,
                initial_paths: paths(&initial_paths)?,
                ttl,
                source,
            }));
        }
        let kept = [
            ("tags", labels.is_empty()),
            ("repository_id", repository_id.is_empty()),
            ("initial_paths", initial_paths.is_empty()),
        ];
        let kept = kept
            .into_iter()
            .find_map(|(field, is_absent)| (!is_absent).then_some(field));
        if let Some(field) = kept.or_else(|| first_given(&repo_url, &fields)) {
            return Err(Invalid::argument(
                field,
                "leave it out together with `replace_host_id`: the host keeps its own",
            ));
        }
        Ok(Self::Replacement(NewReplacementToken {
            host: parse("replace_host_id", &replace_host_id)?,
            hostname: (!hostname.is_empty())
                .then(|| required("hostname", &hostname))
                .transpose()?,
            ttl,
            source,
        }))
    }
}

impl TryFrom<v1::ListEnrollmentTokensRequest> for TokenQuery {
    type Error = Invalid;

    fn try_from(message: v1::ListEnrollmentTokensRequest) -> Result<Self, Invalid> {
        let v1::ListEnrollmentTokensRequest {
            state,
            page_size,
            page_token,
        } = message;
        Ok(Self {
            state: state_filter(state)?,
            page: page(page_size, page_token)?,
        })
    }
}

impl TryFrom<v1::RevokeEnrollmentTokenRequest> for EnrollmentTokenId {
    type Error = Invalid;

    fn try_from(message: v1::RevokeEnrollmentTokenRequest) -> Result<Self, Invalid> {
        let v1::RevokeEnrollmentTokenRequest { id } = message;
        required("id", &id)
    }
}

impl From<CreatedToken> for v1::CreatedEnrollmentToken {
    fn from(created: CreatedToken) -> Self {
        let CreatedToken {
            id,
            token,
            expires_at,
            install_command,
            install_command_windows,
            installer_script,
            pin,
            generated_repo_password,
            htpasswd_line,
        } = created;
        let shown = |secret: Secret<String>| secret.expose().clone();
        Self {
            token: shown(token),
            expires_at: Some(to_timestamp(expires_at)),
            id: id.to_string(),
            install_command: shown(install_command),
            install_command_windows: shown(install_command_windows),
            installer_script: shown(installer_script),
            ca_pin_sha256: pin.to_string(),
            generated_repo_password: generated_repo_password.map(shown),
            htpasswd_line,
        }
    }
}

impl From<TokenView> for v1::EnrollmentToken {
    fn from(token: TokenView) -> Self {
        let TokenView {
            id,
            hostname,
            tags,
            state,
            created_by,
            created_at,
            expires_at,
            host_id,
            replaces,
        } = token;
        Self {
            id: id.to_string(),
            hostname: hostname.to_string(),
            tags: tags.iter().map(ToString::to_string).collect(),
            state: v1::EnrollmentTokenState::from(state).into(),
            created_by,
            created_at: Some(to_timestamp(created_at)),
            expires_at: Some(to_timestamp(expires_at)),
            host_id: host_id.map(|id| id.to_string()),
            replace_host_id: replaces.map(|id| id.to_string()),
        }
    }
}

impl From<TokenState> for v1::EnrollmentTokenState {
    fn from(state: TokenState) -> Self {
        match state {
            TokenState::Active => Self::Active,
            TokenState::Used => Self::Used,
            TokenState::Expired => Self::Expired,
            TokenState::Revoked => Self::Revoked,
        }
    }
}

fn repository(id: &str, url: &str, fields: LoginFields) -> Result<WantedRepository, Invalid> {
    let given = first_given(url, &fields);
    match (id, given) {
        ("", None) => Ok(WantedRepository::None),
        ("", Some(_)) if url.is_empty() => Err(Invalid::missing("repo_url")),
        ("", Some(_)) => Ok(WantedRepository::At(Box::new(new_repository(url, fields)?))),
        (id, None) => parse("repository_id", id).map(WantedRepository::Known),
        (_, Some(field)) => Err(Invalid::argument(
            field,
            "a repository is named either by `repository_id` or by these fields",
        )),
    }
}

/// The first field that describes a repository.
fn first_given(url: &str, fields: &LoginFields) -> Option<&'static str> {
    let LoginFields {
        repo_username,
        repo_password,
        backend_password,
        backend_env,
    } = fields;
    [
        ("repo_url", url.is_empty()),
        ("repo_username", repo_username.is_empty()),
        ("repo_password", repo_password.is_empty()),
        ("backend_password", backend_password.is_empty()),
        ("backend_env", backend_env.is_empty()),
    ]
    .into_iter()
    .find_map(|(field, is_absent)| (!is_absent).then_some(field))
}

fn paths(texts: &[String]) -> Result<Option<BackupPaths>, Invalid> {
    match BackupPaths::parse(texts) {
        Ok(paths) => Ok(Some(paths)),
        Err(InvalidPaths::Empty) => Ok(None),
        Err(error @ InvalidPaths::TooMany) => Err(Invalid::argument("initial_paths", error)),
        Err(error @ (InvalidPaths::Path { index } | InvalidPaths::Twice { index })) => {
            Err(Invalid::argument(format!("initial_paths[{index}]"), error))
        }
    }
}

fn ttl(seconds: u32) -> Result<TokenTtl, Invalid> {
    if seconds == 0 {
        return Ok(TokenTtl::default());
    }
    TokenTtl::new(Duration::from_secs(seconds.into())).map_err(|error| Invalid::argument("ttl_seconds", error))
}

/// Reads a network, or an address as a network of one.
fn network(text: &str) -> Result<Option<IpNet>, Invalid> {
    if text.is_empty() {
        return Ok(None);
    }
    let network = text
        .parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(|network| Some(network.trunc())).ok_or_else(|| {
        Invalid::argument(
            "source_cidr",
            "an address or a network such as 192.0.2.0/24 or 2001:db8::/32 is needed",
        )
    })
}

fn state_filter(number: i32) -> Result<Option<TokenState>, Invalid> {
    let state = v1::EnrollmentTokenState::try_from(number)
        .map_err(|_| Invalid::argument("state", domain::enrollment::InvalidTokenState))?;
    Ok(match state {
        v1::EnrollmentTokenState::Unspecified => None,
        v1::EnrollmentTokenState::Active => Some(TokenState::Active),
        v1::EnrollmentTokenState::Used => Some(TokenState::Used),
        v1::EnrollmentTokenState::Expired => Some(TokenState::Expired),
        v1::EnrollmentTokenState::Revoked => Some(TokenState::Revoked),
    })
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    type Change = fn(&mut v1::CreateEnrollmentTokenRequest);

    #[test]
    fn a_name_is_enough_for_a_token() {
        let wanted = for_a_host(request(|_| {}));

        assert_eq!(wanted.hostname.as_str(), "web-01");
        assert!(matches!(wanted.repository, WantedRepository::None));
        assert_eq!((wanted.initial_paths, wanted.source), (None, None));
        assert_eq!(wanted.ttl.as_duration().as_secs(), 3600);
    }

    #[test]
    fn what_the_onboarding_script_sends_describes_a_repository() {
        let wanted = for_a_host(request(|request| {
            request.repo_url = "rest:https://backup.example.org/web-01/".into();
            request.repo_username = "web-01".into();
            request.repo_password = "correct horse".into();
        }));

        let WantedRepository::At(repository) = wanted.repository else {
            panic!("{:?}", wanted.repository)
        };
        assert_eq!(repository.url.as_str(), "rest:https://backup.example.org/web-01/");
        assert_eq!(
            repository.credentials.username.map(|name| name.to_string()).as_deref(),
            Some("web-01")
        );
    }

    #[test]
    fn one_address_is_a_network_of_one() {
        for (text, network) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("2001:db8::1", "2001:db8::1/128"),
        ] {
            assert_eq!(
                super::network(text)
                    .unwrap()
                    .map(|network| network.to_string())
                    .as_deref(),
                Some(network)
            );
        }
    }

    #[test]
    fn a_bad_field_has_its_code_and_name() {
        use ErrorCode::{InvalidArgument, InvalidRepoUrl, MissingField};
        for (message, code, field) in [
            (request(|request| request.hostname.clear()), MissingField, "hostname"),
            (
                request(|request| request.hostname = "a b".into()),
                InvalidArgument,
                "hostname",
            ),
            (
                request(|request| request.tags = vec!["a".into(), "b c".into()]),
                InvalidArgument,
                "tags[1]",
            ),
            (
                request(|request| request.repository_id = "x".into()),
                InvalidArgument,
                "repository_id",
            ),
            (
                request(|request| request.repo_password = "secret".into()),
                MissingField,
                "repo_url",
            ),
            (
                request(|request| request.repo_url = "ftp://x".into()),
                InvalidRepoUrl,
                "repo_url",
            ),
            (
                request(|request| {
                    request.repository_id = ID.into();
                    request.repo_username = "u".into();
                }),
                InvalidArgument,
                "repo_username",
            ),
            (
                request(|request| request.initial_paths = vec!["etc".into()]),
                InvalidArgument,
                "initial_paths[0]",
            ),
            (
                request(|request| request.initial_paths = vec!["/x".into(); 2]),
                InvalidArgument,
                "initial_paths[1]",
            ),
            (
                request(|request| request.ttl_seconds = 299),
                InvalidArgument,
                "ttl_seconds",
            ),
            (
                request(|request| request.source_cidr = "192.0.2.0/33".into()),
                InvalidArgument,
                "source_cidr",
            ),
        ] {
            let refused = WantedToken::try_from(message).unwrap_err();

            assert_eq!((refused.code(), refused.problems()[0].field.as_str()), (code, field));
        }
    }

    #[test]
    fn a_token_that_replaces_names_a_host_and_leaves_what_the_host_has() {
        for (name, hostname) in [("", None), ("web-01", Some("web-01"))] {
            let message = request(|request| {
                request.hostname = name.into();
                request.replace_host_id = ID.into();
                request.ttl_seconds = 300;
                request.source_cidr = "192.0.2.7".into();
            });

            let WantedToken::Replacement(wanted) = WantedToken::try_from(message).unwrap() else {
                panic!("it replaces")
            };

            assert_eq!(wanted.host.to_string(), ID);
            assert_eq!(wanted.hostname.map(|name| name.to_string()).as_deref(), hostname);
            assert_eq!(wanted.ttl.as_duration().as_secs(), 300);
            assert_eq!(wanted.source.unwrap().to_string(), "192.0.2.7/32");
        }
        let cases: [(&str, Change); 9] = [
            ("replace_host_id", |request| request.replace_host_id = "web-01".into()),
            ("hostname", |request| request.hostname = "a b".into()),
            ("tags", |request| request.tags = vec!["a".into()]),
            ("repository_id", |request| request.repository_id = ID.into()),
            ("repo_url", |request| request.repo_url = "/srv/x".into()),
            ("repo_password", |request| request.repo_password = "secret".into()),
            ("backend_env", |request| {
                request.backend_env.insert("A".into(), "b".into());
            }),
            ("initial_paths", |request| request.initial_paths = vec!["/srv".into()]),
            ("ttl_seconds", |request| request.ttl_seconds = 1),
        ];
        for (field, change) in cases {
            let message = request(|request| {
                request.replace_host_id = ID.into();
                change(request);
            });

            let refused = WantedToken::try_from(message).unwrap_err();

            let problem = &refused.problems()[0];
            assert_eq!(
                (refused.code(), problem.field.as_str()),
                (ErrorCode::InvalidArgument, field)
            );
        }
    }

    #[test]
    fn every_state_is_filtered_by_as_it_is_shown() {
        for state in TokenState::ALL {
            assert_eq!(
                state_filter(v1::EnrollmentTokenState::from(state).into()),
                Ok(Some(state))
            );
        }
        assert_eq!(state_filter(0), Ok(None));
        assert_eq!(state_filter(9).unwrap_err().problems()[0].field, "state");
    }

    fn for_a_host(message: v1::CreateEnrollmentTokenRequest) -> NewEnrollmentToken {
        match WantedToken::try_from(message).unwrap() {
            WantedToken::Host(wanted) => wanted,
            WantedToken::Replacement(wanted) => panic!("{wanted:?}"),
        }
    }

    fn request(change: impl FnOnce(&mut v1::CreateEnrollmentTokenRequest)) -> v1::CreateEnrollmentTokenRequest {
        let mut request = v1::CreateEnrollmentTokenRequest {
            hostname: "web-01".into(),
            ..v1::CreateEnrollmentTokenRequest::default()
        };
        change(&mut request);
        request
    }
}
