//! Repositories: where one lies, what opens it and how it is.

mod admission;
mod backend;
mod change;
mod credentials;
mod first_job;
mod lock;
mod login;
mod slot;
mod stats;
mod status;
mod url;
mod view;

pub use admission::NotAdmitted;
pub use backend::{BackendEnv, BackendVariable, InvalidBackendEnv, InvalidRepositoryKind, RepositoryKind};
pub use change::{
    BindRepository, ConfirmReplaced, NewRepository, SetCredentials, SetHostCredentials, UpdateRepository,
};
pub use credentials::{CredentialChange, Credentials};
pub use first_job::{FirstJob, RepositorySituation, Tried, WhyNone};
pub use lock::RepositoryLock;
pub use login::{InvalidLoginName, InvalidRepositoryPassword, LoginName, RepositoryPassword};
pub use slot::{CredentialSlot, InvalidCredentialSlot};
pub use stats::{RepositoryStats, RepositoryStatsView};
pub use status::{InvalidRepoStatus, RepoDetail, RepoEvent, RepoStatus};
pub use url::{InvalidRepositoryUrl, RepositoryUrl, UrlLogin};
pub use view::{HostCredentialsView, HostState, Replacement, RepositoryView, SlotView, worst_first};
