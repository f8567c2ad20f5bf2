//! The texts in English.
#![allow(missing_docs, reason = "each text says itself what it is")]

mod host;
mod overview;
mod repositories;
mod settings;

use proto::v1::{JobPhase, Role};

pub use host::*;
pub use overview::*;
pub use repositories::*;
pub use settings::*;

pub const LOCALE: &str = "en-GB";
pub const PRODUCT: &str = "restic-manager";
pub const THOUSANDS: &str = ",";
pub const UNIT_SECOND: &str = "s";
pub const UNIT_MINUTE: &str = "min";
pub const UNIT_HOUR: &str = "h";
pub const UNIT_DAY: &str = "d";
pub const NOW: &str = "now";
pub const NEVER: &str = "never";
pub const NOTHING: &str = "—";
pub const OPTIONAL: &str = "optional";
pub const SHOW: &str = "Show";
pub const RETRY: &str = "Try again";
pub const LOADING: &str = "Loading";
pub const COPIED: &str = "Copied";
pub const COPY_FAILED: &str = "Copy it by hand: the clipboard needs HTTPS";
pub const COPY_DETAILS: &str = "Copy details";
pub const REQUEST: &str = "request";

// The frame around every page.
pub const SKIP: &str = "Skip to content";
pub const NAV_MAIN: &str = "Main";
pub const NAV_COMPACT: &str = "Main, compact";
pub const NAV_BREADCRUMB: &str = "Breadcrumb";
pub const NAV_HOSTS: &str = "Hosts";
pub const NAV_REPOSITORIES: &str = "Repositories";
pub const LIVE: &str = "live";
pub const LIVE_CONNECTING: &str = "connecting";
pub const THEME_DARK: &str = "Use the dark theme";
pub const THEME_LIGHT: &str = "Use the light theme";
pub const NOT_FOUND: &str = "There is no such page";
pub const NOT_FOUND_TEXT: &str = "The address may be of a newer version, or was not copied whole.";
pub const TO_HOSTS: &str = "Go to the hosts";
pub const STALE_HEADING: &str = "The server cannot be reached.";

// Signing in.
pub const LOGIN_TITLE: &str = "Log in to restic-manager";
pub const USERNAME: &str = "User name";
pub const PASSWORD: &str = "Password";
pub const PASSWORD_HELP: &str = "12 or more characters";
pub const LOG_IN: &str = "Log in";
pub const LOG_OUT: &str = "Log out";
pub const SETUP_TITLE: &str = "Create the first administrator";
pub const SETUP_TOKEN: &str = "Setup token";
pub const SETUP_TOKEN_HELP: &str =
    "The server wrote it to its log when it started, and to the file that RM_BOOTSTRAP_TOKEN_FILE names";
pub const SETUP_CREATE: &str = "Create and log in";
pub const FIRST_ADMIN: &str = "admin";
pub const SESSION_ENDED: &str = "Your session has ended";

// States.
pub const STATE_UNKNOWN: &str = "Unknown";
pub const HEALTH_PENDING: &str = "Pending";
pub const HEALTH_FAILING: &str = "Failing";
pub const HEALTH_OFFLINE: &str = "Offline";
pub const HEALTH_WARNING: &str = "Warning";
pub const HEALTH_WAITING: &str = "Waiting";
pub const HEALTH_ASLEEP: &str = "Asleep";
pub const HEALTH_OK: &str = "OK";
pub const CONNECTION_PENDING: &str = "Never connected";
pub const CONNECTION_ONLINE: &str = "Connected";
pub const CONNECTION_OFFLINE: &str = "Not connected";
pub const CONNECTION_QUARANTINED: &str = "Quarantined";
pub const CONNECTION_REVOKED: &str = "Revoked";
pub const REPO_UNSET: &str = "None";
pub const REPO_PENDING: &str = "Not tried yet";
pub const REPO_INITIALISING: &str = "Being made";
pub const REPO_READY: &str = "Ready";
pub const REPO_INIT_FAILED: &str = "Could not be made";
pub const REPO_ERROR: &str = "Not usable";
pub const JOB_QUEUED: &str = "Queued";
pub const JOB_RUNNING: &str = "Running";
pub const JOB_SUCCEEDED: &str = "Succeeded";
pub const JOB_WARNING: &str = "Finished with warnings";
pub const JOB_FAILED: &str = "Failed";
pub const JOB_TIMED_OUT: &str = "Timed out";
pub const JOB_INTERRUPTED: &str = "Interrupted";
pub const JOB_REFUSED: &str = "Refused";
pub const JOB_CANCELLED: &str = "Cancelled";
pub const JOB_EXPIRED: &str = "Expired";
pub const JOB_LOST: &str = "Lost";
pub const KIND_BACKUP: &str = "backup";
pub const KIND_INIT: &str = "init";
pub const KIND_PROBE: &str = "probe";
pub const KIND_SNAPSHOTS: &str = "snapshots";
pub const KIND_UNLOCK: &str = "unlock";
pub const KIND_STATS: &str = "stats";

