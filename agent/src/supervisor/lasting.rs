//! Lasts while the disk is full.
//!
//! A fact that cannot be written ends a [`Supervisor`]; one that is begun anew finds on disk what it needs. While there is no
//! space for any, there is none: running jobs go on under their wrappers, and the next one takes them up.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Error, Setup, Supervisor};
use crate::exit::Exit;
use crate::space;
use crate::telemetry::chain;

/// How often it is looked whether there is space.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// It is tried all the same after this: a quota is not seen from outside.
const TRY_EVERY: Duration = Duration::from_mins(1);

/// Runs the agent until somebody stops it, the server deletes the host, or something else goes wrong than a lack of space.
pub async fn run_on(setup: Setup, stop: CancellationToken) -> Result<Exit, Error> {
    let mut was_full = false;
    loop {
        let ended = match Supervisor::start(setup.clone()) {
            Ok(supervisor) => {
                if was_full {
                    info!("there is space again; the agent goes on");
                }
                supervisor.run(stop.clone()).await
            }
            Err(error) => Err(error),
        };
        let error = match ended {
            Err(error) if error.is_used_up() => error,
            ended => return ended,
        };
        let place = setup.places.state_dir();
        if !was_full {
            error!(error = chain(&error), "{}", full(place));
        }
        was_full = true;
        let try_at = Instant::now() + TRY_EVERY;
        // At least once, so that a disk that is full in spite of what it says is not tried in a loop.
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(Exit::Ok),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if !space::is_short(place) || Instant::now() >= try_at {
                break;
            }
        }
    }
}

/// What happened, what it means and what to do.
pub(super) fn full(place: &std::path::Path) -> String {
    format!(
        "the disk of {} is full, so the agent can neither take on nor report jobs, and says nothing to the server. A running \
         backup goes on; its end is reported when there is space. Free space there: the agent then goes on by itself",
        place.display()
    )
}
