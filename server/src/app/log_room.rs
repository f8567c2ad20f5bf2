//! [`LogRoom`]: how much log of all agents may be on its way into the database.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::meters::{InUse, Meter};

/// Room is counted in pieces of this many bytes.
const PIECE: u64 = 1024;

/// Room for packed log. Whoever finds none drops what it has, which its agent keeps, and asks for it again when there is.
#[derive(Debug, Clone)]
pub struct LogRoom {
    room: Arc<Semaphore>,
    pieces: u32,
    meter: Meter,
}

/// Room that was found, until it is dropped.
#[derive(Debug)]
pub struct Found {
    _room: OwnedSemaphorePermit,
    _in_use: InUse,
}

impl LogRoom {
    /// Room for so many bytes.
    pub fn new(bytes: u64, meter: Meter) -> Self {
        let pieces = u32::try_from((bytes / PIECE).max(1)).unwrap_or(u32::MAX);
        Self {
            room: Arc::new(Semaphore::new(
                usize::try_from(pieces).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            pieces,
            meter,
        }
    }

    /// Finds room for so many bytes; `None` when there is none at the moment.
    pub fn find(&self, bytes: usize) -> Option<Found> {
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(self.pieces_of(bytes))
            .ok();
        if room.is_none() {
            self.meter.reached();
        }
        Some(self.found(room?, bytes))
    }

    /// Waits until there is room for so many bytes.
    pub async fn wait(&self, bytes: usize) {
        // Nobody closes it; it is given back at once, to whoever comes with something.
        drop(self.room.acquire_many(self.pieces_of(bytes)).await);
    }

    fn found(&self, room: OwnedSemaphorePermit, bytes: usize) -> Found {
        Found {
            _room: room,
            _in_use: self.meter.hold(bytes as u64),
        }
    }

    /// What is larger than all the room has it alone.
    fn pieces_of(&self, bytes: usize) -> u32 {
        let pieces = (bytes as u64).div_ceil(PIECE);
        u32::try_from(pieces).unwrap_or(u32::MAX).min(self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::config::Limits;
    use crate::meters::Meters;

    #[test]
    fn room_is_found_until_it_is_used_up_and_again_when_it_is_given_back() {
        let meters = Meters::new(&Limits::default());
        let room = LogRoom::new(10 * 1024, meters.log_ingest.clone());

        let first = room.find(6 * 1024).unwrap();
        assert!(room.find(5 * 1024).is_none());
        assert!(room.wait(5 * 1024).now_or_never().is_none());
        drop(first);

        assert!(room.wait(5 * 1024).now_or_never().is_some());
        assert!(room.find(5 * 1024).is_some());
        let reached = meters
            .readings()
            .into_iter()
            .find(|reading| reading.name == "log_ingest");
        assert_eq!(reached.map(|reading| (reading.in_use, reading.reached)), Some((0, 1)));
    }

    #[test]
    fn what_is_larger_than_all_the_room_has_it_alone() {
        let meters = Meters::new(&Limits::default());
        let room = LogRoom::new(10 * 1024, meters.log_ingest);

        let all = room.find(1024 * 1024).unwrap();

        assert!(room.find(1).is_none());
        drop(all);
        assert!(room.find(1).is_some());
    }
}