// Hosts.
pub const ADD_HOST: &str = "Add host";
pub const FILTER_HOSTS: &str = "Filter by name or tag";
pub const ALL_HEALTHS: &str = "Every health";
pub const CLEAR_FILTERS: &str = "Clear filters";
pub const HOSTS_EMPTY: &str = "No hosts yet";
pub const HOSTS_EMPTY_TEXT: &str =
    "A host appears here once its agent has enrolled. One command on the host is enough.";
pub const HOSTS_NONE_MATCH: &str = "No hosts match";
pub const COLUMN_HOST: &str = "Host";
pub const COLUMN_HEALTH: &str = "Health";
pub const COLUMN_RUNS: &str = "Last 30 runs";
pub const COLUMN_LAST_BACKUP: &str = "Last backup";
pub const COLUMN_SNAPSHOTS: &str = "Snapshots";
pub const COLUMN_SEEN: &str = "Seen";
pub const COLUMN_AGENT: &str = "Agent";
pub const PAGES: &str = "Pages";
pub const PREVIOUS: &str = "Previous";
pub const NEXT: &str = "Next";
pub const FIRST_PAGE: &str = "This is the first page";
pub const LAST_PAGE: &str = "This is the last page";

// One host.
pub const SUMMARY: &str = "Summary";
pub const SEEN: &str = "seen";
pub const RUN_BACKUP: &str = "Run backup";
pub const RUNS_WHEN_BACK: &str = "Runs when the host returns, within 24 h";
pub const NO_BACKUP_QUARANTINED: &str = "The host is quarantined: two machines use its identity";
pub const NO_BACKUP_REVOKED: &str = "The host is revoked: enroll it anew first";
pub const NO_BACKUP_PENDING: &str = "Its agent has not connected yet";
pub const NO_BACKUP_UNSET: &str = "The host has no repository";
pub const NO_BACKUP_NOT_READY: &str = "The repository is not ready";
pub const RECENT_JOBS: &str = "Recent jobs";
pub const NO_JOBS: &str = "This host has had no job yet.";
pub const BACKUPS: &str = "Backups";
pub const LAST_30: &str = "last 30";
pub const LAST_RESULT: &str = "Last result";
pub const OPEN_LOG: &str = "Open log";
pub const REPOSITORY: &str = "Repository";
pub const REASON: &str = "Reason";
pub const KNOWN_AS: &str = "Known as";
pub const LIMIT_UPLOAD: &str = "Upload limit";
pub const LIMIT_DOWNLOAD: &str = "Download limit";
pub const NO_LIMIT: &str = "none";
pub const SINCE: &str = "Since";
pub const ENROLLED: &str = "Enrolled";
pub const CERTIFICATE_ENDS: &str = "Certificate";
pub const TIME_ZONE: &str = "Time zone";
pub const HOST_ID: &str = "Host id";
pub const BARS_NONE: &str = "none yet";
pub const COLUMN_STATE: &str = "State";
pub const COLUMN_KIND: &str = "Kind";
pub const COLUMN_STARTED: &str = "Started";
pub const COLUMN_DURATION: &str = "Duration";
pub const COLUMN_ADDED: &str = "Added";
pub const COLUMN_BY: &str = "By";

