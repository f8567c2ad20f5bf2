//! `/__kit`: every component in every state, with the feature `gallery`.

#[cfg(not(feature = "gallery"))]
pub(crate) use super::NotFound as Gallery;

#[cfg(feature = "gallery")]
pub(crate) use shown::Gallery;

#[cfg(feature = "gallery")]
mod shown {
    use domain::ErrorCode;
    use leptos::prelude::*;
    use pbjson_types::Timestamp;
    use proto::v1::{
        Attention, AttentionHost, FleetSummary, Health, Host, HostStatus, Job, JobPhase, LogGap, LogLine, LogStream,
        RepoStatus,
    };

    use super::super::shell::Crumbs;
    use crate::api::ApiError;
    use crate::i18n::t;
    use crate::kit::{
        AttentionList, BackupBar, Button, ButtonKind, Callout, CheckField, Checklist, CodeBlock, CopyButton,
        EmptyState, ErrorState, HealthTiles, LogView, PasswordField, Pill, RadioCards, SecretField, SelectField,
        SkeletonRows, StatusBadge, Tabs, TextArea, TextField, Title,
    };
    use crate::model::log::Log;
    use crate::model::status::{self, Badge, Tone};
    use crate::model::{bars, enrolling, overview};

    #[component]
    pub(crate) fn Gallery() -> impl IntoView {
        Crumbs::set(Vec::new, || t::GALLERY.to_owned());
        view! {
            <header class="page-head"><Title text=t::GALLERY/></header>
            <div class="kit">
                <States/>
                <Buttons/>
                <Fields/>
                <Messages/>
                <section class="card demo" aria-label=t::BACKUPS><BackupBar fluid=true bars=Signal::stored(some_bars())/></section>
                <section class="card demo" aria-label=t::ENROLL_STEPS>
                    <Checklist steps=Signal::stored(some_steps()) label=t::ENROLL_STEPS/>
                </section>
                <LogView log=RwSignal::new(some_log()) is_open=true file=String::new()>""</LogView>
                <SkeletonRows rows=3 columns=4/>
                <Fleet/>
            </div>
        }
    }

    #[component]
    fn States() -> impl IntoView {
        let healths = (1..=7)
            .filter_map(|number| Health::try_from(number).ok())
            .map(status::health);
        let phases = (1..=15)
            .filter_map(|number| JobPhase::try_from(number).ok())
            .map(status::job);
        let badges: Vec<Badge> = healths.chain(phases).collect();
        view! {
            <section class="card demo">
                <h2>{t::GALLERY_STATES}</h2>
                <div class="row">
                    {badges.iter().map(|badge| view! { <StatusBadge badge=Signal::stored(*badge)/> }).collect_view()}
                </div>
                <div class="row">
                    {badges.iter().map(|badge| view! { <Pill badge=Signal::stored(*badge)/> }).collect_view()}
                </div>
            </section>
        }
    }

    #[component]
    fn Buttons() -> impl IntoView {
        let refused = Signal::stored(Some(t::GALLERY_REASON.to_owned()));
        view! {
            <section class="card demo">
                <h2>{t::GALLERY_BUTTONS}</h2>
                <div class="btns">
                    <Button label=t::RUN_BACKUP kind=ButtonKind::Primary icon="i-play" on_press=|| ()/>
                    <Button label=t::RUN_BACKUP kind=ButtonKind::Primary busy=true on_press=|| ()/>
                    <Button label=t::RETRY on_press=|| ()/>
                    <Button label=t::RETRY refused_because=refused on_press=|| ()/>
                    <Button label=t::CANCEL kind=ButtonKind::DangerQuiet on_press=|| ()/>
                    <CopyButton text=t::PRODUCT label=t::COPY_COMMAND wide=true/>
                </div>
            </section>
        }
    }

    #[component]
    fn Fields() -> impl IntoView {
        let wrong = Signal::stored(Some(ErrorCode::WeakPassword.meaning().to_owned()));
        let text = || RwSignal::new(t::PRODUCT.to_owned());
        view! {
            <section class="card demo">
                <h2>{t::GALLERY_FIELDS}</h2>
                <div class="form-grid">
                    <TextField id="kit-text" label=t::HOST_NAME value=text() help=t::HOST_NAME_HELP/>
                    <TextField id="kit-wrong" label=t::HOST_NAME value=text() error=wrong optional=true/>
                    <PasswordField id="kit-password" label=t::PASSWORD value=text() autocomplete="off"/>
                    <SelectField
                        id="kit-select"
                        label=t::REPOSITORY
                        options=vec![(String::new(), t::NEW_REPOSITORY.to_owned())]
                        value=String::new()
                        on_choose=|_| ()
                    />
                    <TextArea id="kit-area" label=t::PATHS value=text() help=t::PATHS_HELP/>
                </div>
                <CodeBlock label=t::INSTALL_COMMAND text=t::USUAL_PATHS/>
            </section>
            <Choices/>
        }
    }

