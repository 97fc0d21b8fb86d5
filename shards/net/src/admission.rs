//! How many connections there may be: on the broker, on a listener, from one address.
//! Shared by all shards, and touched when a connection comes and when it goes, never on the path of a request.
//!
//! # Invariants
//! - The numbers are exact: what one shard admits another sees at once, and each permit is given back once, when the
//!   connection's socket is closed, whichever shard it is on by then.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::ids::ListenerIndex;

/// The limits on the number of connections.
#[derive(Clone, Debug)]
pub struct AdmissionLimits {
    /// On the whole broker: `max.connections`.
    pub connections_max: usize,
    /// On each listener: `listener.name.<name>.max.connections`, in the order of the listeners.
    pub listeners: Vec<ListenerLimit>,
    /// From one address: `max.connections.per.ip`.
    pub connections_per_ip_max: usize,
    /// Other limits for some addresses: `max.connections.per.ip.overrides`, names already looked up.
    pub connections_per_ip_overrides: HashMap<IpAddr, usize>,
}

/// One listener's limit.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimit {
    /// Connections on this listener.
    pub connections_max: usize,
    /// Whether its connections come in even beyond the broker's limit (they count all the same): Kafka does so for
    /// the listener between brokers, lest clients lock the brokers out.
    pub exempt_from_broker_limit: bool,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            connections_max: usize::MAX,
            listeners: Vec::new(),
            connections_per_ip_max: usize::MAX,
            connections_per_ip_overrides: HashMap::new(),
        }
    }
}

/// Which limit a new connection would have exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The whole broker has enough.
    #[error("the broker has its {0} connections (max.connections)")]
    Broker(usize),
    /// The listener has enough.
    #[error("the listener has its {0} connections (listener.name.<name>.max.connections)")]
    Listener(usize),
    /// The address has enough.
    #[error("the address has its {0} connections (max.connections.per.ip)")]
    Address(usize),
}

/// Counts the broker's connections. Lives as long as the broker.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    broker: AtomicUsize,
    listeners: Vec<AtomicUsize>,
    /// Only kept when a limit per address is set.
    addresses: Option<Mutex<HashMap<IpAddr, usize>>>,
}

/// The right of one connection to exist; given back on drop.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    listener: ListenerIndex,
    address: IpAddr,
}

impl Admission {
    /// An admission for all shards of a broker to share.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        let per_address =
            limits.connections_per_ip_max != usize::MAX || !limits.connections_per_ip_overrides.is_empty();
        Arc::new(Self {
            broker: AtomicUsize::new(0),
            listeners: limits.listeners.iter().map(|_| AtomicUsize::new(0)).collect(),
            addresses: per_address.then(Mutex::default),
            limits,
        })
    }

    /// Admits a connection from `address`, or says which limit is in the way.
    pub fn admit(self: &Arc<Self>, listener: ListenerIndex, address: IpAddr) -> Result<Permit, Refused> {
        // An IPv4 client of a dual-stack listener counts as itself.
        let address = address.to_canonical();
        let limit = self.limits.listeners.get(usize::from(listener.0));
        let exempt = limit.is_some_and(|limit| limit.exempt_from_broker_limit);
        let broker_max = if exempt { usize::MAX } else { self.limits.connections_max };
        if !count_up(&self.broker, broker_max) {
            return Err(Refused::Broker(broker_max));
        }
        if let (Some(count), Some(limit)) = (self.listener(listener), limit)
            && !count_up(count, limit.connections_max)
        {
            self.broker.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::Listener(limit.connections_max));
        }
        if let Err(refused) = self.count_address(address) {
            self.broker.fetch_sub(1, Ordering::Relaxed);
            self.listener(listener).map(|count| count.fetch_sub(1, Ordering::Relaxed));
            return Err(refused);
        }
        Ok(Permit { admission: Arc::clone(self), listener, address })
    }

    /// Connections of the whole broker now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.broker.load(Ordering::Relaxed)
    }

    fn listener(&self, listener: ListenerIndex) -> Option<&AtomicUsize> {
        self.listeners.get(usize::from(listener.0))
    }

    fn count_address(&self, address: IpAddr) -> Result<(), Refused> {
        let Some(mut counts) = self.addresses() else { return Ok(()) };
        let overrides = &self.limits.connections_per_ip_overrides;
        let max = overrides.get(&address).copied().unwrap_or(self.limits.connections_per_ip_max);
        let before = counts.get(&address).copied().unwrap_or(0);
        if before >= max {
            return Err(Refused::Address(max));
        }
        counts.insert(address, before + 1);
        Ok(())
    }

    fn addresses(&self) -> Option<MutexGuard<'_, HashMap<IpAddr, usize>>> {
        // A panic elsewhere cannot leave a count half changed, so a poisoned lock is as good as any.
        self.addresses.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let admission = &self.admission;
        admission.broker.fetch_sub(1, Ordering::Relaxed);
        admission.listener(self.listener).map(|count| count.fetch_sub(1, Ordering::Relaxed));
        if let Some(mut counts) = admission.addresses() {
            match counts.get_mut(&self.address) {
                Some(count) if *count > 1 => *count -= 1,
                _ => _ = counts.remove(&self.address),
            }
        }
    }
}