// One job.
pub const ON: &str = "on";
pub const PROGRESS: &str = "Progress";
pub const CANCEL: &str = "Cancel job";
pub const CANCEL_ASKED: &str = "Cancelling: the job ends when its host says so";
pub const HOST_AWAY: &str = "The host is not connected.";
pub const HOST_AWAY_TEXT: &str = "The job goes on there by itself. The log continues when the host returns.";
pub const WAITS_FOR_REPOSITORY: &str = "waits for the repository, which does not answer";
pub const DETAILS: &str = "Details";
pub const JOB_ID: &str = "Job";
pub const COPY_JOB_ID: &str = "Copy the job's id";
pub const PATHS: &str = "Paths";
pub const SNAPSHOT: &str = "Snapshot";
pub const COPY_SNAPSHOT_ID: &str = "Copy the snapshot's id";
pub const RESULT: &str = "Result";
pub const EXIT_CODE: &str = "Exit code";
pub const UNREADABLE: &str = "What could not be read";
pub const STEPS: &str = "Steps";
pub const STEP_QUEUED: &str = "Queued";
pub const STEP_PREPARING: &str = "Preparing";
pub const STEP_BACKUP: &str = "restic backup";
pub const STEP_RESTIC: &str = "restic";
pub const STEP_FINALIZING: &str = "Snapshot list";
pub const STEP_DONE: &str = "done";
pub const STEP_ACTIVE: &str = "under way";
pub const STEP_FAILED: &str = "failed";
pub const STEP_TO_COME: &str = "to come";
pub const FIGURE_READ: &str = "Read";
pub const FIGURE_FILES: &str = "Files";
pub const FIGURE_SPEED: &str = "Speed";
pub const FIGURE_UNREADABLE: &str = "Unreadable";
pub const FIGURE_ADDED: &str = "Added";
pub const FIGURE_NEW: &str = "New files";
pub const FIGURE_CHANGED: &str = "Changed";
pub const FIGURE_UNMODIFIED: &str = "Unmodified";

// The log.
pub const LOG: &str = "Log";
pub const LOG_LINES: &str = "Log lines";
pub const LOG_FIND: &str = "Find in log";
pub const LOG_PREVIOUS: &str = "Previous hit";
pub const LOG_NEXT: &str = "Next hit";
pub const LOG_NO_HITS: &str = "no hits";
pub const LOG_WHOLE_FILE: &str = "Download the whole log";
pub const LOG_FOLLOWING: &str = "Following";
pub const LOG_PAUSED: &str = "Following is paused";
pub const LOG_ENDED: &str = "Complete";
pub const LOG_CUT: &str = "The connection was cut; the log goes on when it is back.";

// Adding a host.
pub const ADD_HOST_LEAD: &str = "Describe the host. The next page has the one command to run on it.";
pub const HOST_NAME: &str = "Name";
pub const HOST_NAME_HELP: &str = "As it is shown here and in its snapshots";
pub const TAGS: &str = "Tags";
pub const TAGS_HELP: &str = "Separated by commas, such as prod, eu";
pub const NEW_REPOSITORY: &str = "A new repository";
pub const REPO_URL: &str = "Location";
pub const REPO_URL_HELP: &str =
    "As restic writes it: rest:https://backup.example.org/web-01, s3:…, sftp:… or a path on the host";
pub const REPO_USERNAME: &str = "User at the repository's server";
pub const REPO_USERNAME_HELP: &str = "Where the location asks for one";
pub const REPO_PASSWORD: &str = "Repository password";
pub const REPO_PASSWORD_HELP: &str = "Left empty, the server makes one and shows it once";
pub const USUAL_PATHS: &str = "/etc\n/home";
pub const PATHS_HELP: &str = "What the first source group backs up, one absolute path a line";
pub const MAKE_COMMAND: &str = "Make the install command";
pub const ENROLL_LEAD: &str =
    "Run one command on the host. This page follows along; you may leave, the host will appear.";
