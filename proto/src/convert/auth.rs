//! Signing in.

use domain::sign_in::{Bootstrap, ChangePassword, Login};
use domain::{Role, Secret};

use super::{Invalid, required};
use crate::v1;

/// Longest text that is taken as a password or token, in bytes. Far above the policy's 256 characters: that refusal is
/// the app's.
const SECRET_LIMIT: usize = 4096;

impl TryFrom<v1::BootstrapRequest> for Bootstrap {
    type Error = Invalid;

    fn try_from(message: v1::BootstrapRequest) -> Result<Self, Invalid> {
        let v1::BootstrapRequest {
            token,
            username,
            password,
        } = message;
        Ok(Self {
            token: secret("token", token)?,
            username: required("username", &username)?,
            password: secret("password", password)?,
        })
    }
}

impl TryFrom<v1::LoginRequest> for Login {
    type Error = Invalid;

    fn try_from(message: v1::LoginRequest) -> Result<Self, Invalid> {
        let v1::LoginRequest { username, password } = message;
        if username.is_empty() {
            return Err(Invalid::missing("username"));
        }
        if username.len() > SECRET_LIMIT || username.chars().any(char::is_control) {
            return Err(Invalid::argument(
                "username",
                "text of at most 4096 bytes without control characters is needed",
            ));
        }
        Ok(Self {
            username,
            password: secret("password", password)?,
        })
    }
}

impl TryFrom<v1::ChangePasswordRequest> for ChangePassword {
    type Error = Invalid;

    fn try_from(message: v1::ChangePasswordRequest) -> Result<Self, Invalid> {
        let v1::ChangePasswordRequest {
            current_password,
            new_password,
        } = message;
        Ok(Self {
            current: secret("current_password", current_password)?,
            new: secret("new_password", new_password)?,
        })
    }
}

impl From<Role> for v1::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

/// Reads a password or token that must be there.
fn secret(field: &str, text: String) -> Result<Secret<String>, Invalid> {
    let secret = Secret::new(text);
    match secret.expose() {
        text if text.is_empty() => Err(Invalid::missing(field)),
        text if text.len() > SECRET_LIMIT => Err(Invalid::argument(field, "at most 4096 bytes are taken")),
        text if text.contains('\0') => Err(Invalid::argument(field, "a NUL is not allowed")),
        _ => Ok(secret),
    }
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    #[test]
    fn every_field_of_a_sign_in_is_required() {
        for (message, field) in [
            (
                v1::LoginRequest {
                    username: String::new(),
                    password: "p".into(),
                },
                "username",
            ),
            (
                v1::LoginRequest {
                    username: "u".into(),
                    password: String::new(),
                },
                "password",
            ),
        ] {
            let refused = Login::try_from(message).unwrap_err();

            assert_eq!(
                (refused.code(), refused.problems()[0].field.as_str()),
                (ErrorCode::MissingField, field)
            );
        }
    }

    #[test]
    fn an_impossible_name_for_an_admin_says_what_is_allowed() {
        let message = v1::BootstrapRequest {
            token: "t".into(),
            username: "a b".into(),
            password: "p".into(),
        };

        let refused = Bootstrap::try_from(message).unwrap_err();

        assert_eq!(refused.problems()[0].field, "username");
    }
}
