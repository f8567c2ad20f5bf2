//! The overview and the list of jobs.

use proto::v1::JobStatus;

use crate::model::jobs_query::Range;

pub const NAV_OVERVIEW: &str = "Overview";
pub const HEALTH_OF_FLEET: &str = "Health of the fleet";
pub const NEEDS_ATTENTION: &str = "Needs attention";
pub const WORST_FIRST: &str = "worst first";
pub const ALL_HOSTS: &str = "All hosts";
pub const ALL_JOBS: &str = "All jobs";
pub const LAST_OK: &str = "Last ok";
pub const NOW_RUNNING: &str = "running";
pub const COLUMN_NOW: &str = "Now";
pub const OLDEST: &str = "oldest";
pub const FIRST_SEEN: &str = "since";
pub const SHOW_CHANGES: &str = "Show what has changed";
pub const LAST_BACKUP_ENDED: &str = "The last backup ended";

// The sentence.
pub const NO_HOSTS: &str = "Nothing is backed up yet";
pub const NO_HOSTS_LEAD: &str = "Three steps lead to the first backup.";
pub const FIRST_BACKUP: &str = "Waiting for the first backup";
pub const BACKING_UP: &str = "Backing up now, all protected";
pub const PROTECTED: &str = "Everything is backed up";

// The first three steps.
pub const START: &str = "From here to the first backup";
pub const START_REPOSITORY: &str = "Add a repository";
pub const START_REPOSITORY_TEXT: &str =
    "The place that snapshots go to: a directory, an object store or a server of restic's.";
pub const START_HOST: &str = "Add a host";
pub const START_HOST_TEXT: &str = "One command on the machine installs its agent and connects it.";
pub const START_BACKUP: &str = "Watch the first backup";
pub const START_BACKUP_TEXT: &str = "It starts when you say so on the host's page, and its log comes live.";

// What to do about a trouble.
pub const FIX_IDENTITY: &str = "Which one is real?";
pub const FIX_REPOSITORY: &str = "Look at the repository";
pub const FIX_BACKUP: &str = "See its jobs";
pub const FIX_ISSUES: &str = "Review";
pub const FIX_CONNECTION: &str = "Check the connection";
pub const FIX_OPEN: &str = "Open the host";
pub const FIX_LIST: &str = "List them";

pub fn hosts_need_you(number: u64, needing: &str, all: u64, hosts: &str) -> String {
    match (number, all) {
        (1, 1) => "Your host needs you".to_owned(),
        (1, _) => format!("1 of {hosts} hosts needs you"),
        _ => format!("{needing} of {hosts} hosts need you"),
    }
}

pub fn hosts_wait(number: u64, waiting: &str, hosts: u64, all: &str) -> String {
    match (number, hosts) {
        (1, 1) => "Your host waits for its first backup".to_owned(),
        (1, _) => format!("1 of {all} hosts waits for its first backup"),
        _ => format!("{waiting} of {all} hosts wait for their first backup"),
    }
}

pub fn hosts_counted(number: u64, hosts: &str) -> String {
    match number {
        1 => "1 host".to_owned(),
        _ => format!("{hosts} hosts"),
    }
}

pub fn are_failing(number: &str) -> String {
    format!("{number} failing")
}

pub fn are_silent(number: &str) -> String {
    format!("{number} offline")
}

pub fn have_warnings(number: &str) -> String {
    format!("{number} with warnings")
}

pub fn never_came(number: &str) -> String {
    format!("{number} never connected")
}

pub fn are_waiting(number: &str) -> String {
    format!("{number} waiting for a first backup")
}

pub fn are_asleep(number: &str) -> String {
    format!("{number} asleep")
}

pub fn are_backed_up(number: &str) -> String {
    format!("{number} backed up")
}

pub fn jobs_run(number: u64, jobs: &str) -> String {
    match number {
        1 => "1 job runs".to_owned(),
        _ => format!("{jobs} jobs run"),
    }
}

pub fn share(per_mille: u64) -> String {
    if per_mille.is_multiple_of(10) {
        format!("{} % of the fleet", per_mille / 10)
    } else {
        format!("{}.{} % of the fleet", per_mille / 10, per_mille % 10)
    }
}