pub const ENROLL_STEPS: &str = "From the command to the first backup";
pub const ENROLL_TOKEN: &str = "Token used";
pub const ENROLL_TOKEN_WAITS: &str = "Waiting for the command to be run";
pub const ENROLL_CONNECTED: &str = "Agent connected";
pub const ENROLL_RESTIC: &str = "restic found";
pub const ENROLL_REPOSITORY: &str = "Repository ready";
pub const ENROLL_BACKUP: &str = "First backup";
pub const ENROLL_BACKUP_RUNS: &str = "It runs";
pub const ENROLL_BACKUP_WAITS: &str = "It starts when you say so";
pub const ENROLL_FIRST: &str = "The host has to enroll first";
pub const INSTALL_COMMAND: &str = "Install command";
pub const COPY_COMMAND: &str = "Copy command";
pub const REVEAL_TOKEN: &str = "Reveal token";
pub const HIDE_TOKEN: &str = "Hide token";
pub const MASKED: &str = "••••••••••••••••••••••••";
pub const READ_FIRST: &str = "Verify first:";
pub const READ_SCRIPT: &str = "read the script";
pub const TOKEN_USED: &str = "single use, used";
pub const TOKEN_EXPIRED: &str = "expired";
pub const TOKEN_REVOKED: &str = "revoked";
pub const TOKEN_USED_TEXT: &str = "The command has been run, and its token is spent.";
pub const TOKEN_GONE: &str = "The command cannot be shown again";
pub const TOKEN_GONE_TEXT: &str =
    "A token is shown once, when it is made, and kept nowhere. Make another one for this host.";
pub const MINT_AGAIN: &str = "Make another";
pub const STORE_PASSWORD: &str = "Store the repository password.";
pub const STORE_PASSWORD_TEXT: &str =
    "It was made for this repository and is shown once. Without it nobody can restore.";
pub const COPY_PASSWORD: &str = "Copy password";
pub const SHOW_PASSWORD: &str = "Show password";
pub const RUN_FIRST_BACKUP: &str = "Run first backup";
pub const OPEN_HOST: &str = "Open the host";

// Failures.
pub const ERROR_NETWORK_HEADING: &str = "The server cannot be reached";
pub const ERROR_NETWORK: &str =
    "No answer came. Backups go on by themselves; this page has to wait for the server or the network.";
pub const ERROR_NOT_FOUND_HEADING: &str = "This does not exist";
pub const ERROR_FORBIDDEN_HEADING: &str = "Your role does not allow this";
pub const ERROR_UNAUTHENTICATED_HEADING: &str = "Not signed in";
pub const ERROR_RATE_LIMITED_HEADING: &str = "Too many attempts";
pub const ERROR_SERVER_HEADING: &str = "The server could not finish this";
pub const ERROR_REFUSED_HEADING: &str = "The server refused this";

// The gallery of components.
pub const GALLERY: &str = "Components";
pub const GALLERY_STATES: &str = "States";
pub const GALLERY_BUTTONS: &str = "Buttons";
pub const GALLERY_FIELDS: &str = "Fields";
pub const GALLERY_MESSAGES: &str = "Messages";
pub const GALLERY_REASON: &str = "The host is not connected";

pub fn tab(page: &str) -> String {
    format!("{page} — {PRODUCT}")
}

pub fn version() -> String {
    format!("Version {}", env!("CARGO_PKG_VERSION"))
}

pub fn account(name: &str) -> String {
    format!("Account: {name}")
}

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Operator => "Operator",
        Role::Admin => "Administrator",
        Role::Unspecified | Role::Anonymous | Role::Agent => NOTHING,
    }
}

pub fn setup_text(host: &str) -> String {
    format!("{host} has no user yet.")
}