    #[component]
    fn Choices() -> impl IntoView {
        let wrong = Signal::stored(Some(t::KEEP_FIRST.to_owned()));
        let text = || RwSignal::new(String::new());
        let options = vec![
            ("kit-system", t::THEME_SYSTEM_NAME, t::THEME_SYSTEM_TEXT),
            ("kit-light", t::THEME_LIGHT_NAME, t::THEME_LIGHT_TEXT),
        ];
        view! {
            <section class="card demo" aria-label=t::ENCRYPTION>
                <Tabs label=t::GALLERY tabs=vec![("/__kit".to_owned(), t::GALLERY), ("/hosts".to_owned(), t::NAV_HOSTS)]/>
                <div class="form-grid">
                    <SecretField id="kit-set" label=t::REPO_PASSWORD value=text() is_set=true changed_at=Some(0)/>
                    <SecretField id="kit-unset" label=t::LOGIN_PASSWORD value=text() is_set=false/>
                    <CheckField id="kit-check" label=t::KEPT_PASSWORD value=RwSignal::new(true)/>
                    <CheckField id="kit-unchecked" label=t::KEPT_PASSWORD value=RwSignal::new(false) error=wrong/>
                </div>
                <RadioCards name="kit-radio" legend=t::THEME options value=Signal::stored("kit-system") on_choose=|_| ()/>
            </section>
        }
    }

    #[component]
    fn Messages() -> impl IntoView {
        view! {
            <section class="stack" aria-label=t::GALLERY_MESSAGES>
                <Callout tone=Tone::Fail glyph="g-failing" heading=t::HEALTH_FAILING text=ErrorCode::RepositoryNotReady.meaning()/>
                <Callout tone=Tone::Warn glyph="g-warning" heading=t::HEALTH_WARNING text=t::HOST_AWAY_TEXT/>
                <Callout tone=Tone::Run glyph="g-run" heading=t::JOB_RUNNING text=t::phase(JobPhase::Preparing)/>
                <Callout tone=Tone::Ok glyph="g-ok" heading=t::HEALTH_OK/>
                <div class="card"><ErrorState error=ApiError::of(ErrorCode::Internal) on_retry=|| ()/></div>
                <div class="card"><ErrorState error=ApiError::network() on_retry=|| ()/></div>
                <div class="card">
                    <EmptyState heading=t::HOSTS_EMPTY text=t::HOSTS_EMPTY_TEXT>
                        <Button label=t::ADD_HOST kind=ButtonKind::Primary icon="i-plus" on_press=|| ()/>
                    </EmptyState>
                </div>
            </section>
        }
    }

    #[component]
    fn Fleet() -> impl IntoView {
        let line = |cause: &str, health: Health, host_count: u64, repository: Option<&str>| Attention {
            health: health.into(),
            cause: cause.to_owned(),
            reason: ErrorCode::RepositoryNotReady.meaning().to_owned(),
            host_count,
            hosts: vec![AttentionHost {
                id: String::new(),
                hostname: format!("{}\u{202e}", t::KIND_BACKUP),
            }],
            repository_id: repository.map(str::to_owned),
            repository_name: repository.unwrap_or_default().to_owned(),
            since: Some(Timestamp::default()),
            ..Attention::default()
        };
        let lines = [
            line("repository_unusable", Health::Failing, 7, Some("rest-01/eu")),
            line("silent", Health::Offline, 1, None),
            line("backup_with_issues", Health::Warning, 17, None),
            line("never_connected", Health::Pending, 1, None),
        ];
        let summary = FleetSummary {
            hosts: 1204,
            ok: 1176,
            failing: 7,
            warning: 17,
            health_offline: 1,
            waiting: 3,
            health_pending: 1,
            ..FleetSummary::default()
        };
        view! {
            <section class="stack" aria-label=t::HEALTH_OF_FLEET>
                <HealthTiles tiles=Signal::stored(overview::tiles(&summary, &lines))/>
                <AttentionList rows=Signal::stored(overview::rows(&lines))/>
            </section>
        }
    }

    fn some_bars() -> bars::Bars {
        let jobs: Vec<Job> = (0..24)
            .map(|number| Job {
                phase: match number {
                    0 => JobPhase::Running,
                    1 | 11 => JobPhase::Failed,
                    5 | 6 => JobPhase::Warning,
                    _ => JobPhase::Succeeded,
                }
                .into(),
                ..Job::default()
            })
            .collect();
        bars::bars(&jobs)
    }

    fn some_steps() -> Vec<enrolling::Step> {
        enrolling::steps(Some(&Host {
            status: HostStatus::Online.into(),
            last_seen_at: Some(Timestamp::default()),
            restic_version: t::PRODUCT.to_owned(),
            repo_status: RepoStatus::InitFailed.into(),
            ..Host::default()
        }))
    }

    fn some_log() -> Log {
        let line = |seq: u64, stream: LogStream, payload: &str| LogLine {
            seq,
            stream: stream.into(),
            payload: payload.to_owned(),
            ts: Some(Timestamp::default()),
        };
        let mut log = Log::default();
        log.add_lines(vec![
            line(
                1,
                LogStream::Agent,
                "\u{1b}[1;36m==>\u{1b}[0m \u{1b}[32m[ok]\u{1b}[0m \u{1b}[33mwarning\u{1b}[0m",
            ),
            line(2, LogStream::Stdout, "/var/lib/<b>x</b>\u{202e}txt.exe"),
        ]);
        log.add_gap(&LogGap {
            from_seq: 3,
            lines: 4210,
        });
        log.add_lines(vec![line(
            4213,
            LogStream::Stderr,
            "error: open /var/lib/x: permission denied",
        )]);
        log
    }
}
