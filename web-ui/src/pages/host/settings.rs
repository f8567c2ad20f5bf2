//! What of a host can be changed, what its agent is, and what cannot be taken back.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use proto::v1::{Host as HostMessage, UpdateHostRequest};

use super::super::action::Action;
use super::Shown;
use super::danger::Danger;
use crate::i18n::t;
use crate::kit::{Ago, Button, CheckField, CopyButton, FormError, Moment, SubmitButton, TextField};
use crate::model::host_form::{self, Typed};
use crate::model::status;
use crate::model::untrusted::{middle, visible};
use crate::session::session;

const FIELDS: &[&str] = &[
    "hostname",
    "tags",
    "always_on",
    "limit_upload_kib_s",
    "limit_download_kib_s",
];

#[component]
pub(crate) fn HostSettings() -> impl IntoView {
    let shown = Shown::here();
    let may = move || session().may::<UpdateHostRequest>();
    view! {
        <div class="g-two">
            {move || if may() {
                view! { <Form shown/> }.into_any()
            } else {
                view! { <Facts shown/> }.into_any()
            }}
            <Agent shown/>
        </div>
        <Danger shown/>
    }
}

/// What may be changed, for those who may not.
#[component]
fn Facts(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let text = move |read: fn(&HostMessage) -> String| move || shown.facts.with(read);
    view! {
        <section class="card pad" aria-labelledby="h-about">
            <div class="card-head"><h2 id="h-about">{t::ABOUT_HOST}</h2></div>
            <dl class="kv">
                <dt>{t::HOST_NAME}</dt>
                <dd>{text(|host| visible(&host.hostname))}</dd>
                <dt>{t::TAGS}</dt>
                <dd>{text(|host| if host.tags.is_empty() { t::NOTHING.to_owned() } else { visible(&host.tags.join(", ")) })}</dd>
                <dt>{t::ALWAYS_ON}</dt>
                <dd>{text(|host| if host.always_on { t::YES } else { t::NO }.to_owned())}</dd>
                <dt>{t::LIMIT_UPLOAD}</dt>
                <dd>{text(|host| host_form::limit(host.limit_upload_kib_s))}</dd>
                <dt>{t::LIMIT_DOWNLOAD}</dt>
                <dd>{text(|host| host_form::limit(host.limit_download_kib_s))}</dd>
            </dl>
        </section>
    }
}

#[component]
fn Form(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let action = Action::new();
    let saved = RwSignal::new(false);
    let text = || RwSignal::new(String::new());
    let (hostname, tags, upload, download) = (text(), text(), text(), text());
    let always_on = RwSignal::new(true);
    // What is typed belongs to the host as it was read; changes that come meanwhile do not touch it.
    let read = StoredValue::new(HostMessage::default());
    let fill = move || {
        let host = shown.facts.get_untracked();
        hostname.set(host.hostname.clone());
        tags.set(host.tags.join(", "));
        upload.set(host.limit_upload_kib_s.to_string());
        download.set(host.limit_download_kib_s.to_string());
        always_on.set(host.always_on);
        action.error.set(None);
        read.set_value(host);
    };
    fill();
    let typed = move || Typed {
        hostname: hostname.get_untracked(),
        tags: tags.get_untracked(),
        always_on: always_on.get_untracked(),
        limit_upload: upload.get_untracked(),
        limit_download: download.get_untracked(),
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        saved.set(false);
        match read.with_value(|host| host_form::update(host, &typed())) {
            Ok(request) => action.send(request, move |host| {
                shown.replace(host);
                fill();
                saved.set(true);
            }),
            Err(refused) => action.error.set(Some(refused)),
        }
    };
    let is_conflict = move || {
        action
            .error
            .with(|error| error.as_ref().is_some_and(host_form::is_conflict))
    };
    view! {
        <form class="card pad form" aria-labelledby="h-about" on:submit=submit novalidate>
            <div class="card-head"><h2 id="h-about">{t::ABOUT_HOST}</h2></div>
            <TextField
                id="hostname"
                label=t::HOST_NAME
                value=hostname
                error=action.field("hostname")
                help=t::RENAME_HELP
            />
            <TextField id="tags" label=t::TAGS value=tags error=action.field("tags") help=t::TAGS_HELP optional=true/>
            <CheckField id="always_on" label=t::ALWAYS_ON_LABEL value=always_on error=action.field("always_on")/>
            <div class="form-grid">
                <TextField
                    id="limit_upload_kib_s"
                    label=t::LIMIT_UPLOAD
                    value=upload
                    error=action.field("limit_upload_kib_s")
                    help=t::LIMIT_HELP
                />
                <TextField
                    id="limit_download_kib_s"
                    label=t::LIMIT_DOWNLOAD
                    value=download
                    error=action.field("limit_download_kib_s")
                    help=t::LIMIT_HELP
                />
            </div>
            <FormError error=action.error fields=FIELDS/>
            <div class="btns">
                <SubmitButton label=t::SAVE busy=action.busy/>
                {move || is_conflict().then(|| view! { <Button label=t::TAKE_THEIRS on_press=fill/> })}
                <span class="t2" role="status">{move || saved.get().then_some(t::SAVED)}</span>
            </div>
        </form>
    }
}

