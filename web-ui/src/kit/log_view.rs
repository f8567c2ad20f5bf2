//! The log of a job: numbered lines of which only those near the view exist, followed while they come.

use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html::{Div, Input};
use leptos::prelude::*;

use wasm_bindgen::JsCast as _;

use super::Icon;
use crate::browser;
use crate::i18n::t;
use crate::model::ansi;
use crate::model::format::count;
use crate::model::log::{Log, Row, hash, range};
use crate::model::window::{self, Window};

/// The height of a row in pixels, as `--row-log` says.
const ROW: i32 = 20;
/// How near the end counts as being at it.
const NEAR: i32 = 2 * ROW;
const KEY_ENTER: &str = "Enter";
const KEY_FIND: &str = "/";
const KEY_TOP: &str = "g";
const KEY_BOTTOM: &str = "G";
const KEY_FOLLOW: &str = "f";
const KEY_MARK: &str = "m";
const KEY_NEXT: &str = "n";
const KEY_PREVIOUS: &str = "N";

/// Where the view is, and what is looked for.
#[derive(Clone, Copy)]
struct Place {
    list: NodeRef<Div>,
    window: RwSignal<Window>,
    following: RwSignal<bool>,
    unseen: RwSignal<u64>,
    picked: RwSignal<Option<(u64, u64)>>,
    hits: Memo<Vec<usize>>,
    hit: RwSignal<usize>,
}

/// The log.
#[component]
pub(crate) fn LogView(
    /// The lines.
    log: RwSignal<Log>,
    /// Whether more may come.
    #[prop(into)]
    is_open: Signal<bool>,
    /// Where the whole log is a file.
    file: String,
    /// What stands above the lines, such as the steps of the job.
    children: Children,
) -> impl IntoView {
    let wanted = RwSignal::new(String::new());
    let input = NodeRef::<Input>::new();
    let hits = Memo::new(move |_| {
        let wanted = wanted.get();
        if wanted.is_empty() {
            Vec::new()
        } else {
            log.with(|log| log.find(&wanted))
        }
    });
    let place = Place {
        list: NodeRef::new(),
        window: RwSignal::new(Window::default()),
        following: RwSignal::new(is_open.get_untracked()),
        unseen: RwSignal::new(0),
        picked: RwSignal::new(range(&window_hash())),
        hits,
        hit: RwSignal::new(0),
    };
    // An address that names lines is where one wants to be, not at the end.
    if place.picked.get_untracked().is_some() {
        place.following.set(false);
    }
    let rows = Memo::new(move |_| log.with(Log::len));
    Effect::new(move |before: Option<usize>| {
        let rows = rows.get();
        let before = before.unwrap_or(0);
        if place.following.get_untracked() {
            place.to_end_when_drawn();
        } else {
            place
                .unseen
                .update(|unseen| *unseen += rows.saturating_sub(before) as u64);
        }
        if before == 0 && rows > 0 {
            place.to_picked(log);
        }
        place.measure(rows);
        rows
    });
    Effect::new(move || {
        // Other words: begin at their first hit.
        hits.track();
        place.hit.set(0);
        place.to_hit();
    });
    let keys = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match event.key().as_str() {
            KEY_FIND => {
                if let Some(input) = input.get_untracked() {
                    // A field of this page can be focused.
                    let _ = input.focus();
                }
            }
            KEY_TOP => place.scroll_to(0),
            KEY_BOTTOM | KEY_FOLLOW => place.follow(),
            KEY_MARK => place.mark(log),
            KEY_NEXT => place.step(1),
            KEY_PREVIOUS => place.step(-1),
            _ => return,
        }
        event.prevent_default();
    };
    // Numbers stand too close for targets of their own: the log takes the click, and `m` marks for the keyboard.
    let click = move |event: MouseEvent| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let seq = target.and_then(|target| target.get_attribute("data-seq")?.parse().ok());
        if let Some(seq) = seq {
            place.pick(seq, event.shift_key());
        }
    };
    view! {
        <section class="card logview" aria-label=t::LOG>
            {children()}
            <div class="logbar">
                <div class="find" role="search">
                    <Icon name="i-search"/>
                    <input
                        node_ref=input
                        type="text"
                        aria-label=t::LOG_FIND
                        placeholder=t::LOG_FIND
                        spellcheck="false"
                        prop:value=wanted
                        on:input:target=move |event| wanted.set(event.target().value())
                        on:keydown=move |event: KeyboardEvent| {
                            if event.key() == KEY_ENTER {
                                place.step(if event.shift_key() { -1 } else { 1 });
                            }
                        }
                    />
                    <output>{move || hits_text(wanted.get().is_empty(), place)}</output>
                    <button type="button" class="btn ghost" aria-label=t::LOG_PREVIOUS on:click=move |_| place.step(-1)>
                        <Icon name="i-up"/>
                    </button>
                    <button type="button" class="btn ghost" aria-label=t::LOG_NEXT on:click=move |_| place.step(1)>
                        <Icon name="i-down"/>
                    </button>
                </div>
            </div>
            <div
                class="log"
                role="log"
                aria-live="off"
                aria-label=t::LOG_LINES
                tabindex="0"
                node_ref=place.list
                on:scroll=move |_| place.scrolled(rows.get_untracked())
                on:keydown=keys
                on:click=click
            >
                <div aria-hidden="true" style:height=move || px(place.window.get().from)></div>
                <For
                    each=move || {
                        let window = place.window.get();
                        log.with(|log| shown(log, window))
                    }
                    key=|(at, row)| (*at, row_key(row))
                    let((at, row))
                >
                    <Line at row place/>
                </For>
                <div
                    aria-hidden="true"
                    style:height=move || px(rows.get().saturating_sub(place.window.get().to))
                ></div>
            </div>
            {move || {
                (is_open.get() && !place.following.get())
                    .then(|| {
                        view! {
                            <button type="button" class="btn primary newlines" on:click=move |_| place.follow()>
                                <Icon name="i-bottom"/>
                                <span>{move || t::new_lines(place.unseen.get())}</span>
                            </button>
                        }
                    })
            }}
            <div class="logfoot">
                <span>{move || t::lines(&count(rows.get() as u64))}</span>
                {move || {
                    let dropped = log.with(Log::dropped);
                    (dropped > 0).then(|| view! { <span>{t::lines_in_file(&count(dropped))}</span> })
                }}
                <a href=file.clone() download="">{t::LOG_WHOLE_FILE}</a>
                {move || {
                    place.picked.get().map(|(first, last)| view! { <span>{t::lines_picked(first, last)}</span> })
                }}
                <span class="push">
                    {move || match (is_open.get(), place.following.get()) {
                        (true, true) => t::LOG_FOLLOWING,
                        (true, false) => t::LOG_PAUSED,
                        (false, _) => t::LOG_ENDED,
                    }}
                </span>
            </div>
        </section>
    }
}

