//! Reading server-sent events.

use std::io::{BufRead as _, BufReader};

use serde_json::Value;
use ureq::BodyReader;

use crate::rest::Rest;

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// What to resume behind; empty when the event has none.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it carries.
    pub data: Value,
}

/// An open stream of events, as an iterator that ends with the stream.
pub struct Events {
    lines: BufReader<BodyReader<'static>>,
    record: Rest,
}

impl Events {
    pub(crate) fn new(body: BodyReader<'static>, record: Rest) -> Self {
        Self {
            lines: BufReader::new(body),
            record,
        }
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (mut id, mut name) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line);
            if read.unwrap_or_else(|error| panic!("the event stream broke off: {error}")) == 0 {
                return None;
            }
            self.record.record(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            match line.split_once(": ") {
                Some(("id", value)) => value.clone_into(&mut id),
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => {
                    let data = serde_json::from_str(value);
                    let data = data.unwrap_or_else(|error| panic!("{error} in the event {name}: {value}"));
                    return Some(Event { id, name, data });
                }
                // Signs of life and the empty lines between events.
                Some(_) | None => {}
            }
        }
    }
}
