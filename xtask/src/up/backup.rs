//! A backup of real files, watched live.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::http::{Api, Event};
use crate::interrupt;
use crate::process::POLL;

use super::host::Host;
use super::place::Place;
use super::progress::{self, Screen};

/// What was saved.
pub(crate) struct Backup {
    pub(crate) snapshot: String,
    /// How many snapshots the server lists for this host.
    pub(crate) snapshots: usize,
}

/// Backs up the sources and prints log and progress as they come.
pub(crate) fn run(place: &Place, host: &Host, api: &mut Api) -> Result<Backup> {
    let job = api.post(
        &format!("/api/hosts/{}/jobs", host.id),
        &json!({ "kind": "backup", "args": place.sources }),
    )?;
    let id = job["id"].as_str().context("the server started a job without an id")?;
    let ended = watch(api, id)?;
    interrupt::check()?;

    let code = ended["result_code"].as_str().unwrap_or_default();
    let error = ended["error"].as_str().unwrap_or_default();
    ensure!(matches!(code, "ok" | "issues"), "the backup failed ({code}): {error}");
    println!("  saved {}", progress::outcome(&ended["summary"]));
    let snapshot = ended["summary"]["snapshot_id"].as_str().unwrap_or_default();
    let listed = api.get(&format!("/api/hosts/{}/snapshots", host.id))?;
    let listed = listed.as_array().context("the server's list of snapshots is no list")?;
    ensure!(
        !snapshot.is_empty() && listed.iter().any(|entry| entry["id"] == snapshot),
        "the backup ended, but the server does not list its snapshot {snapshot:?}"
    );
    Ok(Backup {
        snapshot: snapshot.to_owned(),
        snapshots: listed.len(),
    })
}

/// Shows the job's events until its end, and answers the job as it then is. A request to stop cancels the job first.
fn watch(api: &mut Api, job: &str) -> Result<Value> {
    let events = api.events(&format!("/api/jobs/{job}/stream"))?;
    let (sender, receiver) = mpsc::sync_channel::<Result<Event>>(64);
    // In a thread of its own, so that Ctrl-C does not wait for the next event.
    let reader = thread::spawn(move || {
        for event in events {
            if sender.send(event).is_err() {
                break;
            }
        }
    });
    let mut screen = Screen::new();
    let mut cancelled = false;
    let ended = loop {
        if interrupt::requested() && !cancelled {
            cancelled = true;
            api.post(&format!("/api/jobs/{job}/cancel"), &json!({}))?;
        }
        let event = match receiver.recv_timeout(POLL) {
            Ok(event) => event?,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => bail!("the job's stream ended before the job"),
        };
        match event.name.as_str() {
            "log" => screen.lines(&event.data),
            "progress" => screen.progress(&event.data),
            "end" => break event.data,
            "error" => bail!("the job's stream failed: {}", event.data["message"]),
            _ => {}
        }
    };
    screen.finish();
    drop(receiver);
    ensure!(reader.join().is_ok(), "reading the job's stream failed");
    Ok(ended)
}
