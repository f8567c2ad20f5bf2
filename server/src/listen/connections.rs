//! Counts what is open, over all and per address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Open connections by address; those of IPv6 by their /64, which is what one customer gets.
#[derive(Debug)]
pub(super) struct Connections {
    per_address: usize,
    total: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One counted connection; it is uncounted on drop.
#[derive(Debug)]
pub(super) struct Counted {
    connections: Arc<Connections>,
    key: IpAddr,
}

impl Connections {
    pub(super) fn new(per_address: usize, total: usize) -> Arc<Self> {
        Arc::new(Self {
            per_address,
            total,
            open: Mutex::default(),
        })
    }

    /// Counts one more, unless the address or the whole has reached its limit.
    pub(super) fn count(self: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let key = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= self.total {
            return None;
        }
        let count = open.entry(key).or_default();
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        Some(Counted {
            connections: Arc::clone(self),
            key,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_limit_and_gets_its_place_back() {
        let connections = Connections::new(2, 100);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let first = connections.count(address).unwrap();
        let _second = connections.count(address).unwrap();

        assert!(connections.count(address).is_none());
        assert!(connections.count("192.0.2.2".parse().unwrap()).is_some());
        drop(first);
        assert!(connections.count(address).is_some());
    }

    #[test]
    fn one_ipv6_customer_counts_as_one_address() {
        let connections = Connections::new(1, 100);
        let _first = connections.count("2001:db8:0:1::1".parse().unwrap()).unwrap();

        assert!(connections.count("2001:db8:0:1::2".parse().unwrap()).is_none());
        assert!(connections.count("2001:db8:0:2::1".parse().unwrap()).is_some());
    }

    #[test]
    fn the_whole_has_its_limit_and_nothing_is_left_behind() {
        let connections = Connections::new(10, 1);
        let only = connections.count("192.0.2.1".parse().unwrap()).unwrap();

        assert!(connections.count("192.0.2.2".parse().unwrap()).is_none());
        drop(only);
        assert!(connections.open.lock().unwrap().is_empty());
    }
}
