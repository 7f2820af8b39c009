//! Muting: a client over its quota is answered at once, and then neither read from nor served for a while (KIP-219).
//!
//! Waits that overlap are not added up: the connection is silent until the last of them ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;

use super::Connection;

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Until when nothing more is read or started.
#[derive(Default)]
pub(super) struct Muted {
    wait: Option<(Instant, Wait)>,
}

impl Muted {
    /// For this long from now, or until `stopped`, unless it is so for longer already.
    fn extend(&mut self, time: Duration, stopped: impl Future<Output = ()> + Send + 'static) {
        let until = Instant::now() + time;
        if self.wait.as_ref().is_some_and(|(standing, _)| *standing >= until) {
            return;
        }
        let over = async move {
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = stopped => {}
            }
        };
        self.wait = Some((until, Box::pin(over)));
    }

    /// Whether it is so; the task is woken when it is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let is_muted = self.wait.as_mut().is_some_and(|(_, over)| over.as_mut().poll(cx).is_pending());
        if !is_muted {
            self.wait = None;
        }
        is_muted
    }

    /// Whether it was so when last asked.
    pub fn stands(&self) -> bool {
        self.wait.is_some()
    }
}

impl Connection {
    /// Reads and starts nothing for this long, or until the broker stops.
    pub(super) fn mute(&mut self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let info = Arc::clone(&self.info);
        self.muted.extend(time, async move { info.slot.until_shut().await });
        // What comes in slowly now does so since it is not read.
        self.info.slot.receives(false);
    }

    pub(super) fn is_muted(&mut self, cx: &mut Context<'_>) -> bool {
        self.muted.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};
    use std::task::Poll;

    use super::*;

    async fn silence(muted: &mut Muted) -> Duration {
        let began = Instant::now();
        poll_fn(|cx| if muted.poll(cx) { Poll::Pending } else { Poll::Ready(()) }).await;
        assert!(!muted.stands());
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn waits_that_overlap_end_together() {
        let mut muted = Muted::default();
        for _ in 0..64 {
            muted.extend(Duration::from_secs(1), pending());
        }
        assert!(muted.stands());
        // A shorter one changes nothing.
        muted.extend(Duration::from_millis(10), pending());
        let waited = silence(&mut muted).await;
        assert!((1000..1100).contains(&waited.as_millis()), "{waited:?}");
        muted.extend(Duration::from_secs(1), pending());
        muted.extend(Duration::from_secs(2), pending());
        let waited = silence(&mut muted).await;
        assert!((2000..2100).contains(&waited.as_millis()), "{waited:?}");
        muted.extend(Duration::from_secs(60), ready(()));
        assert!(silence(&mut muted).await.as_millis() < 100, "the broker stops");
    }
}
