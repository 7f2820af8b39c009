//! Bytes and time spent per (principal, client id), and what they are told to wait in return (KIP-13, KIP-124).
//!
//! Counters live behind a handle that a connection takes once; counting a request looks nothing up. The answer to every count is the
//! throttle, zero until quotas exist: dispatch writes it into the answer, and the connection is muted for that long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use base::Str;

/// Who is accounted: the principal and the client id it gives.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Party {
    /// The authenticated principal, as `Type:name`.
    pub principal: Str,
    /// The client id; empty if none was given.
    pub client_id: Str,
}

/// The counters of one party.
#[derive(Debug, Default)]
pub struct Account {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    time_ns: AtomicU64,
    requests: AtomicU64,
    /// What every request is told to wait; nothing but a test sets it as long as there are no quotas.
    throttle_ms: AtomicU64,
}

impl Account {
    /// Counts one request that has been handled, and took so much `time` beside waiting; returns how long the party is to be left
    /// waiting.
    pub fn count(&self, bytes_in: usize, bytes_out: usize, time: Duration) -> Duration {
        self.bytes_in.fetch_add(bytes_in as u64, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes_out as u64, Ordering::Relaxed);
        self.time_ns.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Duration::from_millis(self.throttle_ms.load(Ordering::Relaxed))
    }

    /// Time spent on requests so far, without what they waited.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.time_ns.load(Ordering::Relaxed))
    }

    #[cfg(test)]
    pub(crate) fn set_throttle(&self, time: Duration) {
        self.throttle_ms.store(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// Requests counted so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// The accounts of all parties that are connected.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<HashMap<Party, Weak<Account>>>);

impl Accounts {
    /// The account of a party; it lives as long as somebody holds it.
    pub fn of(&self, party: &Party) -> Arc<Account> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(party).and_then(Weak::upgrade) {
            return account;
        }
        if accounts.len() >= 64 && accounts.len().is_power_of_two() {
            accounts.retain(|_, account| account.strong_count() > 0);
        }
        let account = Arc::new(Account::default());
        let party = Party { principal: party.principal.detached(), client_id: party.client_id.detached() };
        accounts.insert(party, Arc::downgrade(&account));
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_party_has_one_account_however_many_connections() {
        let accounts = Accounts::default();
        let party = |id: &str| Party { principal: "User:ANONYMOUS".into(), client_id: id.into() };
        let (one, two) = (accounts.of(&party("a")), accounts.of(&party("a")));
        assert_eq!(one.count(1, 2, Duration::from_micros(3)), Duration::ZERO);
        assert_eq!((two.requests(), accounts.of(&party("b")).requests()), (1, 0));
    }

    #[test]
    fn accounts_of_the_gone_are_forgotten() {
        let accounts = Accounts::default();
        for id in 0..10_000 {
            accounts.of(&Party { principal: Str::default(), client_id: id.to_string().into() });
        }
        assert!(accounts.0.lock().unwrap().len() <= 128);
    }
}
