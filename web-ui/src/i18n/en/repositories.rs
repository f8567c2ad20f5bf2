//! Repositories and what opens them.

use crate::model::format::count;

// States.
pub const REPO_REPLACED: &str = "Replaced";
pub const REPO_UNUSED: &str = "Not used";
pub const REPLACED_TEXT: &str = "Another repository lies where this one should be. Backups of the hosts that found it are held back; \
     nothing was written. Put the known one back and test it, or let an administrator confirm the new one.";
pub const UNUSED_TEXT: &str = "No host backs up to it yet. The first host that uses it makes it at its location, or adopts it if it exists there.";
pub const PENDING_TEXT: &str = "No host has tried it yet. The next connection of a host does; or test it below.";
pub const INITIALISING_TEXT: &str = "A host is making it at its location. Backups start when that is done.";
pub const DETAIL_WRONG_PASSWORD: &str = "the password does not open it";
pub const DETAIL_REPO_MISSING: &str = "nothing lies at its location";
pub const DETAIL_UNREACHABLE: &str = "its storage does not answer";
pub const DETAIL_ACCESS_DENIED: &str = "its storage refused the login";
pub const DETAIL_LOCKED: &str = "it is locked";
pub const DETAIL_NO_SPACE: &str = "no space is left";
pub const DETAIL_RESTIC_MISSING: &str = "the host has no restic";
pub const DETAIL_RESTIC_TOO_OLD: &str = "the host's restic is too old";
pub const DETAIL_REPLACED: &str = "another repository lies in its place";
pub const DETAIL_INVALID_URL: &str = "the agent does not use such a location";

// The list.
pub const ADD_REPOSITORY: &str = "Add repository";
pub const REPOSITORIES_EMPTY: &str = "No repositories yet";
pub const REPOSITORIES_EMPTY_TEXT: &str =
    "A repository is where backups go: a location, and what opens it. Hosts share one, or have one each.";
pub const COLUMN_NAME: &str = "Name";
pub const COLUMN_LOCATION: &str = "Location";
pub const COLUMN_HOSTS: &str = "Hosts";
pub const COLUMN_SIZE: &str = "Size";

// Adding one.
pub const ADD_REPOSITORY_LEAD: &str = "The first host that uses it makes it at its location, or adopts it if it exists there. Nothing is ever overwritten.";
pub const REPO_NAME_HELP: &str = "As it is called here; taken from the location when left empty";
pub const REPO_KIND: &str = "Kind";
pub const REPO_LOCATION: &str = "Location";
pub const KIND_LOCAL: &str = "Directory of the host";
pub const KIND_REST: &str = "REST server";
pub const KIND_S3: &str = "S3 and compatible";
pub const KIND_B2: &str = "Backblaze B2";
pub const KIND_SFTP: &str = "SFTP";
pub const KIND_AZURE: &str = "Azure Blob Storage";
pub const KIND_GS: &str = "Google Cloud Storage";
pub const KIND_SWIFT: &str = "OpenStack Swift";
pub const KIND_RCLONE: &str = "rclone";
pub const HELP_LOCAL: &str = "An absolute path, such as /srv/restic on Linux. Each host means its own disk by it, or a share that is mounted there.";
pub const HELP_REST: &str = "Such as rest:https://backup.example.org/web-01 with the login below. A server in append-only mode keeps old snapshots safe \
     from a host that was taken over.";
