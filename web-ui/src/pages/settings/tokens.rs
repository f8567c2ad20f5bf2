//! `/settings/tokens?state=&page=&after=`: who may enroll, who has, and the end of what was not used.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};
use proto::v1::event::Event as Change;
use proto::v1::{EnrollmentToken, EnrollmentTokenState, ListEnrollmentTokensResponse, RevokeEnrollmentTokenRequest};

use super::super::action::Action;
use super::super::paging::{ListPager, Shown};
use super::super::shell::Crumbs;
use super::{Head, crumb};
use crate::api;
use crate::i18n::t;
use crate::kit::{
    Ago, Button, ButtonKind, Clock, ConfirmDialog, EmptyState, FormError, Icon, Remote, RemoteView, SelectField,
    SkeletonRows, StatusBadge, remote,
};
use crate::live;
use crate::model::list_page::ListPage;
use crate::model::tokens::{PAGE_SIZE, PATH, STATES, TokensQuery, badge, state, state_at, word};
use crate::model::untrusted::visible;

#[component]
pub(crate) fn Tokens() -> impl IntoView {
    Crumbs::set(|| vec![crumb()], || t::TAB_TOKENS.to_owned());
    let params = use_query_map();
    let query = Memo::new(move |_| params.with(|params| TokensQuery::read(|name| params.get(name))));
    let list = remote(move || query.get(), |query: TokensQuery| api::call(query.request()));
    live::on_change(move |change| match change {
        Change::Host(host) => {
            let is_awaited = |token: &EnrollmentToken| {
                token.state() == EnrollmentTokenState::Active && token.hostname.eq_ignore_ascii_case(&host.hostname)
            };
            if list.with(|page| page.tokens.iter().any(is_awaited)) {
                list.reload();
            }
        }
        Change::Resync(_) => list.reload(),
        Change::Job(_) | Change::HostDeleted(_) => {}
    });
    let is_empty = Memo::new(move |_| list.with(|page| page.tokens.is_empty()));
    let is_filtered = move || query.with(|query| query.state != EnrollmentTokenState::Unspecified);
    let revoking = RwSignal::new(None::<EnrollmentToken>);
    view! {
        <Head part=t::TAB_TOKENS/>
        <p class="t2">{t::TOKENS_LEAD}</p>
        <div class="toolbar">
            <StateFilter query/>
            <span class="push"><AddLink/></span>
        </div>
        <RemoteView of=list skeleton=|| view! { <SkeletonRows rows=5 columns=5/> }>
            {move || match (is_empty.get(), is_filtered()) {
                (false, _) => view! { <Table query page=list.data revoking/> }.into_any(),
                (true, true) => view! {
                    <div class="card">
                        <EmptyState
                            heading=t::TOKENS_NONE_MATCH
                            text=Signal::derive(move || t::none_match(query.with(|query| word(query.state))))
                        >
                            <A href=PATH attr:class="btn">{t::CLEAR_FILTERS}</A>
                        </EmptyState>
                    </div>
                }
                .into_any(),
                (true, false) => view! {
                    <div class="card">
                        <EmptyState heading=t::TOKENS_EMPTY text=t::TOKENS_EMPTY_TEXT><AddLink/></EmptyState>
                    </div>
                }
                .into_any(),
            }}
        </RemoteView>
        <Revoke token=revoking list/>
    }
}

#[component]
fn AddLink() -> impl IntoView {
    view! {
        <A href="/hosts/add" attr:class="btn primary">
            <Icon name="i-plus"/>
            <span>{t::ADD_HOST}</span>
        </A>
    }
}

#[component]
fn StateFilter(
    /// What is shown.
    query: Memo<TokensQuery>,
) -> impl IntoView {
    let navigate = use_navigate();
    let all = std::iter::once((String::new(), t::ALL_STATES.to_owned()));
    let some = STATES
        .iter()
        .map(|(state, word)| ((*word).to_owned(), badge(*state).label.to_owned()));
    let options = all.chain(some).collect::<Vec<_>>();
    let choose = move |chosen: String| {
        let query = TokensQuery {
            state: state(&chosen),
            page: ListPage::default(),
        };
        navigate(&query.path(&query.page), NavigateOptions::default());
    };
    view! {
        <SelectField
            id="state"
            label=t::COLUMN_STATE
            hide_label=true
            options
            value=Signal::derive(move || query.with(|query| word(query.state)).to_owned())
            on_choose=choose
        />
    }
}