pub fn as_of(time: &str) -> String {
    format!("as of {time}")
}

pub fn more_hosts(hosts: u64) -> String {
    format!("{hosts} hosts")
}

/// Why hosts need somebody, from the server's word and how the job ended that tells of it. What a newer server says
/// otherwise is shown as it is.
pub fn cause(word: &str, result_code: &str) -> String {
    let known = match (word, result_code) {
        ("identity_conflict", _) => "Two machines, one identity",
        ("revoked", _) => "Revoked",
        ("no_restic", _) => "No restic",
        ("repository_unusable" | "backup_failed", "locked" | "repo_locked") => "Repository locked",
        ("repository_unusable" | "backup_failed", "wrong_password") => "Wrong password",
        ("repository_unusable" | "backup_failed", "repo_missing") => "Repository missing",
        ("repository_unusable" | "backup_failed", "unreachable") => "Repository unreachable",
        ("repository_unusable" | "backup_failed", "access_denied") => "Access denied",
        ("repository_unusable" | "backup_failed", "no_space") => "No space left",
        ("repository_unusable", _) => "Repository unusable",
        ("backup_failed", _) => "Backup failed",
        ("silent", _) => "Not connected",
        ("backup_with_issues", _) => "Unreadable files",
        ("clock_skew", _) => "Clock is off",
        ("never_connected", _) => "Never connected",
        ("no_repository", _) => "No repository",
        _ => return word.replace('_', " "),
    };
    known.to_owned()
}

// Jobs of all hosts.
pub const NAV_JOBS: &str = "Jobs";
pub const JOBS_FILTER: &str = "Filter jobs";
pub const ALL_JOB_STATES: &str = "Every state";
pub const ALL_KINDS: &str = "Every kind";
pub const EVERY_HOST: &str = "Every host";
pub const RANGE: &str = "When";
pub const RANGE_DAY: &str = "Last 24 hours";
pub const RANGE_WEEK: &str = "Last 7 days";
pub const RANGE_MONTH: &str = "Last 30 days";
pub const RANGE_ALL: &str = "Any time";
pub const JOBS_EMPTY: &str = "No jobs yet";
pub const JOBS_EMPTY_TEXT: &str =
    "Everything that hosts do for their backups appears here: backups, probes of repositories, lists of snapshots.";
pub const JOBS_NONE_MATCH: &str = "No jobs match";
pub const COLUMN_ACTION: &str = "Action";
pub const ANY_TIME: &str = "Look at any time";
pub const CANCELLING: &str = "cancelling";
pub const CANCEL_SHORT: &str = "Cancel";

pub fn running(number: &str) -> String {
    format!("{number} running")
}

pub fn queued(number: &str) -> String {
    format!("{number} queued")
}

pub fn failed_lately(number: &str) -> String {
    format!("{number} failed in 24 h")
}

pub fn cancel_of(kind: &str, host: &str) -> String {
    format!("Cancel {kind} of {host}")
}

pub fn progress_of(kind: &str, host: &str) -> String {
    format!("{kind} of {host}")
}

pub fn percent(percent: u8) -> String {
    format!("{percent} %")
}

pub fn job_status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Unspecified => super::STATE_UNKNOWN,
        JobStatus::Queued => super::JOB_QUEUED,
        JobStatus::Running => super::JOB_RUNNING,
        JobStatus::Succeeded => super::JOB_SUCCEEDED,
        JobStatus::Failed => super::JOB_FAILED,
        JobStatus::Cancelled => super::JOB_CANCELLED,
    }
}

pub const fn range_of(range: Range) -> &'static str {
    match range {
        Range::Day => RANGE_DAY,
        Range::Week => RANGE_WEEK,
        Range::Month => RANGE_MONTH,
        Range::All => RANGE_ALL,
    }
}

pub fn no_jobs_match(filter: &str, range: Range) -> String {
    let when = match range {
        Range::Day => "in the last 24 hours",
        Range::Week => "in the last 7 days",
        Range::Month => "in the last 30 days",
        Range::All => "at any time",
    };
    if filter.is_empty() {
        format!("No host had anything to do {when}.")
    } else {
        format!("“{filter}” is true for no job {when}.")
    }
}
