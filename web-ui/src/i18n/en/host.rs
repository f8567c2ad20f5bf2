//! One host.

pub const HOST_TABS: &str = "Parts of the host";
pub const SAVED: &str = "Saved.";
pub const SYSTEM: &str = "System";
pub const YES: &str = "yes";
pub const NO: &str = "no";

// Its snapshots.
pub const LISTED: &str = "listed";
pub const LISTING: &str = "Listing: see the job";
pub const REFRESH_LIST: &str = "Refresh list";
pub const SNAPSHOTS_EMPTY: &str = "No snapshots yet";
pub const SNAPSHOTS_EMPTY_TEXT: &str =
    "Every backup leaves one, and the list is read after each. What others made is found by refreshing the list.";
pub const SEE_JOBS: &str = "See its jobs";
pub const COLUMN_ID: &str = "Id";

// Its repository.
pub const REPOSITORY_NONE: &str = "No repository";
pub const REPOSITORY_NONE_TEXT: &str = "Without one nothing of this host can be backed up.";
pub const SHARED_WITH: &str = "Shared with";
pub const HOST_CREDENTIALS: &str = "Login of this host";
pub const LOGIN_ALONE: &str = "No other host uses the repository: this is its everyday login.";
pub const REPLACE_CREDENTIALS: &str = "Replace the login of this host";
pub const ATTACH: &str = "Attach";
pub const ATTACH_ANOTHER: &str = "Attach another repository";
pub const ATTACH_TEXT: &str =
    "Later backups go there. Snapshots in the former one stay where they are and leave this host's list.";
pub const ATTACH_CONSEQUENCE: &str = "The next backup goes to it and reads everything anew. Snapshots in the former \
    repository stay there, are no longer listed here, and can be had back by attaching it again.";
pub const CHOOSE_REPOSITORY: &str = "Choose a repository";
pub const CHOOSE_FIRST: &str = "Choose one first";
pub const NO_OTHER_REPOSITORY: &str = "There is no other repository yet";

// Its settings.
pub const ABOUT_HOST: &str = "About the host";
pub const RENAME_HELP: &str = "As it is shown here. Its snapshots keep the name that it was enrolled with.";
pub const ALWAYS_ON: &str = "Always on";
pub const ALWAYS_ON_LABEL: &str = "Always on: its silence is a fault, not sleep";
pub const LIMIT_HELP: &str = "KiB per second; 0 is no limit";
pub const LIMIT_WRONG: &str = "Type a whole number of KiB per second, or 0 for no limit.";
pub const SEEN_LAST: &str = "Last heard";
pub const CERTIFICATE_UNTIL: &str = "Certificate ends";
pub const CALLS_ITSELF: &str = "Calls itself";
pub const PROTOCOL: &str = "Protocol";
pub const COPY_HOST_ID: &str = "Copy the host's id";
pub const RELEASE: &str = "Release quarantine";
pub const RELEASE_HELP: &str = "Two machines have used its identity, and neither gets a session.";
pub const RELEASE_TEXT: &str = "Whichever machine connects first is taken for the host from then on, and gets its \
    credentials. Turn the other one off, or remove its agent, before.";
pub const RELEASED: &str = "It is released.";
pub const REVOKE_HOST: &str = "Revoke identity";
pub const REVOKE_HOST_HELP: &str = "Cuts its agent off at once. The host, its history and its snapshots stay.";
pub const REVOKE_HOST_TEXT: &str = "Its agent is cut off within a second and refused from then on. A backup that runs there \
    goes on unseen. To manage the host again, enroll it anew in its own place.";
pub const IS_REVOKED: &str = "Its identity is revoked";
pub const DELETE_HOST: &str = "Delete host";
pub const DELETE_HOST_HELP: &str = "Forgets it here, with its jobs and logs. Its snapshots stay in the repository.";
pub const DELETE_HOST_TEXT: &str = "The host, its jobs and their logs are deleted here, and its agent is cut off. Its \
    snapshots stay in the repository. This cannot be taken back.";
pub const HOST_IS_DELETED: &str = "This host is deleted";
pub const SNAPSHOTS_STAY: &str = "Its snapshots are still in the repository.";

pub fn tab_of(host: &str, tab: &str) -> String {
    format!("{host} · {tab}")
}

pub fn time_in(zone: &str) -> String {
    if zone.is_empty() {
        "Time".to_owned()
    } else {
        format!("Time ({zone})")
    }
}

pub fn other_hosts(number: u64) -> String {
    match number {
        0 => "no other host".to_owned(),
        1 => "1 other host".to_owned(),
        number => format!("{number} other hosts"),
    }
}

pub fn attach_title(repository: &str, host: &str) -> String {
    format!("Attach {repository} to {host}?")
}

pub fn release_title(host: &str) -> String {
    format!("Release {host} from quarantine?")
}

pub fn revoke_host_title(host: &str) -> String {
    format!("Revoke the identity of {host}?")
}

pub fn delete_host_title(host: &str) -> String {
    format!("Delete {host}?")
}
