//! How often an address may connect.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::rate::{Bucket, Rate};
use tokio::time::Instant;

use super::connections::network;

/// Addresses that are remembered at most. Beyond them all are forgotten, which gives each a new burst and no more.
const REMEMBERED: usize = 65_536;

/// New connections by address; those of IPv6 by their /64.
#[derive(Debug)]
pub(super) struct Arrivals {
    rate: Rate,
    began: Instant,
    seen: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Arrivals {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            began: Instant::now(),
            seen: Mutex::default(),
        }
    }

    /// Counts a new connection. Whether it may go on.
    pub(super) fn admit(&self, address: IpAddr) -> bool {
        let now = self.began.elapsed();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            make_room(&mut seen, now);
        }
        let bucket = seen.entry(network(address)).or_insert(Bucket::full(self.rate));
        bucket.try_take(1, now)
    }

    /// Takes a connection out of the count: it has shown an agent's certificate.
    pub(super) fn forgive(&self, address: IpAddr) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = seen.get_mut(&network(address)) {
            bucket.give_back(1);
        }
    }
}

fn make_room(seen: &mut HashMap<IpAddr, Bucket>, now: Duration) {
    seen.retain(|_, bucket| !bucket.is_full(now));
    if seen.len() >= REMEMBERED {
        seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const RATE: Rate = Rate {
        per_second: 20,
        burst: 200,
    };

    #[tokio::test(start_paused = true)]
    async fn an_address_has_its_burst_and_then_its_rate() {
        let arrivals = Arrivals::new(RATE);
        let (one, other) = (address(1), address(2));

        let burst = (0..300).filter(|_| arrivals.admit(one)).count();
        assert_eq!(burst, 200);
        assert!(arrivals.admit(other));
        tokio::time::advance(Duration::from_secs(1)).await;

        assert_eq!((0..300).filter(|_| arrivals.admit(one)).count(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn agents_do_not_count() {
        let arrivals = Arrivals::new(RATE);

        for _ in 0..1_000 {
            assert!(arrivals.admit(address(1)));
            arrivals.forgive(address(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn not_more_addresses_are_remembered_than_there_is_room_for() {
        let arrivals = Arrivals::new(RATE);

        for number in 0..70_000 {
            arrivals.admit(address(number));
        }

        assert!(arrivals.seen.lock().unwrap().len() <= REMEMBERED);
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }
}