pub const HELP_S3: &str = "Such as s3:https://s3.example.org/bucket/path, with the key below.";
pub const HELP_B2: &str = "Such as b2:bucket:path, with the account's key below.";
pub const HELP_SFTP: &str = "Such as sftp:backup@nas.example.org:/srv/restic, where root's ssh key of each host must be let in without a question.";
pub const HELP_AZURE: &str = "Such as azure:container:/path, with the account and one of its keys below.";
pub const HELP_GS: &str = "Such as gs:bucket:/path, with the project and what opens it below.";
pub const HELP_SWIFT: &str = "Such as swift:container:/path, with the login of the cloud below.";
pub const HELP_RCLONE: &str = "Such as rclone:remote:path, where the remote is set up in rclone on each host, and the agent's own policy allows it.";
pub const LOGIN: &str = "Login at the storage";
pub const LOGIN_PASSWORD: &str = "Login password";
pub const LOGIN_PASSWORD_HELP: &str = "Left empty, the repository password serves for both";
pub const ENCRYPTION: &str = "Encryption";
pub const ENCRYPTION_HELP: &str = "Encrypts the repository: whoever has no copy of it cannot restore";
pub const GENERATE: &str = "Make a strong one";
pub const KEEP_PASSWORD: &str = "Keep a copy of this password outside restic-manager.";
pub const KEEP_PASSWORD_TEXT: &str =
    "It is not shown again. If this server is lost, nobody can restore without it: not even with the data.";
pub const KEPT_PASSWORD: &str = "I have stored it in a safe place";
pub const KEEP_FIRST: &str = "Store the new password first, and say so here";
pub const VARIABLES: &str = "Variables of the storage";
pub const VARIABLES_HELP: &str = "Only those that are filled in are set. They are write-only.";
pub const VARIABLES_REPLACE: &str = "What is filled in replaces all that is set now.";

// One repository.
pub const NUMBERS: &str = "Numbers";
pub const RAW_SIZE: &str = "Stored";
pub const RESTORE_SIZE: &str = "All snapshots restored";
pub const COMPRESSION: &str = "Compression";
pub const DEDUPLICATION: &str = "Deduplication";
pub const COUNTED: &str = "Counted";
pub const NOT_COUNTED: &str = "not counted yet";
pub const RESTIC_ID: &str = "restic's id";
pub const COPY_RESTIC_ID: &str = "Copy restic's id";
pub const COPY_LOCATION: &str = "Copy the location";
pub const KNOWN_SINCE: &str = "Known here";
pub const EDIT: &str = "Edit";
pub const EDIT_LOCATION: &str = "Edit name and location";
pub const TYPE_TO_CONFIRM: &str = "Type the name below to confirm";
pub const SAVE: &str = "Save";
pub const CANCEL_EDIT: &str = "Cancel";
pub const MOVES_HOSTS: &str = "Hosts look for it at the new location at once, and back up there:";
pub const MOVES_NOTHING: &str = "No data is moved. Variables that another kind of storage does not read are dropped.";
pub const ADMIN_MOVES: &str = "To another server only an administrator may move it, for the stored login goes along.";
pub const CONFLICT: &str = "Somebody changed it in the meantime.";
pub const TAKE_THEIRS: &str = "Show what is stored now";
pub const EVERYDAY: &str = "Everyday credentials";
pub const EVERYDAY_TEXT: &str = "With these hosts back up. They are kept on each host.";
pub const ADMIN_SLOT: &str = "Admin credentials";
pub const ADMIN_SLOT_TEXT: &str = "With these snapshots may be removed. They never rest on a host.";
pub const ADMIN_NOT_SET: &str = "Not set, so prune is off";
pub const REPLACE: &str = "Replace";
pub const SET: &str = "Set";
pub const KEEP: &str = "Keep it";
pub const REMOVE: &str = "Remove";
pub const IS_SET: &str = "set";
pub const IS_NOT_SET: &str = "not set";
pub const CHANGED: &str = "Changed";
pub const VARIABLES_SET: &str = "Variables";
pub const REPLACE_EVERYDAY: &str = "Replace everyday credentials";
pub const SET_ADMIN: &str = "Set admin credentials";
pub const CREDENTIALS_HELP: &str =
    "What is left empty stays as it is. Connected hosts get the change at once and try it.";
pub const ADMIN_HELP: &str =
    "What is left empty stays as it is. Without a password of its own the everyday one opens it.";
