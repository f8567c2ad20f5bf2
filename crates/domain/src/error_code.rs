//! The stable codes of operator-facing errors and the kinds they belong to.
//!
//! A code never changes its meaning or its kind: scripts compare it. The kind decides the gRPC code and the HTTP status
//! (`server/src/grpc/status.rs`); the sentence beside each code is the catalogue's entry.

use std::fmt;

/// What sort of refusal an [`ErrorCode`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The thing named does not exist.
    NotFound,
    /// The request is right but the present state does not allow it.
    Conflict,
    /// The request itself is wrong; repeating it cannot help.
    Invalid,
    /// Nobody is signed in, or the proof presented is not good.
    Unauthenticated,
    /// Signed in, but not allowed.
    Forbidden,
    /// It existed and has ended.
    Gone,
    /// More bytes than the limit.
    TooLarge,
    /// Too many attempts; later is fine.
    RateLimited,
    /// The server cannot answer at the moment.
    Unavailable,
    /// The work did not end within its deadline.
    TimedOut,
    /// A fault of ours.
    Internal,
}

macro_rules! error_codes {
    ($($variant:ident $code:literal $kind:ident $meaning:literal)+) => {
        /// A stable code; see the catalogue in the reference for what each one means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as clients see it: snake_case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The kind it belongs to.
            pub const fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)+ }
            }

            /// The catalogue's entry: what happened and what to do.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

