//! What one host does and did.

use leptos::prelude::*;

use super::super::jobs::JobList;
use super::Shown;

#[component]
pub(crate) fn HostJobs() -> impl IntoView {
    let shown = Shown::here();
    view! { <JobList host=shown.id/> }
}
