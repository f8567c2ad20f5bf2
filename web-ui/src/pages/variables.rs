//! The variables that a kind of storage reads, as fields: write-only, so nothing is filled in.

use std::collections::BTreeMap;

use domain::repository::RepositoryKind;
use leptos::prelude::*;

use crate::api::ApiError;
use crate::i18n::t;
use crate::kit::PasswordField;

/// What is typed, by the names of the variables of all kinds.
#[derive(Clone, Copy)]
pub(super) struct Variables(StoredValue<BTreeMap<&'static str, RwSignal<String>>>);

impl Variables {
    pub(super) fn new() -> Self {
        let names = RepositoryKind::ALL.into_iter().flat_map(RepositoryKind::variables);
        let values = names.map(|name| (*name, RwSignal::new(String::new())));
        Self(StoredValue::new(values.collect()))
    }

    /// Forgets what was typed.
    pub(super) fn clear(self) {
        self.0.with_value(|values| {
            for value in values.values() {
                value.set(String::new());
            }
        });
    }

    /// The field of a variable.
    fn value(self, name: &'static str) -> RwSignal<String> {
        self.0.with_value(|values| values[name])
    }

    /// What is filled in of what this kind reads.
    pub(super) fn filled_in(self, kind: RepositoryKind) -> BTreeMap<String, String> {
        let names = kind.variables().iter().copied();
        names
            .map(|name| (name.to_owned(), self.value(name).get_untracked()))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// The fields of one kind; nothing for a kind that reads none.
#[component]
pub(super) fn VariableFields(
    /// What is typed.
    variables: Variables,
    /// The kind.
    kind: RepositoryKind,
    /// Why the form was refused.
    #[prop(into)]
    error: Signal<Option<ApiError>>,
    /// What more there is to say.
    #[prop(optional)]
    note: &'static str,
) -> impl IntoView {
    let names = kind.variables();
    let fields = move || {
        names
            .iter()
            .map(|name| {
                let wrong = move || error.with(|error| error.as_ref()?.field(&format!("backend_env.{name}")));
                view! {
                    <PasswordField
                        id=*name
                        label=*name
                        value=variables.value(name)
                        error=Signal::derive(wrong)
                        autocomplete="off"
                        optional=true
                    />
                }
            })
            .collect_view()
    };
    (!names.is_empty()).then(|| {
        view! {
            <fieldset class="part">
                <legend>{t::VARIABLES}</legend>
                <p class="help">{t::VARIABLES_HELP}" "{note}</p>
                <div class="form-grid">{fields()}</div>
            </fieldset>
        }
    })
}
