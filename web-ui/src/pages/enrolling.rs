//! `/hosts/add/{token}`: the command to run on the host, and how far the host has come.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_params_map};
use proto::v1::event::Event as Change;
use proto::v1::{
    EnrollmentToken, EnrollmentTokenState, GetHostRequest, Host, ListEnrollmentTokensRequest, RunJobRequest,
};

use super::add_host::Created;
use super::shell::{Crumbs, hosts};
use crate::api::{self, ApiError};
use crate::browser;
use crate::i18n::t;
use crate::kit::{
    Button, ButtonKind, Callout, Checklist, Clock, CodeBlock, CopyButton, EmptyState, ErrorState, RemoteView,
    SkeletonRows, Title, remote,
};
use crate::live;
use crate::model::enrolling::{Step, done, steps};
use crate::model::format::duration;
use crate::model::status::{self, Tone};
use crate::model::untrusted::visible;

/// A token and the host that has used it.
#[derive(Clone, Default)]
struct Enrollment {
    token: EnrollmentToken,
    host: Option<Host>,
}

#[component]
pub(crate) fn Enrolling() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("token").unwrap_or_default()));
    let enrollment = remote(move || id.get(), find);
    live::on_change(move |change| match change {
        Change::Host(host) => {
            let (name, known) = enrollment.with(|found| {
                (
                    found.token.hostname.clone(),
                    found.host.as_ref().map(|host| host.id.clone()),
                )
            });
            if known.as_ref() == Some(&host.id) {
                enrollment.patch(|found| found.host = Some(host.clone()));
            } else if known.is_none() && host.hostname.eq_ignore_ascii_case(&name) {
                enrollment.reload();
            }
        }
        Change::Resync(_) => enrollment.reload(),
        Change::Job(_) | Change::HostDeleted(_) => {}
    });
    let name = Signal::derive(move || enrollment.with(|found| visible(&found.token.hostname)));
    let title = Signal::derive(move || t::add(&name.get()));
    let add = || (t::ADD_HOST.to_owned(), "/hosts/add".to_owned());
    Crumbs::set(move || vec![hosts(), add()], move || name.get());
    let host = Signal::derive(move || enrollment.with(|found| found.host.clone()));
    let token = Signal::derive(move || enrollment.with(|found| found.token.clone()));
    view! {
        <RemoteView of=enrollment skeleton=|| view! { <SkeletonRows rows=4 columns=2/> }>
            <header class="page-head">
                <div><Title text=title/><p class="lead">{t::ENROLL_LEAD}</p></div>
            </header>
            <div class="g-add">
                <div class="stack"><Command token/><GeneratedPassword id/></div>
                <aside class="card pad" aria-label=t::ENROLL_STEPS>
                    <Progress host name/>
                    <FirstBackup host/>
                </aside>
            </div>
        </RemoteView>
    }
}

async fn find(id: String) -> Result<Enrollment, ApiError> {
    let request = ListEnrollmentTokensRequest {
        page_size: 500,
        ..ListEnrollmentTokensRequest::default()
    };
    let tokens = api::call(request).await?.tokens;
    let Some(token) = tokens.into_iter().find(|token| token.id == id) else {
        return Err(ApiError::of(domain::ErrorCode::EnrollmentTokenNotFound));
    };
    let host = match &token.host_id {
        Some(id) => Some(api::call(GetHostRequest { id: id.clone() }).await?),
        None => None,
    };
    Ok(Enrollment { token, host })
}

