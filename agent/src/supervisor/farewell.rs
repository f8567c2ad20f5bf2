//! What a farewell of the server means for the host, for its log and its status.

use domain::session::GoodbyeReason;

/// A sentence for a person, where one has to do something; `None` for what the agent settles by itself.
pub(super) const fn meaning(reason: GoodbyeReason) -> Option<&'static str> {
    match reason {
        GoodbyeReason::Superseded => Some(
            "another agent with this host's identity has connected; if this machine or its state directory was copied, stop \
             the agent on the copy, run `restic-manager-agent wipe --yes` there and enroll it as a host of its own",
        ),
        GoodbyeReason::Quarantined => Some(
            "two machines have used this host's identity, so the server talks to neither until an admin has released the \
             host; running jobs go on, and what they report waits here",
        ),
        GoodbyeReason::CertificateRevoked => Some(
            "the server has declared this host's certificate void: the host was revoked, or another machine was enrolled in \
             its place; nothing is removed here, running jobs go on, and only a person enrolls this machine again",
        ),
        GoodbyeReason::Revoked
        | GoodbyeReason::Shutdown
        | GoodbyeReason::SlowConsumer
        | GoodbyeReason::ProtocolError => None,
    }
}
