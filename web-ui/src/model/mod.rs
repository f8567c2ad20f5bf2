//! What the console computes, without a browser: it builds and is tested everywhere.
//!
//! **Invariant:** nothing here knows leptos or the browser. Times come in as milliseconds since 1970.

pub mod ansi;
pub mod bars;
pub mod enrolling;
pub mod format;
pub mod frame;
pub mod host_form;
pub mod hosts_query;
pub mod job_view;
pub mod jobs_query;
pub mod list_page;
pub mod location;
pub mod log;
pub mod next_page;
pub mod overview;
pub mod password;
pub mod refusal;
pub mod repository_view;
pub mod status;
pub mod theme;
pub mod tokens;
pub mod untrusted;
pub mod window;
