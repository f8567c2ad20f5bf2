#![doc = include_str!("../README.md")]
#![recursion_limit = "256"]
// leptos hands props over as values, and makes functions of a view long.
#![cfg_attr(
    target_family = "wasm",
    allow(
        clippy::fn_params_excessive_bools,
        clippy::needless_pass_by_value,
        clippy::too_many_lines,
        unreachable_pub,
        reason = "the form that components and their props have"
    )
)]

pub mod i18n;
pub mod model;

#[cfg(target_family = "wasm")]
mod api;
#[cfg(target_family = "wasm")]
mod app;
#[cfg(target_family = "wasm")]
mod browser;
#[cfg(target_family = "wasm")]
mod errors;
#[cfg(target_family = "wasm")]
mod kit;
#[cfg(target_family = "wasm")]
mod live;
#[cfg(target_family = "wasm")]
mod pages;
#[cfg(target_family = "wasm")]
mod session;

#[cfg(target_family = "wasm")]
pub use app::start;