/// One row.
#[component]
fn Line(
    /// Its place in the list.
    at: usize,
    /// What it says.
    row: Row,
    /// Where the view is.
    place: Place,
) -> impl IntoView {
    match row {
        Row::Gap { from, lines } => view! {
            <div class="ln is-gap">{t::lines_missing(&count(lines), from)}</div>
        }
        .into_any(),
        Row::Line {
            seq,
            at: time,
            is_error,
            text,
        } => {
            let is_picked = move || {
                place
                    .picked
                    .get()
                    .is_some_and(|(first, last)| (first..=last).contains(&seq))
            };
            let is_hit = move || place.hits.with(|hits| hits.binary_search(&at).is_ok());
            let is_now = move || place.hits.with(|hits| hits.get(place.hit.get()) == Some(&at));
            view! {
                <div
                    class="ln"
                    class:is-error=is_error
                    class:is-picked=is_picked
                    class:is-hit=is_hit
                    class:is-now=is_now
                >
                    <span class="no" data-seq=seq>{seq}</span>
                    <span class="at">{time.map(browser::clock)}</span>
                    <span class="tx">
                        {ansi::spans(&text)
                            .into_iter()
                            .map(|span| {
                                if span.class.is_empty() {
                                    span.text.into_any()
                                } else {
                                    view! { <span class=span.class>{span.text}</span> }.into_any()
                                }
                            })
                            .collect_view()}
                    </span>
                </div>
            }
            .into_any()
        }
    }
}

impl Place {
    /// Finds out which rows must exist.
    fn measure(self, rows: usize) {
        let Some(list) = self.list.get_untracked() else {
            self.window.set(window::around(rows, 0, 0));
            return;
        };
        let row = |pixels: i32| usize::try_from(pixels / ROW).unwrap_or(0);
        let top = if self.following.get_untracked() {
            rows
        } else {
            row(list.scroll_top())
        };
        let next = window::around(rows, top, row(list.client_height()) + 1);
        if self.window.get_untracked() != next {
            self.window.set(next);
        }
    }

