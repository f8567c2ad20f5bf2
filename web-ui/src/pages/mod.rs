//! One file for each route: it asks, and it composes what `kit` has.

mod action;
mod add_host;
mod bootstrap;
mod enrolling;
mod gallery;
mod host;
mod hosts;
mod job;
mod job_table;
mod login;
mod not_found;
mod opening;
mod paging;
mod repositories;
mod settings;
mod shell;
mod sign_in_again;
mod theme;

pub(crate) use add_host::{AddHost, Created};
pub(crate) use bootstrap::Bootstrap;
pub(crate) use enrolling::Enrolling;
pub(crate) use gallery::Gallery;
pub(crate) use host::Host;
pub(crate) use hosts::Hosts;
pub(crate) use job::Job;
pub(crate) use login::Login;
pub(crate) use not_found::NotFound;
pub(crate) use opening::Opening;
pub(crate) use repositories::{NewRepository, Repositories, Repository};
pub(crate) use settings::{AccountSettings, Tokens};
pub(crate) use shell::Shell;
pub(crate) use sign_in_again::SignInAgain;
