//! Contexts and the table of routes, and nothing else.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::path;

use crate::pages;
use crate::session::Session;
use crate::{api, browser, kit, live};

/// Starts the console in the document.
pub fn start() {
    std::panic::set_hook(Box::new(|panic| browser::show_crash(&panic.to_string())));
    leptos::mount::mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    let session = Session::new();
    api::use_session(session);
    provide_context(session);
    kit::provide_clock();
    provide_context(live::start(session));
    provide_context(pages::Created::default());
    spawn_local(session.load());
    view! {
        <Router>
            <pages::Opening>
                <Routes fallback=|| view! { <pages::NotFound/> }>
                    <Route path=path!("/bootstrap") view=pages::Bootstrap/>
                    <Route path=path!("/login") view=pages::Login/>
                    <ParentRoute path=path!("") view=pages::Shell>
                        <Route path=path!("/") view=pages::Overview/>
                        <Route path=path!("/hosts") view=pages::Hosts/>
                        <Route path=path!("/hosts/add") view=pages::AddHost/>
                        <Route path=path!("/hosts/add/:token") view=pages::Enrolling/>
                        <ParentRoute path=path!("/hosts/:host") view=pages::Host>
                            <Route path=path!("") view=pages::HostSummary/>
                            <Route path=path!("snapshots") view=pages::HostSnapshots/>
                            <Route path=path!("jobs") view=pages::HostJobs/>
                            <Route path=path!("repository") view=pages::HostRepository/>
                            <Route path=path!("settings") view=pages::HostSettings/>
                        </ParentRoute>
                        <Route path=path!("/jobs") view=pages::Jobs/>
                        <Route path=path!("/jobs/:job") view=pages::Job/>
                        <Route path=path!("/repositories") view=pages::Repositories/>
                        <Route path=path!("/repositories/new") view=pages::NewRepository/>
                        <Route path=path!("/repositories/:repository") view=pages::Repository/>
                        <Route path=path!("/settings") view=|| view! { <Redirect path="/settings/account"/> }/>
                        <Route path=path!("/settings/account") view=pages::AccountSettings/>
                        <Route path=path!("/settings/tokens") view=pages::Tokens/>
                        <Route path=path!("/__kit") view=pages::Gallery/>
                    </ParentRoute>
                </Routes>
            </pages::Opening>
        </Router>
        <pages::SignInAgain/>
    }
}
