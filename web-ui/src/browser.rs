//! The few things of the browser that more than one part needs.

use js_sys::{Date, Intl, Object, Reflect};
use leptos::prelude::{document, window};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::JsCast as _;

use crate::i18n::t;
use crate::model::theme::Theme;

const THEME: &str = "rm-theme";

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn now() -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a clock's milliseconds are whole")]
    let now = Date::now() as i64;
    now
}

/// A fraction from 0 to 1.
pub(crate) fn random() -> f64 {
    js_sys::Math::random()
}

/// Fills with random bytes that nobody can guess.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    if let Ok(crypto) = window().crypto() {
        // It fails for more bytes than anybody here asks for.
        let _ = crypto.get_random_values_with_u8_array(bytes);
    }
}

/// The address of the sprite, which has its hash in its name.
pub(crate) fn sprite() -> String {
    let root = document().document_element();
    root.and_then(|root| root.get_attribute("data-sprite"))
        .unwrap_or_default()
}

/// The name of the server as people type it, with its port.
pub(crate) fn host() -> String {
    window().location().host().unwrap_or_default()
}

/// The scheme, name and port of the server.
pub(crate) fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Puts a text on the clipboard; whether that was possible.
pub(crate) async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    // Without HTTPS there is no clipboard.
    let has_clipboard = Reflect::get(&navigator, &JsValue::from_str("clipboard")).is_ok_and(|found| found.is_object());
    if !has_clipboard {
        return false;
    }
    let written = wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(text));
    written.await.is_ok()
}

/// Sets the name of the page in the browser's tab.
pub(crate) fn set_title(title: &str) {
    document().set_title(title);
}

/// Puts the page of last resort in the place of everything: what has failed cannot show anything itself.
pub(crate) fn show_crash(details: &str) {
    let document = document();
    let Some(page) = document.get_element_by_id("crash") else {
        return;
    };
    if let Some(text) = document.get_element_by_id("crash-details") {
        let place = window().location().pathname().unwrap_or_default();
        text.set_text_content(Some(&format!("{} {} {place}\n{details}", t::PRODUCT, t::version())));
    }
    // What is left of the console beside it.
    let siblings = document.body().map(|body| body.children());
    for index in 0..siblings.as_ref().map_or(0, web_sys::HtmlCollection::length) {
        if let Some(element) = siblings.as_ref().and_then(|siblings| siblings.item(index)) {
            // The attribute is one that every element may have.
            let _ = if element == page {
                page.remove_attribute("hidden")
            } else {
                element.set_attribute("hidden", "")
            };
        }
    }
}

/// The theme that this browser remembers.
pub(crate) fn theme() -> Theme {
    let stored = window().local_storage().ok().flatten();
    let word = stored.and_then(|storage| storage.get_item(THEME).ok().flatten());
    Theme::from_word(&word.unwrap_or_default())
}

/// Whether the system is dark at the moment.
pub(crate) fn system_is_dark() -> bool {
    let media = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    media.is_some_and(|media| media.matches())
}

/// Gives the page a theme, now and when it is opened again.
pub(crate) fn set_theme(theme: Theme) {
    if let Some(root) = document().document_element() {
        // The name of the attribute is a constant that is allowed.
        let _ = match theme {
            Theme::System => root.remove_attribute("data-theme"),
            Theme::Light | Theme::Dark => root.set_attribute("data-theme", theme.word()),
        };
    }
    if let Ok(Some(storage)) = window().local_storage() {
        // Without storage the choice is good for this page.
        let _ = storage.set_item(THEME, theme.word());
    }
}

/// A moment as date and time in the viewer's zone; with seconds and the zone's name when `exact`.
pub(crate) fn date_time(millis: i64, exact: bool) -> String {
    let parts: &[(&str, &str)] = if exact {
        &[("dateStyle", "full"), ("timeStyle", "long")]
    } else {
        &[("dateStyle", "medium"), ("timeStyle", "short")]
    };
    formatted(millis, parts)
}

/// A moment as date and time in a zone that a host has named; in the viewer's where there is no such zone.
pub(crate) fn date_time_in(millis: i64, zone: &str) -> String {
    let options = Object::new();
    for (name, value) in [("dateStyle", "medium"), ("timeStyle", "short"), ("timeZone", zone)] {
        // A plain object takes every property.
        let _ = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    #[expect(clippy::cast_precision_loss, reason = "dates of the browser are floating point")]
    let date = Date::new(&JsValue::from_f64(millis as f64));
    // Asked for this way a zone that the browser does not know is an error, and not the end of the program.
    let format = Reflect::get(&date, &JsValue::from_str("toLocaleString"));
    let format = format
        .ok()
        .and_then(|format| format.dyn_into::<js_sys::Function>().ok());
    let text = format.and_then(|format| format.call2(&date, &JsValue::from_str(t::LOCALE), &options).ok());
    text.and_then(|text| text.as_string())
        .unwrap_or_else(|| date_time(millis, false))
}

/// The time of day of a moment in the viewer's zone, with seconds.
pub(crate) fn clock(millis: i64) -> String {
    formatted(millis, &[("timeStyle", "medium")])
}

fn formatted(millis: i64, parts: &[(&str, &str)]) -> String {
    let options = Object::new();
    for (name, value) in parts {
        // A plain object takes every property.
        let _ = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    // Words as in the catalogue, the day first and 24 hours as everywhere but in the United States.
    let locales = js_sys::Array::of1(&JsValue::from_str(t::LOCALE));
    let format = Intl::DateTimeFormat::new(&locales, options.unchecked_ref());
    #[expect(clippy::cast_precision_loss, reason = "dates of the browser are floating point")]
    let date = Date::new(&JsValue::from_f64(millis as f64));
    let text = format.format().call1(&JsValue::UNDEFINED, &date);
    text.ok().and_then(|text| text.as_string()).unwrap_or_default()
}
