//! Settings: one's own account, and enrollment tokens.

use proto::v1::Role;

pub const NAV_SETTINGS: &str = "Settings";
pub const TAB_ACCOUNT: &str = "Account";
pub const TAB_TOKENS: &str = "Enrollment tokens";

// The account.
pub const WHO: &str = "Signed in";
pub const ROLE: &str = "Role";
pub const SESSION_ENDS: &str = "Session ends";
pub const CHANGE_PASSWORD: &str = "Change password";
pub const CURRENT_PASSWORD: &str = "Current password";
pub const NEW_PASSWORD: &str = "New password";
pub const CHANGE_PASSWORD_HELP: &str =
    "All your other sessions end: wherever else you are signed in, you sign in anew.";
pub const PASSWORD_CHANGED: &str = "The password is changed.";
pub const PASSWORD_CHANGED_TEXT: &str = "Your other sessions have ended.";
pub const THEME: &str = "Theme";
pub const THEME_HELP: &str = "Remembered in this browser.";
pub const THEME_SYSTEM_NAME: &str = "As the system";
pub const THEME_SYSTEM_TEXT: &str = "Follows it through the day";
pub const THEME_LIGHT_NAME: &str = "Light";
pub const THEME_LIGHT_TEXT: &str = "Always";
pub const THEME_DARK_NAME: &str = "Dark";
pub const THEME_DARK_TEXT: &str = "Always";

// Tokens.
pub const TOKENS_LEAD: &str =
    "Each lets one machine enroll, once. Their values are shown when they are made and kept nowhere.";
pub const ALL_STATES: &str = "Every state";
pub const TOKEN_STATE_ACTIVE: &str = "Not used yet";
pub const TOKEN_STATE_USED: &str = "Used";
pub const TOKEN_STATE_EXPIRED: &str = "Expired";
pub const TOKEN_STATE_REVOKED: &str = "Revoked";
pub const TOKENS_EMPTY: &str = "No enrollment tokens";
pub const TOKENS_EMPTY_TEXT: &str =
    "Adding a host makes one. Those that are used, expired or revoked are kept here for seven days.";
pub const TOKENS_NONE_MATCH: &str = "No tokens match";
pub const COLUMN_MADE: &str = "Made";
pub const COLUMN_EXPIRES: &str = "Expires";
pub const TOKEN_FOLLOW: &str = "Follow";
pub const TOKEN_REPLACES: &str = "replaces a machine";
pub const REVOKE: &str = "Revoke";
pub const REVOKE_TEXT: &str =
    "An install command that holds it stops working at once. The host can be added again with another token.";
pub const TOKEN_LIFE: &str = "The token is valid for";

pub fn revoke_title(host: &str) -> String {
    format!("Revoke the token for {host}?")
}

pub fn role_means(role: Role) -> &'static str {
    match role {
        Role::Viewer => "sees everything, changes nothing",
        Role::Operator => "adds hosts, runs jobs, sets everyday credentials",
        Role::Admin => "may do everything, also what cannot be taken back",
        Role::Unspecified | Role::Anonymous | Role::Agent => "",
    }
}
