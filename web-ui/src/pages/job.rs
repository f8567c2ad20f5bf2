//! `/jobs/{id}#L120-L140`: where a job is, its figures, and its log as it comes.

use std::time::Duration;

use domain::retry::Backoff;
use leptos::prelude::*;
use leptos::task::{spawn_local, spawn_local_scoped_with_cancellation};
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;
use proto::v1::job_event::Event;
use proto::v1::{CancelJobRequest, GetJobRequest, Job as JobMessage, JobProgress, WatchJobRequest};

use super::shell::{Crumbs, hosts};
use crate::api::{self, ApiError};
use crate::browser;
use crate::i18n::t;
use crate::kit::{
    Button, ButtonKind, Callout, Clock, CopyButton, ErrorState, Glyph, LogView, Moment, Pill, Remote, RemoteView,
    SkeletonRows, Title, remote,
};
use crate::live::pause;
use crate::model::format::{duration, percent};
use crate::model::job_view::{self, Figure};
use crate::model::log::Log;
use crate::model::status::{self, Tone};
use crate::model::untrusted::{middle, visible};
use crate::session::session;

#[component]
pub(crate) fn Job() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("job").unwrap_or_default()));
    let job = remote(move || id.get(), |id| api::call(GetJobRequest { id }));
    let log = RwSignal::new(Log::default());
    let cut = RwSignal::new(None::<i64>);
    Effect::new(move || {
        log.set(Log::default());
        spawn_local_scoped_with_cancellation(watch(id.get(), job, log, cut));
    });
    let facts = Signal::derive(move || job.data.get().unwrap_or_default());
    let title =
        Signal::derive(move || facts.with(|job| t::job_title(status::kind(job.kind()), &visible(&job.hostname))));
    let host = move || facts.with(|job| (visible(&job.hostname), format!("/hosts/{}", job.host_id)));
    Crumbs::set(
        move || vec![hosts(), host()],
        move || facts.with(|job| status::kind(job.kind()).to_owned()),
    );
    let is_open = Signal::derive(move || facts.with(|job| !status::has_ended(job)));
    view! {
        <RemoteView of=job skeleton=|| view! { <SkeletonRows rows=6 columns=3/> }>
            <Head facts title job/>
            {move || cut.get().map(|at| view! {
                <Callout tone=Tone::Warn glyph="g-stale" heading=t::LOG_CUT text=t::stale(&browser::clock(at))/>
            })}
            <Unreachable facts/>
            <section class="g-job" aria-label=t::PROGRESS>
                <Now facts/>
                <Details facts/>
            </section>
            <LogView log is_open file=format!("/api/jobs/{}/log.txt", id.get_untracked())>
                <Steps facts/>
            </LogView>
        </RemoteView>
    }
}

/// Follows a job to its end: its state, its progress and its log. A stream that was cut goes on behind the last line.
async fn watch(id: String, job: Remote<JobMessage>, log: RwSignal<Log>, cut: RwSignal<Option<i64>>) {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15));
    let mut last = String::new();
    loop {
        let opened = api::subscribe(WatchJobRequest { id: id.clone() }, &last).await;
        if let Ok(mut events) = opened {
            cut.set(None);
            while let Some(Ok(event)) = events.next().await {
                backoff.reset();
                last = event.event_id;
                match event.event {
                    Some(Event::State(state)) => job.patch(|job| *job = state),
                    Some(Event::Progress(progress)) => job.patch(|job| job.progress = Some(progress)),
                    Some(Event::Log(lines)) => log.update(|log| log.add_lines(lines.lines)),
                    Some(Event::Gap(gap)) => log.update(|log| log.add_gap(&gap)),
                    Some(Event::End(end)) => return job.patch(|job| *job = end),
                    None => {}
                }
            }
        } else if job.error.with_untracked(Option::is_some) {
            // The page says why there is no such job.
            return;
        }
        cut.set(Some(browser::now()));
        pause(backoff.next_wait(browser::random())).await;
    }
}

