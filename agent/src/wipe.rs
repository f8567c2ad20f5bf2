//! Removes all that makes this machine a host: key, certificate, credentials, state. The configuration stays.

use domain::IdSource;

use crate::config::Places;
use crate::durable;
use crate::state::{self, State};

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The agent runs.
    #[error("the agent runs with this state directory; stop it first")]
    Running,
    /// A file could not be removed.
    #[error("could not remove the agent's files")]
    Remove(#[source] durable::Error),
}

/// Removes everything. Refused while an agent runs.
pub fn wipe(places: &Places, ids: &dyn IdSource) -> Result<(), Error> {
    if is_running(places, ids) {
        return Err(Error::Running);
    }
    durable::remove_directory(places.beside().state_dir())
        .and_then(|()| clear(places))
        .map_err(Error::Remove)
}

/// Whether an agent runs with these files.
pub fn is_running(places: &Places, ids: &dyn IdSource) -> bool {
    let database = places.database();
    database.exists() && matches!(State::open(&database, ids), Err(state::Error::InUse { .. }))
}

/// Removes what belongs to a host, whoever runs.
pub fn clear(places: &Places) -> Result<(), durable::Error> {
    for file in [
        places.secrets(),
        places.secrets_key(),
        places.ca_bundle(),
        places.status(),
        places.database(),
    ] {
        durable::remove(&file)?;
    }
    for directory in [places.identity_dir(), places.spool(), places.temporary()] {
        durable::remove_directory(&directory)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{SystemClock, SystemIds};

    #[test]
    fn everything_goes_and_a_second_time_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(None, Some(directory.path().join("state")));
        durable::create_directory(&places.identity_dir()).unwrap();
        durable::write(&places.secrets(), b"sealed").unwrap();
        durable::create_directory(&places.beside().identity_dir()).unwrap();
        drop(State::open(&places.database(), &ids()).unwrap());

        wipe(&places, &ids()).unwrap();
        wipe(&places, &ids()).unwrap();

        assert_eq!(std::fs::read_dir(places.state_dir()).unwrap().count(), 0);
    }

    #[test]
    fn a_running_agent_keeps_its_files() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::new(None, Some(directory.path().to_owned()));
        durable::write(&places.secrets(), b"sealed").unwrap();
        let _running = State::open(&places.database(), &ids()).unwrap();

        assert!(matches!(wipe(&places, &ids()), Err(Error::Running)));
        assert!(places.secrets().exists());
    }

    fn ids() -> SystemIds {
        SystemIds::new(Arc::new(SystemClock))
    }
}
