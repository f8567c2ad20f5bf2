//! Repositories: the list, the form for another, and each with what opens it and who uses it.

mod credentials;
mod danger;
mod detail;
mod facts;
mod host_login;
mod hosts;
mod list;
mod location;
mod locks;
mod new;
mod work;

pub(crate) use detail::Repository;
pub(crate) use list::Repositories;
pub(crate) use new::NewRepository;

use crate::i18n::t;

/// The list, as a part of the way to a page.
fn crumb() -> (String, String) {
    (t::NAV_REPOSITORIES.to_owned(), "/repositories".to_owned())
}
