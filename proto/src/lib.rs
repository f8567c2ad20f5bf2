#![doc = include_str!("../README.md")]

pub mod convert;
#[cfg(feature = "grpc")]
pub mod door;
pub mod method;

/// The operators' API.
#[allow(clippy::all, clippy::pedantic, unreachable_pub, missing_docs, reason = "generated")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/restic_manager.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/restic_manager.v1.methods.rs"));
    #[cfg(feature = "grpc")]
    include!(concat!(env!("OUT_DIR"), "/restic_manager.v1.guards.rs"));
    #[cfg(feature = "rest")]
    include!(concat!(env!("OUT_DIR"), "/restic_manager.v1.serde.rs"));
    #[cfg(feature = "rest")]
    include!(concat!(env!("OUT_DIR"), "/restic_manager.v1.rest.rs"));
}

/// The agents' API.
#[allow(clippy::all, clippy::pedantic, unreachable_pub, missing_docs, reason = "generated")]
pub mod agent {
    /// The current version.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/restic_manager.agent.v1.rs"));
        #[cfg(feature = "grpc")]
        include!(concat!(env!("OUT_DIR"), "/restic_manager.agent.v1.guards.rs"));
        #[cfg(feature = "rest")]
        include!(concat!(env!("OUT_DIR"), "/restic_manager.agent.v1.serde.rs"));
        #[cfg(feature = "rest")]
        include!(concat!(env!("OUT_DIR"), "/restic_manager.agent.v1.rest.rs"));
    }
}

#[cfg(feature = "rest")]
#[doc(hidden)]
pub mod restic_manager {
    pub use super::{agent, v1};
}

/// The generated REST transcoder over all services.
#[cfg(feature = "rest")]
#[allow(clippy::all, clippy::pedantic, unreachable_pub, missing_docs, reason = "generated")]
pub mod rest {
    use super::restic_manager;
    include!(concat!(env!("OUT_DIR"), "/transcoder.rest.rs"));
}

/// Every `.proto` file with its options and comments, as an encoded `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The OpenAPI documents that the generator made of each package, before the server rewrites and joins them.
#[cfg(feature = "rest")]
pub const OPENAPI: [&str; 2] = [
    include_str!(concat!(env!("OUT_DIR"), "/restic_manager.v1.openapi.json")),
    include_str!(concat!(env!("OUT_DIR"), "/restic_manager.agent.v1.openapi.json")),
];