pub fn session_ended(name: &str) -> String {
    format!("Nothing was lost. Log in again as {name} to go on.")
}

pub fn again_in(seconds: u64) -> String {
    format!("Try again in {seconds} s")
}

pub fn stale(time: &str) -> String {
    format!("What you see is as of {time}. Connecting again.")
}

pub fn live_paused(time: &str) -> String {
    format!("paused, as of {time}")
}

pub fn ago(number: u64, unit: &str) -> String {
    format!("{number} {unit} ago")
}

pub fn ahead(number: u64, unit: &str) -> String {
    format!("in {number} {unit}")
}

pub fn of(part: &str, whole: &str) -> String {
    format!("{part} of {whole}")
}

pub fn per_second(size: &str) -> String {
    format!("{size}/s")
}

pub fn files(number: u64) -> String {
    match number {
        0 => "none".to_owned(),
        1 => "1 file".to_owned(),
        number => format!("{number} files"),
    }
}

pub fn left(duration: &str) -> String {
    format!("about {duration} left")
}

pub fn percent_of_backup(percent: u8) -> String {
    format!("Backup, {percent} %")
}

pub fn fields_need_attention(number: usize) -> String {
    match number {
        1 => "One field needs attention.".to_owned(),
        number => format!("{number} fields need attention."),
    }
}

pub fn none_match(filter: &str) -> String {
    format!("“{filter}” is true for none of them.")
}

pub fn range(first: &str, last: &str, all: &str) -> String {
    format!("{first}–{last} of {all}")
}

pub fn agent(version: &str) -> String {
    if version.is_empty() {
        String::new()
    } else {
        format!("agent {version}")
    }
}

pub fn restic(version: &str) -> String {
    if version.is_empty() {
        String::new()
    } else {
        format!("restic {version}")
    }
}

pub fn bars(ok: usize, warning: usize, failed: usize, latest: &str) -> String {
    format!("Last backups: {ok} ok, {warning} with warnings, {failed} failed; the latest: {latest}")
}

pub fn job_title(kind: &str, host: &str) -> String {
    let mut letters = kind.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{} of {host}", letters.as_str())
}

pub fn started_by(name: &str) -> String {
    format!("started by {name}")
}

pub fn phase(phase: JobPhase) -> &'static str {
    match phase {
        JobPhase::Queued => "Waiting for the host to take it.",
        JobPhase::Sent | JobPhase::Accepted => "The host has it and starts it as soon as it can.",
        JobPhase::Preparing => "The host gets ready: credentials, paths, the repository's address.",
        JobPhase::Running => "restic runs. Figures come as soon as it has counted.",
        JobPhase::Finalizing => "restic has ended; the snapshot list is being read.",
        JobPhase::Unspecified
        | JobPhase::Succeeded
        | JobPhase::Warning
        | JobPhase::Failed
        | JobPhase::Cancelled
        | JobPhase::TimedOut
        | JobPhase::Interrupted
        | JobPhase::Expired
        | JobPhase::Refused
        | JobPhase::Lost => "",
    }
}

pub fn lines(number: &str) -> String {
    format!("{number} lines")
}

pub fn lines_in_file(number: &str) -> String {
    format!("{number} earlier ones are in the file")
}

pub fn lines_missing(number: &str, from: u64) -> String {
    format!("{number} lines from line {from} on are missing: the host dropped them, or they did not arrive")
}

pub fn lines_picked(first: u64, last: u64) -> String {
    if first == last {
        format!("Line {first} is marked")
    } else {
        format!("Lines {first}–{last} are marked")
    }
}

pub fn new_lines(number: u64) -> String {
    match number {
        0 => "To the end".to_owned(),
        1 => "1 new line".to_owned(),
        number => format!("{number} new lines"),
    }
}

pub fn hit(number: usize, all: usize) -> String {
    format!("{number} of {all}")
}

pub fn add(host: &str) -> String {
    format!("Add {host}")
}

pub fn token_valid(left: &str) -> String {
    format!("single use, valid for {left}")
}
