//! [`WantedToken`]: what a person wants when making a token, and [`CreatedToken`], the one answer that shows it.

use ipnet::IpNet;

use super::{Pin, TokenState, TokenTtl};
use crate::id::{EnrollmentTokenId, HostId, RepositoryId};
use crate::name::{Hostname, Tags};
use crate::page::PageQuery;
use crate::path::BackupPaths;
use crate::repository::NewRepository;
use crate::{Secret, Timestamp};

/// A token to be made, by what it is for.
#[derive(Debug, Clone)]
pub enum WantedToken {
    /// It makes a host.
    Host(NewEnrollmentToken),
    /// It puts a machine in the place of a host.
    Replacement(NewReplacementToken),
}

/// A token that puts a machine in the place of a host. The host keeps its name, its history, its groups and its repository.
#[derive(Debug, Clone)]
pub struct NewReplacementToken {
    /// The host.
    pub host: HostId,
    /// Its name, for a check that it is the right one; `None` when nobody wants that.
    pub hostname: Option<Hostname>,
    /// How long the token may be used.
    pub ttl: TokenTtl,
    /// The network that the machine must call from; `None`: anywhere.
    pub source: Option<IpNet>,
}

/// A token that makes a host.
#[derive(Debug, Clone)]
pub struct NewEnrollmentToken {
    /// Name of the host to be.
    pub hostname: Hostname,
    /// Labels of the host to be.
    pub tags: Tags,
    /// Its repository.
    pub repository: WantedRepository,
    /// What its first source group saves; `None`: what is usual on its system.
    pub initial_paths: Option<BackupPaths>,
    /// How long the token may be used.
    pub ttl: TokenTtl,
    /// The network that the host must call from; `None`: anywhere.
    pub source: Option<IpNet>,
}

/// The repository of a host to be.
#[derive(Debug, Clone)]
pub enum WantedRepository {
    /// None for now.
    None,
    /// One that is known here.
    Known(RepositoryId),
    /// One at this location. A repository that is known there is used, when the secrets agree.
    At(Box<NewRepository>),
}

/// A new token with everything that is shown only once.
#[derive(Debug, Clone)]
pub struct CreatedToken {
    /// Its id.
    pub id: EnrollmentTokenId,
    /// The token.
    pub token: Secret<String>,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
    /// What to run on a Linux host.
    pub install_command: Secret<String>,
    /// What to run on a Windows host.
    pub install_command_windows: Secret<String>,
    /// The same as a file.
    pub installer_script: Secret<String>,
    /// How an agent knows this server.
    pub pin: Pin,
    /// The password that was made for the repository.
    pub generated_repo_password: Option<Secret<String>>,
    /// Line for the rest-server's htpasswd file.
    pub htpasswd_line: Option<String>,
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// Its id.
    pub id: EnrollmentTokenId,
    /// Name of the host to be.
    pub hostname: Hostname,
    /// Labels of the host to be.
    pub tags: Tags,
    /// Where it is in its life.
    pub state: TokenState,
    /// Name of the user who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends or ended by itself.
    pub expires_at: Timestamp,
    /// The host that used it, unless that was deleted since.
    pub host_id: Option<HostId>,
    /// The host in whose place it puts a machine; `None` for a token that makes a host.
    pub replaces: Option<HostId>,
}

/// What a reader of the list of tokens asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenQuery {
    /// Only in this state.
    pub state: Option<TokenState>,
    /// Which page.
    pub page: PageQuery,
}
