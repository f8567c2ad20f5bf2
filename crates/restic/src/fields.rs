//! [`Fields`]: reads restic's JSON objects without ever refusing one.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::Redactor;

/// The fields of one object. One that is absent, or of another type than expected, reads as zero, empty or `None`:
/// restic leaves out zero values, and versions differ.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    redactor: &'a Redactor,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(object: &'a Map<String, Value>, redactor: &'a Redactor) -> Self {
        Self { object, redactor }
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.maybe_count(name).unwrap_or(0)
    }

    pub(crate) fn maybe_count(&self, name: &str) -> Option<u64> {
        self.object.get(name)?.as_u64()
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.object.get(name)?.as_i64()
    }

    /// Zero for negative and infinite ones, such as the duration that 0.18.0 computes from a missing end.
    pub(crate) fn seconds(&self, name: &str) -> Duration {
        let seconds = self.object.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.object.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.raw(name)
            .map(|text| self.redactor.redact(text).into_owned())
            .unwrap_or_default()
    }

    /// Without redaction, for ids and names that are parsed and not shown.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.object.get(name)?.as_str()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.object.get(name).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|text| self.redactor.redact(text).into_owned())
            .collect()
    }

    pub(crate) fn object(&self, name: &str) -> Option<Fields<'a>> {
        let object = self.object.get(name)?.as_object()?;
        Some(Self::new(object, self.redactor))
    }
}