/// The program on the host.
#[component]
fn Agent(
    /// The host.
    shown: Shown,
) -> impl IntoView {
    let facts = shown.facts;
    let text = move |read: fn(&HostMessage) -> String| {
        move || {
            let text = facts.with(read);
            if text.is_empty() {
                t::NOTHING.to_owned()
            } else {
                visible(&text)
            }
        }
    };
    let moment = |at: Option<i64>| match at {
        Some(at) => view! { <Moment at/> }.into_any(),
        None => view! { <span class="t3">{t::NEVER}</span> }.into_any(),
    };
    view! {
        <section class="card pad" aria-labelledby="h-agent">
            <div class="card-head">
                <h2 id="h-agent">{t::COLUMN_AGENT}</h2>
                <span class="end">{move || status::connection(facts.with(HostMessage::status)).label}</span>
            </div>
            <dl class="kv">
                <dt>{t::SEEN_LAST}</dt>
                <dd><Ago at=Signal::derive(move || facts.with(|host| crate::millis!(host.last_seen_at)))/></dd>
                <dt>{t::CERTIFICATE_UNTIL}</dt>
                <dd>{move || moment(facts.with(|host| crate::millis!(host.certificate_ends_at)))}</dd>
                <dt>{t::ENROLLED}</dt>
                <dd>{move || moment(facts.with(|host| crate::millis!(host.enrolled_at)))}</dd>
                <dt>{t::CALLS_ITSELF}</dt>
                <dd>{text(|host| host.reported_hostname.clone())}</dd>
                <dt>{t::COLUMN_AGENT}</dt>
                <dd>{text(|host| host.agent_version.clone())}</dd>
                <dt>{t::STEP_RESTIC}</dt>
                <dd>{text(|host| host.restic_version.clone())}</dd>
                <dt>{t::PROTOCOL}</dt>
                <dd>{text(|host| host.protocol_version.to_string())}</dd>
                <dt>{t::SYSTEM}</dt>
                <dd>{text(|host| format!("{} {}", host.os_version, host.arch).trim().to_owned())}</dd>
                <dt>{t::TIME_ZONE}</dt>
                <dd>{text(|host| host.time_zone.clone())}</dd>
                <dt>{t::HOST_ID}</dt>
                <dd class="copyline">
                    <code>{move || facts.with(|host| middle(&host.id, 18))}</code>
                    <CopyButton text=Signal::derive(move || facts.with(|host| host.id.clone())) label=t::COPY_HOST_ID/>
                </dd>
            </dl>
        </section>
    }
}