#[component]
fn Command(
    /// The token.
    token: Signal<EnrollmentToken>,
) -> impl IntoView {
    let clock: Clock = expect_context();
    let created: Created = expect_context();
    let shown = RwSignal::new(false);
    let secret = Memo::new(move |_| {
        let id = token.with(|token| token.id.clone());
        created.0.with(|created| {
            created
                .as_ref()
                .filter(|(_, created)| created.id == id)
                .map(|(_, created)| created.clone())
        })
    });
    let state = Memo::new(move |_| token.with(EnrollmentToken::state));
    let life = move || match state.get() {
        EnrollmentTokenState::Used => t::TOKEN_USED.to_owned(),
        EnrollmentTokenState::Expired => t::TOKEN_EXPIRED.to_owned(),
        EnrollmentTokenState::Revoked => t::TOKEN_REVOKED.to_owned(),
        EnrollmentTokenState::Active | EnrollmentTokenState::Unspecified => {
            let ends = token.with(|token| crate::millis!(token.expires_at)).unwrap_or(0);
            let left = u64::try_from((ends - clock.second.get()) / 1000).unwrap_or(0);
            t::token_valid(&duration(left))
        }
    };
    view! {
        <section class="card pad" aria-labelledby="h-command">
            <div class="card-head"><h2 id="h-command">{t::INSTALL_COMMAND}</h2><span class="end">{life}</span></div>
            {move || match (state.get(), secret.get()) {
                (EnrollmentTokenState::Active, Some(secret)) => {
                    let (command, value) = (secret.install_command, secret.token);
                    let masked = command.replace(&value, t::MASKED);
                    let plain = command.clone();
                    view! {
                        <div class="cmd">
                            <CodeBlock
                                label=t::INSTALL_COMMAND
                                text=Signal::derive(move || if shown.get() { plain.clone() } else { masked.clone() })
                            />
                        </div>
                        <div class="btns">
                            <CopyButton text=command label=t::COPY_COMMAND wide=true/>
                            <Button
                                label=Signal::derive(move || if shown.get() { t::HIDE_TOKEN } else { t::REVEAL_TOKEN }.to_owned())
                                icon="i-eye"
                                on_press=move || shown.update(|shown| *shown = !*shown)
                            />
                        </div>
                        <p class="meta note">
                            {t::READ_FIRST}" "
                            <a href=format!("{}/install/install.sh", browser::origin())>{t::READ_SCRIPT}</a>
                        </p>
                    }
                    .into_any()
                }
                (EnrollmentTokenState::Used, _) => view! { <p class="t2">{t::TOKEN_USED_TEXT}</p> }.into_any(),
                _ => view! {
                    <EmptyState heading=t::TOKEN_GONE text=t::TOKEN_GONE_TEXT>
                        <A href="/hosts/add" attr:class="btn">{t::MINT_AGAIN}</A>
                    </EmptyState>
                }
                .into_any(),
            }}
        </section>
    }
}

#[component]
fn GeneratedPassword(
    /// The token's id.
    id: Memo<String>,
) -> impl IntoView {
    let created: Created = expect_context();
    let shown = RwSignal::new(false);
    let password = Memo::new(move |_| {
        created.0.with(|created| {
            let (_, created) = created.as_ref().filter(|(_, created)| created.id == id.get())?;
            created.generated_repo_password.clone()
        })
    });
    move || {
        password.get().map(|password| {
            let plain = password.clone();
            view! {
                <Callout tone=Tone::Warn glyph="g-warning" heading=t::STORE_PASSWORD text=t::STORE_PASSWORD_TEXT>
                    <CopyButton text=password label=t::COPY_PASSWORD wide=true/>
                    <Button label=t::SHOW_PASSWORD icon="i-eye" on_press=move || shown.set(true)/>
                </Callout>
                {move || shown.get().then(|| view! { <CodeBlock label=t::REPO_PASSWORD text=plain.clone()/> })}
            }
        })
    }
}

#[component]
fn Progress(
    /// The host, once it has enrolled.
    host: Signal<Option<Host>>,
    /// The name of the host to be.
    name: Signal<String>,
) -> impl IntoView {
    let list = Signal::derive(move || host.with(|host| steps(host.as_ref())));
    let summary = move || list.with(|steps: &Vec<Step>| t::of(&done(steps).to_string(), &steps.len().to_string()));
    view! {
        <div class="card-head"><h2>{name}</h2><span class="end" role="status">{summary}</span></div>
        <Checklist steps=list label=t::ENROLL_STEPS/>
    }
}

/// The first backup never starts by itself.
#[component]
fn FirstBackup(
    /// The host, once it has enrolled.
    host: Signal<Option<Host>>,
) -> impl IntoView {
    let navigate = use_navigate();
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let because = Signal::derive(move || {
        host.with(|host| match host {
            None => Some(t::ENROLL_FIRST.to_owned()),
            Some(host) => status::no_backup_because(host).map(str::to_owned),
        })
    });
    let run = move || {
        busy.set(true);
        let request = RunJobRequest {
            host_id: host.with_untracked(|host| host.as_ref().map(|host| host.id.clone()).unwrap_or_default()),
            kind: "backup".to_owned(),
            request_id: api::request_id(),
            ..RunJobRequest::default()
        };
        let navigate = navigate.clone();
        spawn_local(async move {
            match api::call(request).await {
                Ok(job) => navigate(&format!("/jobs/{}", job.id), leptos_router::NavigateOptions::default()),
                Err(refused) => error.set(Some(refused)),
            }
            busy.set(false);
        });
    };
    let again = run.clone();
    let link = move || host.with(|host| host.as_ref().map(|host| format!("/hosts/{}", host.id)));
    view! {
        <Button label=t::RUN_FIRST_BACKUP kind=ButtonKind::Primary icon="i-play" refused_because=because busy=busy on_press=run/>
        <p class="meta note">{move || because.get()}</p>
        {move || link().map(|href| view! { <p class="note"><A href=href>{t::OPEN_HOST}</A></p> })}
        {move || error.get().map(|error| view! { <ErrorState error on_retry=again.clone()/> })}
    }
}
