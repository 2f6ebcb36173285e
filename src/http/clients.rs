//! Who is connected, and who is sending: no client takes what all others need.
//!
//! Clients are distinguished by their address. Behind a proxy all have that of the proxy, so a client may have much, and never all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, getrlimit};

/// The address of who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// Files that are not for callers' connections: listener, store, targets, Redis, libraries.
const FILES_OF_OURS: u64 = 128;

/// Counts what clients hold.
#[derive(Debug)]
pub(super) struct Shares {
    counts: Mutex<HashMap<Option<ClientAddress>, usize>>,
    each_max: usize,
    all_max: usize,
}

/// One of the things that a client may hold so many of.
#[derive(Debug)]
pub(super) struct ClientShare {
    of: Arc<Shares>,
    client: Option<ClientAddress>,
}

impl Shares {
    /// At most so many for one client, and for all together.
    pub(super) fn new(each_max: usize, all_max: usize) -> Arc<Self> {
        let (each_max, all_max) = (each_max.max(1), all_max.max(1));
        Arc::new(Self { counts: Mutex::default(), each_max, all_max })
    }

    /// Connections: what files the process may have open, less ours; a client may have half of them.
    pub(super) fn of_connections() -> Arc<Self> {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let all = usize::try_from(files.saturating_sub(FILES_OF_OURS)).unwrap_or(usize::MAX);
        Self::new(all / 2, all)
    }

    /// One more for a client; none where it has, or all have, as many as they may. Who has no address is one client.
    pub(super) fn take(self: &Arc<Self>, client: Option<ClientAddress>) -> Option<ClientShare> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let of_client = counts.get(&client).copied().unwrap_or_default();
        if of_client >= self.each_max || all >= self.all_max {
            return None;
        }
        counts.insert(client, of_client + 1);
        Some(ClientShare { of: Arc::clone(self), client })
    }
}

impl Drop for ClientShare {
    fn drop(&mut self) {
        let mut counts = self.of.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_leaves_something_for_the_others_and_gives_back_what_it_held() {
        let shares = Shares::new(2, 3);
        let client = |last| Some(ClientAddress(IpAddr::from([192, 0, 2, last])));
        let of_one = [shares.take(client(1)), shares.take(client(1))];
        assert!(of_one.iter().all(Option::is_some) && shares.take(client(1)).is_none());
        let other = shares.take(client(2));
        assert!(other.is_some() && shares.take(client(3)).is_none(), "all together");
        drop(of_one);
        assert!(shares.take(client(1)).is_some());
    }
}
