//! What stands around every page: the way to the others, where one is, whether it is live, and who one is.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::{A, Outlet, Redirect};
use leptos_router::hooks::use_location;

use super::theme::{Chosen, ThemeButton};
use crate::browser;
use crate::i18n::t;
use crate::kit::{Icon, Mark};
use crate::live::{LiveState, live};
use crate::model::list_page::encoded;
use crate::session::{Session, session};

/// The way back from a page: names and addresses, from the outside in. The page itself is not among them.
#[derive(Clone, Copy)]
pub(super) struct Crumbs(RwSignal<Vec<(String, String)>>);

impl Crumbs {
    /// Says where the calling page is: what it lies in, and its own name.
    pub(super) fn set(trail: impl Fn() -> Vec<(String, String)> + 'static, here: impl Fn() -> String + 'static) {
        let crumbs: Self = expect_context();
        Effect::new(move || {
            let last = std::iter::once((here(), String::new()));
            crumbs.0.set(trail().into_iter().chain(last).collect());
        });
    }
}

/// The list of hosts, as a part of the way to a page.
pub(super) fn hosts() -> (String, String) {
    (t::NAV_HOSTS.to_owned(), "/hosts".to_owned())
}

#[component]
pub(crate) fn Shell() -> impl IntoView {
    let session = session();
    let location = use_location();
    let crumbs = Crumbs(RwSignal::new(Vec::new()));
    provide_context(crumbs);
    Chosen::provide();
    let is_signed_in = Memo::new(move |_| session.who.with(Option::is_some));
    move || {
        if !is_signed_in.get() {
            let here = format!(
                "{}{}",
                location.pathname.get_untracked(),
                search(&location.search.get_untracked())
            );
            let login = if here == "/" {
                "/login".to_owned()
            } else {
                format!("/login?next={}", encoded(&here))
            };
            return view! { <Redirect path=login/> }.into_any();
        }
        view! {
            <a class="skip" href="#main">{t::SKIP}</a>
            <div class="shell">
                <nav class="rail" aria-label=t::NAV_MAIN>
                    <A href="/" attr:class="brand"><Mark/><span>{t::PRODUCT}</span></A>
                    <ul>
                        <li><NavEntry href="/" icon="i-overview" label=t::NAV_OVERVIEW/></li>
                        <li><NavEntry href="/hosts" icon="i-hosts" label=t::NAV_HOSTS/></li>
                        <li><NavEntry href="/jobs" icon="i-jobs" label=t::NAV_JOBS/></li>
                        <li><NavEntry href="/repositories" icon="i-repos" label=t::NAV_REPOSITORIES/></li>
                        <li><NavEntry href="/settings" icon="i-settings" label=t::NAV_SETTINGS/></li>
                    </ul>
                    <div class="rail-foot"><span>{browser::host()}</span><span>{t::version()}</span></div>
                </nav>
                <div>
                    <header class="topbar">
                        <nav class="crumbs-box" aria-label=t::NAV_BREADCRUMB><Trail crumbs/></nav>
                        <LiveMark/>
                        <ThemeButton/>
                        <Account session/>
                    </header>
                    <main id="main" class="page"><Outlet/></main>
                </div>
            </div>
            <nav class="tabbar" aria-label=t::NAV_COMPACT>
                <NavEntry href="/" icon="i-overview" label=t::NAV_OVERVIEW/>
                <NavEntry href="/hosts" icon="i-hosts" label=t::NAV_HOSTS/>
                <NavEntry href="/jobs" icon="i-jobs" label=t::NAV_JOBS/>
                <NavEntry href="/repositories" icon="i-repos" label=t::NAV_REPOSITORIES/>
                <NavEntry href="/settings" icon="i-settings" label=t::NAV_SETTINGS/>
            </nav>
        }
        .into_any()
    }
}

fn search(search: &str) -> String {
    if search.is_empty() {
        String::new()
    } else {
        format!("?{}", search.trim_start_matches('?'))
    }
}

#[component]
fn NavEntry(
    /// Where it leads.
    href: &'static str,
    /// Its icon.
    icon: &'static str,
    /// Its name.
    label: &'static str,
) -> impl IntoView {
    let location = use_location();
    let is_here = move || {
        let path = location.pathname.get();
        path == href || path.strip_prefix(href).is_some_and(|below| below.starts_with('/'))
    };
    view! {
        <a href=href aria-current=move || is_here().then_some("page")>
            <Icon name=icon/>
            <span>{label}</span>
        </a>
    }
}

#[component]
fn Trail(
    /// Where one is.
    crumbs: Crumbs,
) -> impl IntoView {
    view! {
        <ol class="crumbs">
            {move || {
                crumbs.0
                    .get()
                    .into_iter()
                    .map(|(name, href)| {
                        if href.is_empty() {
                            view! { <li><span aria-current="page">{name}</span></li> }.into_any()
                        } else {
                            view! { <li><a href=href>{name}</a></li> }.into_any()
                        }
                    })
                    .collect_view()
            }}
        </ol>
    }
}

#[component]
fn LiveMark() -> impl IntoView {
    let state = live().0;
    view! {
        <span class="live" class:is-paused=move || matches!(state.get(), LiveState::Paused { .. }) role="status">
            <span class="dot"></span>
            <span class="word">
                {move || match state.get() {
                    LiveState::Connecting => t::LIVE_CONNECTING.to_owned(),
                    LiveState::Live => t::LIVE.to_owned(),
                    LiveState::Paused { as_of } => t::live_paused(&browser::clock(as_of)),
                }}
            </span>
        </span>
    }
}

#[component]
fn Account(
    /// Who is signed in.
    session: Session,
) -> impl IntoView {
    let name = move || {
        session
            .who
            .with(|who| who.as_ref().map(|who| who.username.clone()).unwrap_or_default())
    };
    let initials = move || name().chars().take(2).collect::<String>().to_uppercase();
    let role = move || {
        session
            .who
            .with(|who| who.as_ref().map_or(t::NOTHING, |who| t::role(who.role())))
    };
    view! {
        <button type="button" class="avatar" popovertarget="account">
            <span aria-hidden="true">{initials}</span>
            <span class="vh">{move || t::account(&name())}</span>
        </button>
        <div class="menu" id="account" popover="auto">
            <p class="who"><b>{name}</b><span class="meta">{role}</span></p>
            <hr/>
            <A href="/settings/account" attr:class="btn ghost wide">{t::NAV_SETTINGS}</A>
            <button type="button" class="btn ghost wide" on:click=move |_| spawn_local(session.sign_out())>
                {t::LOG_OUT}
            </button>
        </div>
    }
}