pub const REMOVE_ADMIN: &str = "Remove admin credentials";
pub const REMOVE_ADMIN_TEXT: &str = "Nothing can be pruned until they are set again. Backups go on.";
pub const HOSTS_USING: &str = "Hosts that use it";
pub const HOSTS_USING_NONE: &str = "No host uses it.";
pub const OWN_LOGIN: &str = "Login";
pub const OWN_LOGIN_TITLE: &str = "Login of one host";
pub const OWN_LOGIN_SHARED: &str = "This host signs in like the others.";
pub const OWN_LOGIN_SET: &str = "This host has a login of its own.";
pub const OWN_LOGIN_HELP: &str =
    "What is set here is this host's alone. What is left empty stays. The repository's password is everybody's.";
pub const WORK: &str = "Work on it";
pub const WORK_HOST: &str = "From host";
pub const WORK_NONE: &str = "It is looked at and worked on from a host, and no host uses it.";
pub const WORK_PROBE: &str = "Test";
pub const WORK_INIT: &str = "Make it";
pub const WORK_STATS: &str = "Count size";
pub const WORK_UNLOCK: &str = "Remove stale locks";
pub const WORK_OFFLINE: &str = "The host is not connected";
pub const WORK_REPLACED: &str = "Another repository lies in its place";
pub const WORK_IS_MADE: &str = "It is made already";
pub const LOCKS: &str = "Locks";
pub const LOCKS_NONE: &str = "None when somebody last looked.";
pub const LOCKS_UNKNOWN: &str = "Nobody has looked yet: counting the size does.";
pub const LOCKS_SEEN: &str = "seen";
pub const LOCK_OLD: &str = "Left behind?";
pub const LOCK_FRESH: &str = "Maybe at work";
pub const LOCK_EXCLUSIVE: &str = "exclusive";
pub const REMOVE_ALL_LOCKS: &str = "Remove all locks";
pub const REMOVE_ALL_LOCKS_TEXT: &str = "Locks go whose owners may be at work: what such a restic writes meanwhile can be lost. Be sure that none runs, also none by \
     hand.";
pub const DANGER: &str = "Danger zone";
pub const FORGET: &str = "Remove from here";
pub const FORGET_HELP: &str = "restic-manager forgets it. Its data stays where it is.";
pub const FORGET_TEXT: &str = "Its location and credentials are forgotten here. Its data stays where it is; keep its password if you want to read it.";
pub const FORGET_IN_USE: &str = "Hosts use it: give them another one first";
pub const REINIT: &str = "Make it anew";
pub const REINIT_HELP: &str = "Only for one that is gone for good: its location must be empty.";
pub const REINIT_TEXT: &str = "A new, empty repository is made at the location, with the stored password. Nothing is deleted: where a repository still \
     lies, it fails. Earlier snapshots are gone from the lists.";
pub const CONFIRM_REPLACED: &str = "Use the new one";
pub const CONFIRM_REPLACED_TITLE: &str = "Use the repository that was found?";
pub const CONFIRM_REPLACED_TEXT: &str = "From now on the one that was found is the one to back up to. An exchanged repository can be an attack: compare its id with \
     what restic says on a machine that you trust. Nothing in either is touched.";
pub const FOUND_ID: &str = "Found";
pub const KNOWN_ID: &str = "Known";
pub const ASK_ADMIN: &str = "An administrator can confirm it.";

pub fn hosts(number: u64) -> String {
    match number {
        1 => "1 host".to_owned(),
        number => format!("{} hosts", count(number)),
    }
}

pub fn hosts_of(number: u64, all: u64) -> String {
    format!("{} of {}", count(number), hosts(all))
}

pub fn found_by(host: &str, others: usize) -> String {
    match others {
        0 => format!("found by {host}"),
        others => format!("found by {host} and {others} more"),
    }
}

pub fn and_more(number: u64) -> String {
    format!("and {} more", count(number))
}

pub fn set_ago(ago: &str) -> String {
    format!("set {ago}")
}

pub fn forget_title(name: &str) -> String {
    format!("Remove {name} from here?")
}

pub fn reinit_title(name: &str) -> String {
    format!("Make {name} anew?")
}

pub fn lock_of(host: &str, user: &str, process: u32) -> String {
    format!("{host}, {user}, process {process}")
}