#[component]
fn Head(
    /// The job.
    facts: Signal<JobMessage>,
    /// What it is called.
    title: Signal<String>,
    /// Where it came from.
    job: Remote<JobMessage>,
) -> impl IntoView {
    let clock: Clock = expect_context();
    let badge = Signal::derive(move || facts.with(|job| status::job(job.phase())));
    let took = Signal::derive(move || {
        facts.with(|job| {
            let now = if status::has_ended(job) { 0 } else { clock.second.get() };
            job_view::took(job, now).map(duration).unwrap_or_default()
        })
    });
    let host = move || facts.with(|job| (format!("/hosts/{}", job.host_id), visible(&job.hostname)));
    view! {
        <header class="page-head">
            <div>
                <div class="title"><Title text=title/><Pill badge more=took/></div>
                <p class="lead dots">
                    <span>{t::ON}" "<A href=move || host().0>{move || host().1}</A></span>
                    <span>{move || facts.with(|job| t::started_by(&visible(&job.actor_name)))}</span>
                    {move || facts.with(|job| crate::millis!(job.created_at)).map(|at| view! { <span><Moment at/></span> })}
                </p>
            </div>
            <Cancel facts job/>
        </header>
    }
}

#[component]
fn Cancel(
    /// The job.
    facts: Signal<JobMessage>,
    /// Where it came from.
    job: Remote<JobMessage>,
) -> impl IntoView {
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let cancel = move || {
        busy.set(true);
        let id = facts.with_untracked(|job| job.id.clone());
        spawn_local(async move {
            match api::call(CancelJobRequest { id }).await {
                Ok(cancelled) => {
                    error.set(None);
                    job.patch(|job| *job = cancelled);
                }
                Err(refused) => error.set(Some(refused)),
            }
            busy.set(false);
        });
    };
    let because = Signal::derive(move || {
        facts
            .with(|job| job.cancel_requested)
            .then(|| t::CANCEL_ASKED.to_owned())
    });
    let may = move || session().may::<CancelJobRequest>() && facts.with(|job| !status::has_ended(job));
    view! {
        <div class="act">
            {move || may().then(|| view! {
                <div class="btns">
                    <Button label=t::CANCEL kind=ButtonKind::DangerQuiet busy=busy refused_because=because on_press=cancel/>
                </div>
                <p class="meta" role="status">{because}</p>
            })}
            {move || error.get().map(|error| view! { <div class="card"><ErrorState error on_retry=cancel/></div> })}
        </div>
    }
}

#[component]
fn Unreachable(
    /// The job.
    facts: Signal<JobMessage>,
) -> impl IntoView {
    move || {
        let is_away = facts.with(|job| job.unreachable && !status::has_ended(job));
        is_away.then(|| {
            view! {
                <Callout tone=Tone::Warn glyph="g-offline" heading=t::HOST_AWAY text=t::HOST_AWAY_TEXT/>
            }
        })
    }
}

/// What happens at the moment, or what has come of it.
#[component]
fn Now(
    /// The job.
    facts: Signal<JobMessage>,
) -> impl IntoView {
    let has_ended = Memo::new(move |_| facts.with(status::has_ended));
    let is_measured = Memo::new(move |_| facts.with(|job| job.progress.is_some()));
    view! {
        <div class="card pad job-progress">
            {move || match (has_ended.get(), is_measured.get()) {
                (true, _) => view! { <Result facts/> }.into_any(),
                (false, true) => view! { <Running facts/> }.into_any(),
                (false, false) => view! {
                    <p class="t2" role="status">
                        {move || facts.with(|job| t::phase(job.phase()))}
                    </p>
                }
                .into_any(),
            }}
        </div>
    }
}

#[component]
fn Running(
    /// The job.
    facts: Signal<JobMessage>,
) -> impl IntoView {
    let progress = Signal::derive(move || facts.with(|job| job.progress.clone().unwrap_or_default()));
    let done = move || progress.with(|progress| percent(progress.percent_done));
    let left = move || {
        progress.with(|progress| {
            if progress.waiting_for_repository {
                return t::WAITS_FOR_REPOSITORY.to_owned();
            }
            progress
                .seconds_remaining
                .map(|seconds| t::left(&duration(seconds)))
                .unwrap_or_default()
        })
    };
    let file = move || progress.with(|progress| progress.current_files.first().cloned().unwrap_or_default());
    view! {
        <div class="top">
            <span class="pct">{done}<small>"%"</small></span>
            <span class="left">{left}</span>
        </div>
        <progress class="progress" max="100" value=done aria-label=move || t::percent_of_backup(done())></progress>
        <Figures figures=Signal::derive(move || progress.with(|progress: &JobProgress| job_view::progress_figures(progress)))/>
        <p class="file"><span title=move || visible(&file())>{move || visible(&middle(&file(), 96))}</span></p>
    }
}