#[component]
fn Table(
    /// What is shown.
    query: Memo<TokensQuery>,
    /// The page of the list.
    page: RwSignal<Option<ListEnrollmentTokensResponse>>,
    /// The token that somebody wants to end.
    revoking: RwSignal<Option<EnrollmentToken>>,
) -> impl IntoView {
    let ids = Memo::new(move |_| {
        page.with(|page| {
            let all = page.iter().flat_map(|page| &page.tokens);
            all.map(|token| token.id.clone()).collect::<Vec<_>>()
        })
    });
    let shown = move || {
        page.with(|page| {
            page.as_ref().map_or_else(Shown::default, |page| Shown {
                rows: page.tokens.len(),
                total: page.total_count,
                next: page.next_page_token.clone(),
            })
        })
    };
    view! {
        <div class="card table-box">
            <table class="table cards">
                <caption class="vh">{t::TAB_TOKENS}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t::COLUMN_HOST}</th>
                        <th scope="col">{t::COLUMN_STATE}</th>
                        <th scope="col">{t::COLUMN_MADE}</th>
                        <th scope="col">{t::COLUMN_BY}</th>
                        <th scope="col">{t::COLUMN_EXPIRES}</th>
                        <th scope="col"><span class="vh">{t::REVOKE}</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || ids.get() key=Clone::clone let:id>
                        <Row id page revoking/>
                    </For>
                </tbody>
            </table>
            <ListPager
                page=Memo::new(move |_| query.with(|query| query.page.clone()))
                page_size=PAGE_SIZE
                shown=Signal::derive(shown)
                address=move |page: &ListPage| query.with_untracked(|query| query.path(page))
            />
        </div>
    }
}

#[component]
fn Row(
    /// The token's id.
    id: String,
    /// Where the token is found.
    page: RwSignal<Option<ListEnrollmentTokensResponse>>,
    /// The token that somebody wants to end.
    revoking: RwSignal<Option<EnrollmentToken>>,
) -> impl IntoView {
    let clock: Clock = expect_context();
    let follow = format!("/hosts/add/{id}");
    let token = Memo::new(move |earlier: Option<&EnrollmentToken>| {
        let found = page.with(|page| page.as_ref()?.tokens.iter().find(|token| token.id == id).cloned());
        found.or_else(|| earlier.cloned()).unwrap_or_default()
    });
    let state = Memo::new(move |_| token.with(|token| state_at(token, clock.second.get())));
    let name = move || {
        let text = token.with(|token| visible(&token.hostname));
        match token.with(|token| token.host_id.clone()) {
            Some(host) => view! { <A href=format!("/hosts/{host}")>{text}</A> }.into_any(),
            None => view! { <b>{text}</b> }.into_any(),
        }
    };
    let marks = move || {
        token.with(|token| {
            let replaces = token.replace_host_id.as_ref().map(|_| t::TOKEN_REPLACES.to_owned());
            let tags = token.tags.iter().map(|tag| visible(tag));
            tags.chain(replaces)
                .map(|tag| view! { <span class="tag">{tag}</span> })
                .collect_view()
        })
    };
    let acts = move || {
        (state.get() == EnrollmentTokenState::Active).then(|| {
            view! {
                <A href=follow.clone() attr:class="btn">{t::TOKEN_FOLLOW}</A>
                <Button
                    label=t::REVOKE
                    kind=ButtonKind::DangerQuiet
                    on_press=move || revoking.set(Some(token.get_untracked()))
                />
            }
        })
    };
    let when = |read: fn(&EnrollmentToken) -> Option<i64>| Signal::derive(move || token.with(read));
    view! {
        <tr>
            <th scope="row">{name}{marks}</th>
            <td class="c-side"><StatusBadge badge=Signal::derive(move || badge(state.get()))/></td>
            <td data-label=t::COLUMN_MADE><Ago at=when(|token| crate::millis!(token.created_at))/></td>
            <td class="sub" data-label=t::COLUMN_BY>{move || token.with(|token| visible(&token.created_by))}</td>
            <td data-label=t::COLUMN_EXPIRES><Ago at=when(|token| crate::millis!(token.expires_at))/></td>
            <td class="acts"><span class="btns">{acts}</span></td>
        </tr>
    }
}

/// Asks before a token is ended.
#[component]
fn Revoke(
    /// The token; `None` while nobody asks.
    token: RwSignal<Option<EnrollmentToken>>,
    /// The list.
    list: Remote<ListEnrollmentTokensResponse>,
) -> impl IntoView {
    let (open, action) = (RwSignal::new(false), Action::new());
    Effect::new(move || {
        action.error.set(None);
        open.set(token.with(Option::is_some));
    });
    let heading = move || {
        token.with(|token| {
            token
                .as_ref()
                .map(|token| t::revoke_title(&visible(&token.hostname)))
                .unwrap_or_default()
        })
    };
    let revoke = move || {
        let Some(id) = token.with_untracked(|token| token.as_ref().map(|token| token.id.clone())) else {
            return;
        };
        action.send(RevokeEnrollmentTokenRequest { id }, move |_| {
            open.set(false);
            list.reload();
        });
    };
    view! {
        <ConfirmDialog open heading=Signal::derive(heading) verb=t::REVOKE busy=action.busy on_confirm=revoke>
            <p>{t::REVOKE_TEXT}</p>
            <FormError error=action.error fields=&[]/>
        </ConfirmDialog>
    }
}
