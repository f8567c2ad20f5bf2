//! Repositories: where one lies, what opens it and how it is.

mod backend;
mod slot;
mod status;
mod url;

pub use backend::{BackendEnv, BackendVariable, InvalidBackendEnv, InvalidRepositoryKind, RepositoryKind};
pub use slot::{CredentialSlot, InvalidCredentialSlot};
pub use status::{InvalidRepoStatus, RepoDetail, RepoEvent, RepoStatus};
pub use url::{InvalidRepositoryUrl, RepositoryUrl, UrlLogin};
