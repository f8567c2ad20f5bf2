//! What people send to sign in.

use crate::Secret;
use crate::name::Username;

/// Makes the first admin.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The one-time setup token.
    pub token: Secret<String>,
    /// The admin's name.
    pub username: Username,
    /// The admin's password; its policy is checked by the app.
    pub password: Secret<String>,
}

/// Signs a person in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name as it was typed. It need not be a possible name: an impossible one is simply unknown.
    pub username: String,
    /// The password as it was typed.
    pub password: Secret<String>,
}

/// Replaces a password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The one in force.
    pub current: Secret<String>,
    /// The new one; its policy is checked by the app.
    pub new: Secret<String>,
}
