//! One owner at a time, and no task of its own: whoever brings work while nobody works becomes the owner until all work is done.
//!
//! Jobs run in the order in which they were brought. Those that arrive while the owner works are taken together at its next turn,
//! so that batching falls out of load.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// A value with a queue of jobs for its owner.
#[derive(Debug)]
pub(crate) struct Mailbox<T, J> {
    jobs: Mutex<VecDeque<J>>,
    owned: Mutex<T>,
}

impl<T, J> Mailbox<T, J> {
    pub fn new(value: T) -> Self {
        Self { jobs: Mutex::default(), owned: Mutex::new(value) }
    }

    /// Brings a job. `turn` runs it, here or on the thread that owns the value now; it is the same for all callers.
    pub fn post(&self, job: J, turn: impl Fn(&mut T, VecDeque<J>)) {
        lock(&self.jobs).push_back(job);
        loop {
            let mut value = match self.owned.try_lock() {
                Ok(value) => value,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // The owner looks at the jobs once more after it lets go.
                Err(TryLockError::WouldBlock) => return,
            };
            self.drain(&mut value, &turn);
            drop(value);
            if lock(&self.jobs).is_empty() {
                return;
            }
        }
    }

    /// Waits to own the value, and works on it between turns; jobs that came meanwhile run before this returns.
    pub fn own<R>(&self, work: impl FnOnce(&mut T) -> R, turn: impl Fn(&mut T, VecDeque<J>)) -> R {
        let mut value = lock(&self.owned);
        let result = work(&mut value);
        loop {
            self.drain(&mut value, &turn);
            drop(value);
            if lock(&self.jobs).is_empty() {
                return result;
            }
            match self.owned.try_lock() {
                Ok(again) => value = again,
                Err(TryLockError::Poisoned(poisoned)) => value = poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return result,
            }
        }
    }

    fn drain(&self, value: &mut T, turn: &impl Fn(&mut T, VecDeque<J>)) {
        loop {
            let jobs = std::mem::take(&mut *lock(&self.jobs));
            if jobs.is_empty() {
                return;
            }
            turn(value, jobs);
        }
    }
}

fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn every_job_runs_once_and_each_callers_in_order() {
        let mailbox = Arc::new(Mailbox::new(vec![Vec::new(); 4]));
        let turn = |seen: &mut Vec<Vec<usize>>, jobs: VecDeque<(usize, usize)>| {
            jobs.into_iter().for_each(|(caller, number)| seen[caller].push(number));
        };
        let threads: Vec<_> = (0..4)
            .map(|caller| {
                let mailbox = Arc::clone(&mailbox);
                std::thread::spawn(move || {
                    for number in 0..10_000 {
                        mailbox.post((caller, number), turn);
                        if number % 1000 == 0 {
                            mailbox.own(|_| (), turn);
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let expected: Vec<usize> = (0..10_000).collect();
        mailbox.own(|seen| assert!(seen.iter().all(|one| *one == expected)), turn);
    }
}