error_codes! {
    InvalidJson "invalid_json" Invalid "The body is not JSON. Send one JSON object; the message says where reading stopped."
    MissingField "missing_field" Invalid "A required field is absent or empty. `errors` names it."
    InvalidArgument "invalid_argument" Invalid "A field is unknown, has the wrong type or a value outside its range. `errors` names it and says what is allowed."
    InvalidPageToken "invalid_page_token" Invalid "The page token does not belong to this list, filter and order. Start again without one."
    WeakPassword "weak_password" Invalid "The password is too short, too long or equal to the user name. Use 12 to 256 characters."
    InvalidPath "invalid_path" Invalid "A path is not absolute, too long, or holds a NUL. Give absolute paths; options are not accepted."
    InvalidKind "invalid_kind" Invalid "There is no job of this kind. The message lists the kinds."
    InvalidRepoUrl "invalid_repo_url" Invalid "The repository URL is not one that restic accepts here. The message names the part that is wrong."
    InvalidCsr "invalid_csr" Invalid "The certificate request cannot be read, its signature is wrong, or its key is of a type that is not accepted."
    SourceGroupRequired "source_group_required" Invalid "The host has no single source group to fall back on. Name paths in `args` or a source group."
    ConfirmationMismatch "confirmation_mismatch" Invalid "The typed name is not the name of the host. Type it exactly to confirm."

    Unauthorized "unauthorized" Unauthenticated "Nobody is signed in, or the session has ended. Sign in again."
    InvalidCredentials "invalid_credentials" Unauthenticated "The user name or the password is wrong, or the user is disabled."
    CertificateRevoked "certificate_revoked" Unauthenticated "The agent's certificate is void: its host was deleted or revoked, or another machine was enrolled in its place. The agent keeps what it has and enrolls again only when a person says so."
    InvalidToken "invalid_token" Unauthenticated "The token is not known to this server. Check that it was copied whole and belongs to this server."

    InvalidProof "invalid_proof" Unauthenticated "The signature of the agent's identity key is not that of the host it speaks for. If the host was deleted, or the machine was enrolled anew elsewhere, enroll it again with a new token."

    Forbidden "forbidden" Forbidden "The role of the signed-in user does not allow this. Ask an admin."
    CsrfRejected "csrf_rejected" Forbidden "The request came from another site. Open the console by its own address."

    NotFound "not_found" NotFound "There is no such route."
    NotPublished "not_published" NotFound "This server has no agent for that system. Whoever runs it puts the program into `agent-binaries` of its data directory; the message names the file."
    UserNotFound "user_not_found" NotFound "There is no user with this id."
    HostNotFound "host_not_found" NotFound "There is no host with this id."
    JobNotFound "job_not_found" NotFound "There is no job with this id."
    RepositoryNotFound "repository_not_found" NotFound "There is no repository with this id."
    SourceGroupNotFound "source_group_not_found" NotFound "The host has no source group with this id."
    EnrollmentTokenNotFound "enrollment_token_not_found" NotFound "There is no enrollment token with this id."
    MethodNotAllowed "method_not_allowed" NotFound "The route exists, but not with this HTTP method. The `allow` header lists the ones it has."

    AlreadyBootstrapped "already_bootstrapped" Conflict "The first admin exists. Sign in instead."
    UserExists "user_exists" Conflict "A user with this name exists. Choose another name."
    HostExists "host_exists" Conflict "A host with this name exists. Choose another name, or put the machine in that host's place with a token that names it in `replace_host_id`."
    HostOffline "host_offline" Conflict "The host is not connected. Wait until it is back, or set `queue_if_offline`."
    HostQuarantined "host_quarantined" Conflict "Two machines have used this host's identity, so it gets no jobs and no secrets. Find out which is the right one, stop the other, then let an admin release the host."
    DuplicateIdentity "duplicate_identity" Conflict "Another machine uses this host's identity at this moment. If this is a copy of a machine, run `restic-manager-agent wipe --yes` on it and enroll it as a host of its own."
    KeyReused "key_reused" Conflict "A host owns or owned this key. Delete the agent's identity on this machine and enroll again."
    VersionConflict "version_conflict" Conflict "Somebody changed it in the meantime. Read it again and repeat the change."
    RepositoryInUse "repository_in_use" Conflict "Hosts still use this repository. Bind them to another one first."
    RepositoryExists "repository_exists" Conflict "A repository with this URL and user name exists. Use that one."
    RepositoryShared "repository_shared" Conflict "Several hosts use this repository, so its URL cannot be changed from one of them. Edit the repository itself."
    RepositoryCredentialsDiffer "repository_credentials_differ" Conflict "A repository with this URL exists with another password. Use its id, or give the same password."
    RepositoryNotReady "repository_not_ready" Conflict "The host has no usable repository. Set its credentials and let the probe succeed first."
    RepositoryReplaced "repository_replaced" Conflict "Another restic repository lies where the known one was, so backups of this host are held back. Find out who replaced it. Then an admin confirms the new one by its restic id, or you put the known one back and run a probe."
    RepositoryNotReplaced "repository_not_replaced" Conflict "No host has found a repository with this restic id in the place of the known one, so there is nothing to confirm. The repository's `replacements` list what was found."
    RepositoryBusy "repository_busy" Conflict "A job is under way on this repository, and would lose its lock. Wait until it has ended, or cancel it."
    RepositoryReady "repository_ready" Conflict "The repository is initialised already. Nothing has to be done."
    JobAlreadyFinished "job_already_finished" Conflict "The job has ended; it cannot be cancelled any more."
    ProtocolTooOld "protocol_too_old" Conflict "Agent and server have no version of their protocol in common. Update the older one; until then the agent's backups run on, but are not seen here."
    IdempotencyMismatch "idempotency_mismatch" Conflict "The idempotency key was used before, for another request. Use a new key for what is new, or send the first request unchanged."
    AnswerNotKept "answer_not_kept" Conflict "A request with this idempotency key was carried out before, and its answer cannot be given again: it held a secret that is shown once, or the server stopped before it was kept. Look at what exists now; use a new key for another one."
    HostNotActive "host_not_active" Conflict "The host is quarantined or revoked and gets no certificate. An admin must release it, or enroll the machine anew."
    CertificateSuperseded "certificate_superseded" Conflict "A newer certificate of this host is in use. Another machine runs with a copy of this identity, or this one was set back to an older copy: wipe the agent of the copy and enroll it as a host of its own."
    ClockSkewed "clock_skewed" Conflict "The machine's clock is more than 10 minutes off. Set it right; the agent then goes on by itself."
    QueueFull "queue_full" Conflict "The host has too many jobs waiting. Let some finish first."

    TokenExpired "token_expired" Gone "The token's time is over. Make a new one."
    TokenUsed "token_used" Gone "The token was used. Make a new one for another host."
    TokenRevoked "token_revoked" Gone "The token was revoked. Make a new one."
    LogExpired "log_expired" Gone "The log was removed: it was older than `RM_LOG_RETENTION`, or its host had more than 1 GiB of logs. The job and its result are still shown; for longer logs raise the setting."
    CertificateLapsed "certificate_lapsed" Gone "The host's certificate ended more than 60 days ago. Enroll the machine again with a token that replaces the host."

    PayloadTooLarge "payload_too_large" TooLarge "The body is larger than the limit. Send less at once."
    RateLimited "rate_limited" RateLimited "Too many attempts. Wait for `retry_after_seconds`."
    Internal "internal" Internal "A fault of the server. Give the request id to whoever runs it; its log has the cause."
    Unavailable "unavailable" Unavailable "The server is busy or starting. Try again in a moment."
    StorageFull "storage_full" Unavailable "The disk of the server's database is full, so nothing was changed. Agents keep what they have to report. Whoever runs the server must free space there; it then goes on by itself."
    Timeout "timeout" TimedOut "The answer took too long. Try again; nothing was left half done."
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ErrorCode {
    /// Finds a code by its text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_snake_case_words() {
        let mut seen = HashSet::new();
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(
                text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{text}"
            );
            assert!(seen.insert(text), "{text} twice");
            assert_eq!(ErrorCode::parse(text), Some(*code));
        }
    }

    #[test]
    fn every_entry_is_a_sentence() {
        for code in ErrorCode::ALL {
            assert!(code.meaning().ends_with('.'), "{code}");
        }
    }
}
