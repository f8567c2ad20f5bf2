//! `/hosts/add`: what the host to be is called, where it backs up to, and what.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_navigate;
use proto::v1::{CreateEnrollmentTokenRequest, CreatedEnrollmentToken, ListRepositoriesRequest};

use super::shell::{Crumbs, hosts};
use crate::api::{self, ApiError};
use crate::i18n::t;
use crate::kit::{FormError, PasswordField, SelectField, SubmitButton, TextArea, TextField, Title, remote};
use crate::model::format::duration;
use crate::model::tokens::LIVES;

const FIELDS: &[&str] = &[
    "hostname",
    "tags",
    "repository_id",
    "repo_url",
    "repo_username",
    "repo_password",
    "initial_paths",
];
/// The choice of a repository that does not exist yet.
const NEW: &str = "new";

/// The token that was made last: it is shown once, and only here. It lies in no storage and no address.
#[derive(Clone, Copy, Default)]
pub(crate) struct Created(pub(super) RwSignal<Option<(String, CreatedEnrollmentToken)>>);

/// What is typed.
#[derive(Clone, Copy)]
struct Form {
    hostname: RwSignal<String>,
    tags: RwSignal<String>,
    repository: RwSignal<String>,
    repo_url: RwSignal<String>,
    repo_username: RwSignal<String>,
    repo_password: RwSignal<String>,
    paths: RwSignal<String>,
    life: RwSignal<u32>,
}

impl Form {
    fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            hostname: empty(),
            tags: empty(),
            repository: RwSignal::new(NEW.to_owned()),
            repo_url: empty(),
            repo_username: empty(),
            repo_password: empty(),
            paths: RwSignal::new(t::USUAL_PATHS.to_owned()),
            life: RwSignal::new(LIVES[0]),
        }
    }

    fn request(self) -> CreateEnrollmentTokenRequest {
        let words = |text: RwSignal<String>, between: fn(char) -> bool| {
            let text = text.get_untracked();
            text.split(between)
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let mut request = CreateEnrollmentTokenRequest {
            hostname: self.hostname.get_untracked().trim().to_owned(),
            tags: words(self.tags, |c| c == ',' || c.is_whitespace()),
            initial_paths: words(self.paths, |c| c == '\n'),
            ttl_seconds: self.life.get_untracked(),
            request_id: api::request_id(),
            ..CreateEnrollmentTokenRequest::default()
        };
        let repository = self.repository.get_untracked();
        if repository == NEW {
            self.repo_url.get_untracked().trim().clone_into(&mut request.repo_url);
            self.repo_username
                .get_untracked()
                .trim()
                .clone_into(&mut request.repo_username);
            request.repo_password = self.repo_password.get_untracked();
        } else {
            request.repository_id = repository;
        }
        request
    }
}

#[component]
pub(crate) fn AddHost() -> impl IntoView {
    Crumbs::set(|| vec![hosts()], || t::ADD_HOST.to_owned());
    let form = Form::new();
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let field = move |name: &'static str| {
        Signal::derive(move || error.with(|error: &Option<ApiError>| error.as_ref()?.field(name)))
    };
    let repositories = remote(
        || (),
        |()| {
            api::call(ListRepositoriesRequest {
                page_size: 500,
                ..ListRepositoriesRequest::default()
            })
        },
    );
    let options = Signal::derive(move || {
        let known = repositories.with(|page| {
            page.repositories
                .iter()
                .map(|repository| (repository.id.clone(), repository.name.clone()))
                .collect::<Vec<_>>()
        });
        std::iter::once((NEW.to_owned(), t::NEW_REPOSITORY.to_owned()))
            .chain(known)
            .collect::<Vec<_>>()
    });
    let created: Created = expect_context();
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let navigate = navigate.clone();
        spawn_local(async move {
            let request = form.request();
            let hostname = request.hostname.clone();
            match api::call(request).await {
                Ok(token) => {
                    let path = format!("/hosts/add/{}", token.id);
                    created.0.set(Some((hostname, token)));
                    navigate(&path, leptos_router::NavigateOptions::default());
                }
                Err(refused) => error.set(Some(refused)),
            }
            busy.set(false);
        });
    };
    let is_new = move || form.repository.get() == NEW;
    view! {
        <header class="page-head">
            <div><Title text=t::ADD_HOST/><p class="lead">{t::ADD_HOST_LEAD}</p></div>
        </header>
        <form class="card pad form" on:submit=submit novalidate>
            <div class="form-grid">
                <TextField
                    id="hostname"
                    label=t::HOST_NAME
                    value=form.hostname
                    error=field("hostname")
                    help=t::HOST_NAME_HELP
                    first=true
                />
                <TextField id="tags" label=t::TAGS value=form.tags error=field("tags") help=t::TAGS_HELP optional=true/>
            </div>
            <SelectField
                id="repository_id"
                label=t::REPOSITORY
                options
                value=form.repository
                on_choose=move |chosen| form.repository.set(chosen)
            />
            {move || is_new().then(|| view! {
                <TextField
                    id="repo_url"
                    label=t::REPO_URL
                    value=form.repo_url
                    error=field("repo_url")
                    help=t::REPO_URL_HELP
                    mono=true
                />
                <div class="form-grid">
                    <TextField
                        id="repo_username"
                        label=t::REPO_USERNAME
                        value=form.repo_username
                        error=field("repo_username")
                        help=t::REPO_USERNAME_HELP
                        optional=true
                    />
                    <PasswordField
                        id="repo_password"
                        label=t::REPO_PASSWORD
                        value=form.repo_password
                        error=field("repo_password")
                        help=t::REPO_PASSWORD_HELP
                        autocomplete="off"
                        optional=true
                    />
                </div>
            })}
            <TextArea
                id="initial_paths"
                label=t::PATHS
                value=form.paths
                error=field("initial_paths")
                help=t::PATHS_HELP
            />
            <div class="form-grid">
                <SelectField
                    id="ttl_seconds"
                    label=t::TOKEN_LIFE
                    options=LIVES.map(|life| (life.to_string(), duration(life.into()))).to_vec()
                    value=Signal::derive(move || form.life.get().to_string())
                    on_choose=move |chosen| form.life.set(chosen.parse().unwrap_or(LIVES[0]))
                />
            </div>
            <FormError error fields=FIELDS/>
            <div class="btns"><SubmitButton label=t::MAKE_COMMAND busy/></div>
        </form>
    }
}