    /// Somebody has scrolled, or the list has by itself.
    fn scrolled(self, rows: usize) {
        if let Some(list) = self.list.get_untracked() {
            let below = list.scroll_height() - list.client_height() - list.scroll_top();
            let at_end = below <= NEAR;
            if at_end != self.following.get_untracked() {
                self.following.set(at_end);
                self.unseen.set(0);
            }
        }
        self.measure(rows);
    }

    fn follow(self) {
        self.following.set(true);
        self.unseen.set(0);
        self.to_end_when_drawn();
    }

    fn to_end_when_drawn(self) {
        request_animation_frame(move || {
            if let Some(list) = self.list.get_untracked()
                && self.following.get_untracked()
            {
                list.set_scroll_top(list.scroll_height());
            }
        });
    }

    fn scroll_to(self, row: usize) {
        if let Some(list) = self.list.get_untracked() {
            let above = list.client_height() / 3;
            let top = i32::try_from(row).unwrap_or(i32::MAX / ROW).saturating_mul(ROW);
            list.set_scroll_top((top - above).max(0));
        }
    }

    fn to_picked(self, log: RwSignal<Log>) {
        let Some((first, _)) = self.picked.get_untracked() else {
            return;
        };
        request_animation_frame(move || {
            if let Some(row) = log.with_untracked(|log| log.place_of(first)) {
                self.scroll_to(row);
            }
        });
    }

    /// Goes to the next or the previous hit, around the ends.
    fn step(self, by: isize) {
        let hits = self.hits.with_untracked(Vec::len);
        if hits == 0 {
            return;
        }
        self.hit
            .update(|hit| *hit = (*hit + hits).saturating_add_signed(by) % hits);
        self.to_hit();
    }

    fn to_hit(self) {
        let row = self
            .hits
            .with_untracked(|hits| hits.get(self.hit.get_untracked()).copied());
        if let Some(row) = row {
            self.following.set(false);
            self.scroll_to(row);
        }
    }

    /// Marks the line of the present hit, else the first line that is seen.
    fn mark(self, log: RwSignal<Log>) {
        let hit = self
            .hits
            .with_untracked(|hits| hits.get(self.hit.get_untracked()).copied());
        let top = self.list.get_untracked().map(|list| list.scroll_top() / ROW);
        let seen = top.and_then(|row| usize::try_from(row).ok());
        let row = hit
            .or(seen)
            .and_then(|row| log.with_untracked(|log| log.row(row).cloned()));
        if let Some(Row::Line { seq, .. }) = row {
            self.pick(seq, false);
        }
    }

    /// Marks a line, or with Shift all lines up to it, and puts them into the address.
    fn pick(self, seq: u64, extend: bool) {
        let (first, last) = match self.picked.get_untracked() {
            Some((first, last)) if extend => (first.min(seq), last.max(seq)),
            Some(_) | None => (seq, seq),
        };
        self.picked.set(Some((first, last)));
        if let Ok(history) = leptos::prelude::window().history() {
            // The address is one of this page.
            let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&hash(first, last)));
        }
    }
}

fn shown(log: &Log, window: Window) -> Vec<(usize, Row)> {
    let rows = log.rows().enumerate();
    let rows = rows.skip(window.from).take(window.to.saturating_sub(window.from));
    rows.map(|(at, row)| (at, row.clone())).collect()
}

fn row_key(row: &Row) -> u64 {
    match row {
        Row::Line { seq, .. } => *seq,
        Row::Gap { from, .. } => *from,
    }
}

fn hits_text(nothing_wanted: bool, place: Place) -> String {
    if nothing_wanted {
        return String::new();
    }
    let hits = place.hits.with(Vec::len);
    if hits == 0 {
        t::LOG_NO_HITS.to_owned()
    } else {
        t::hit(place.hit.get() + 1, hits)
    }
}

fn px(rows: usize) -> String {
    format!(
        "{}px",
        i32::try_from(rows).unwrap_or(i32::MAX / ROW).saturating_mul(ROW)
    )
}

fn window_hash() -> String {
    leptos::prelude::window().location().hash().unwrap_or_default()
}
