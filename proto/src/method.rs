//! What a client has to know of a method to call it.
//!
//! The build implements one of the two traits for the request message of each method of the operators' API: a request
//! belongs to one method, so a typed call needs no more than the request.

use prost::Message;

use crate::v1::Role;

/// A request that is answered by one message.
pub trait Unary: Message + Default {
    /// The answer.
    type Answer: Message + Default;
    /// The method as it stands in the path of a call, such as `/restic_manager.v1.HostService/GetHost`.
    const PATH: &'static str;
    /// The least role that may call it.
    const ROLE: Role;
}

/// A request that is answered by a stream of messages.
pub trait ServerStreaming: Message + Default {
    /// One message of the stream.
    type Item: Message + Default;
    /// The method as it stands in the path of a call, such as `/restic_manager.v1.JobService/WatchJob`.
    const PATH: &'static str;
    /// The least role that may call it.
    const ROLE: Role;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    #[test]
    fn a_request_knows_its_method_its_answer_and_who_may_call_it() {
        fn path<R: Unary<Answer = v1::Host>>() -> (&'static str, Role) {
            (R::PATH, R::ROLE)
        }

        assert_eq!(
            path::<v1::GetHostRequest>(),
            ("/restic_manager.v1.HostService/GetHost", Role::Viewer)
        );
        assert_eq!(v1::LoginRequest::ROLE, Role::Anonymous);
        assert_eq!(v1::DeleteHostRequest::ROLE, Role::Admin);
    }

    #[test]
    fn a_stream_is_told_from_a_single_answer() {
        fn item<R: ServerStreaming<Item = v1::JobEvent>>() -> &'static str {
            R::PATH
        }

        assert_eq!(item::<v1::WatchJobRequest>(), "/restic_manager.v1.JobService/WatchJob");
    }
}