/// Adds one unless there are `max` already.
fn count_up(count: &AtomicUsize, max: usize) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| (now < max).then_some(now + 1)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    const CLIENTS: ListenerIndex = ListenerIndex(0);
    const BROKERS: ListenerIndex = ListenerIndex(1);

    fn listener(connections_max: usize, exempt_from_broker_limit: bool) -> ListenerLimit {
        ListenerLimit { connections_max, exempt_from_broker_limit }
    }

    #[test]
    fn the_broker_admits_no_more_than_its_limit_and_counts_down_when_one_goes() {
        let admission = Admission::new(AdmissionLimits { connections_max: 2, ..AdmissionLimits::default() });
        let first = admission.admit(CLIENTS, HERE).unwrap();
        let _second = admission.admit(CLIENTS, HERE).unwrap();
        assert_eq!(admission.admit(CLIENTS, HERE).unwrap_err(), Refused::Broker(2));
        drop(first);
        let _third = admission.admit(CLIENTS, HERE).unwrap();
        assert_eq!(admission.connections(), 2);
    }

    #[test]
    fn a_full_broker_still_admits_other_brokers() {
        let listeners = vec![listener(usize::MAX, false), listener(1, true)];
        let limits = AdmissionLimits { connections_max: 1, listeners, ..AdmissionLimits::default() };
        let admission = Admission::new(limits);
        let _client = admission.admit(CLIENTS, HERE).unwrap();
        let _broker = admission.admit(BROKERS, HERE).unwrap();
        assert_eq!(admission.admit(BROKERS, HERE).unwrap_err(), Refused::Listener(1));
        assert_eq!(admission.connections(), 2);
    }

    #[test]
    fn each_address_has_a_limit_of_its_own_and_a_refusal_leaves_no_count_behind() {
        let admission = Admission::new(AdmissionLimits {
            listeners: vec![listener(10, false)],
            connections_per_ip_max: 1,
            connections_per_ip_overrides: HashMap::from([(THERE, 2)]),
            ..AdmissionLimits::default()
        });
        let here = admission.admit(CLIENTS, HERE).unwrap();
        let mapped = IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        assert_eq!(admission.admit(CLIENTS, mapped).unwrap_err(), Refused::Address(1));
        let there = [admission.admit(CLIENTS, THERE).unwrap(), admission.admit(CLIENTS, THERE).unwrap()];
        assert_eq!(admission.admit(CLIENTS, THERE).unwrap_err(), Refused::Address(2));
        assert_eq!(admission.connections(), 3);
        drop(here);
        drop(there);
        assert_eq!(admission.connections(), 0);
        assert_eq!(admission.listeners[0].load(Ordering::Relaxed), 0);
        assert!(admission.addresses().unwrap().is_empty());
    }

    #[test]
    fn shards_that_admit_at_the_same_time_do_not_exceed_the_limit_together() {
        let admission = Admission::new(AdmissionLimits { connections_max: 50, ..AdmissionLimits::default() });
        let admitted: usize = std::thread::scope(|scope| {
            let shards: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..40).filter_map(|_| admission.admit(CLIENTS, HERE).ok()).collect::<Vec<_>>()
                    })
                })
                .collect();
            let permits: Vec<_> = shards.into_iter().flat_map(|shard| shard.join().unwrap()).collect();
            permits.len()
        });
        assert_eq!(admitted, 50);
        assert_eq!(admission.connections(), 0);
    }
}
