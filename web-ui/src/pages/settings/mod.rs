//! Settings: what one sets for oneself, and enrollment tokens.

mod account;
mod tokens;

pub(crate) use account::AccountSettings;
pub(crate) use tokens::Tokens;

use leptos::prelude::*;
use proto::v1::ListEnrollmentTokensRequest;

use crate::i18n::t;
use crate::kit::{Tabs, Title};
use crate::session::session;

/// Settings, as a part of the way to a page.
fn crumb() -> (String, String) {
    (t::NAV_SETTINGS.to_owned(), "/settings/account".to_owned())
}

/// What stands above every part of the settings.
#[component]
fn Head(
    /// The part.
    part: &'static str,
) -> impl IntoView {
    let tabs = move || {
        let may_list = session().may::<ListEnrollmentTokensRequest>();
        let tokens = may_list.then(|| ("/settings/tokens".to_owned(), t::TAB_TOKENS));
        let account = ("/settings/account".to_owned(), t::TAB_ACCOUNT);
        let tabs = std::iter::once(account).chain(tokens).collect::<Vec<_>>();
        view! { <Tabs label=t::NAV_SETTINGS tabs/> }
    };
    view! {
        <header class="page-head"><div class="title"><Title text=part/></div></header>
        {tabs}
    }
}