#[component]
fn Result(
    /// The job.
    facts: Signal<JobMessage>,
) -> impl IntoView {
    let badge = Signal::derive(move || facts.with(|job| status::job(job.phase())));
    let figures = Signal::derive(move || facts.with(job_view::summary_figures));
    let issues = move || {
        facts.with(|job| {
            let issues = job.summary.iter().flat_map(|summary| summary.issues.iter().take(50));
            issues
                .map(|issue| (visible(&issue.item), visible(&issue.message)))
                .collect::<Vec<_>>()
        })
    };
    view! {
        <p class="run-head">
            <Glyph name=Signal::derive(move || badge.get().glyph) tone=Signal::derive(move || badge.get().tone.class())/>
            {move || badge.get().label}
        </p>
        {move || facts.with(|job| {
            let why = visible(&job.error);
            (!why.is_empty()).then(|| view! { <p class="t2">{why}</p> })
        })}
        {move || (!figures.with(Vec::is_empty)).then(|| view! { <Figures figures/> })}
        {move || {
            let issues = issues();
            (!issues.is_empty()).then(|| view! {
                <details class="issues">
                    <summary>{t::UNREADABLE}</summary>
                    <ul>
                        {issues
                            .into_iter()
                            .map(|(item, message)| view! { <li><code>{item}</code>" "<span class="t3">{message}</span></li> })
                            .collect_view()}
                    </ul>
                </details>
            })
        }}
    }
}

#[component]
fn Figures(
    /// Names and values.
    figures: Signal<Vec<Figure>>,
) -> impl IntoView {
    view! {
        <dl class="figures">
            {move || {
                figures.get()
                    .into_iter()
                    .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
                    .collect_view()
            }}
        </dl>
    }
}

#[component]
fn Details(
    /// The job.
    facts: Signal<JobMessage>,
) -> impl IntoView {
    let snapshot = move || {
        facts.with(|job| {
            job.summary
                .as_ref()
                .map(|summary| summary.snapshot_id.clone())
                .unwrap_or_default()
        })
    };
    view! {
        <div class="card pad">
            <div class="card-head"><h2>{t::DETAILS}</h2></div>
            <dl class="kv">
                <dt>{t::JOB_ID}</dt>
                <dd>
                    <span class="copyline">
                        <code>{move || facts.with(|job| middle(&job.id, 18))}</code>
                        <CopyButton text=Signal::derive(move || facts.with(|job| job.id.clone())) label=t::COPY_JOB_ID/>
                    </span>
                </dd>
                {move || {
                    let paths = facts.with(|job| job.paths.iter().map(|path| visible(&middle(path, 60))).collect::<Vec<_>>());
                    (!paths.is_empty()).then(|| view! {
                        <dt>{t::PATHS}</dt>
                        <dd>{paths.into_iter().map(|path| view! { <code class="line">{path}</code> }).collect_view()}</dd>
                    })
                }}
                {move || {
                    let snapshot = snapshot();
                    (!snapshot.is_empty()).then(|| view! {
                        <dt>{t::SNAPSHOT}</dt>
                        <dd>
                            <span class="copyline">
                                <code>{snapshot.chars().take(8).collect::<String>()}</code>
                                <CopyButton text=snapshot.clone() label=t::COPY_SNAPSHOT_ID/>
                            </span>
                        </dd>
                    })
                }}
                {move || facts.with(|job| {
                    let code = job.result_code.clone();
                    (!code.is_empty()).then(|| view! { <dt>{t::RESULT}</dt><dd><code>{code}</code></dd> })
                })}
                {move || facts.with(|job| job.exit_code.map(|code| view! { <dt>{t::EXIT_CODE}</dt><dd>{code}</dd> }))}
            </dl>
        </div>
    }
}

#[component]
fn Steps(
    /// The job.
    facts: Signal<JobMessage>,
) -> impl IntoView {
    let clock: Clock = expect_context();
    let steps = move || {
        facts.with(|job| {
            let now = if status::has_ended(job) { 0 } else { clock.second.get() };
            job_view::steps(job, now)
        })
    };
    view! {
        <ol class="phases" tabindex="0" aria-label=t::STEPS>
            {move || {
                steps()
                    .into_iter()
                    .map(|step| view! {
                        <li>
                            <span
                                class="phase"
                                class:todo=step.is_to_come
                                aria-current=step.is_now.then_some("step")
                            >
                                <Glyph
                                    name=Signal::stored(step.badge.glyph)
                                    tone=Signal::stored(if step.is_to_come { "" } else { step.badge.tone.class() })
                                    turns=Signal::stored(step.badge.turns())
                                />
                                {step.label}
                                <span class="vh">": "{step.badge.label}</span>
                                {(!step.took.is_empty()).then(|| view! { " "<span class="sub">{step.took}</span> })}
                            </span>
                        </li>
                    })
                    .collect_view()
            }}
        </ol>
    }
}
