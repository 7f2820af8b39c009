//! Muting: a client over its quota is answered at once, and then neither read from nor served for a while (KIP-219).

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use super::Connection;

impl Connection {
    /// Reads and starts nothing for this long, or until the broker stops.
    pub(super) fn mute(&mut self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let info = Arc::clone(&self.info);
        let before = self.muted.take();
        self.muted = Some(Box::pin(async move {
            let over = tokio::time::sleep(time);
            tokio::select! {
                () = over => {}
                () = info.slot.until_shut() => return,
            }
            if let Some(before) = before {
                before.await;
            }
        }));
    }

    pub(super) fn is_muted(&mut self, cx: &mut Context<'_>) -> bool {
        let is_muted = self.muted.as_mut().is_some_and(|muted| muted.as_mut().poll(cx).is_pending());
        if !is_muted {
            self.muted = None;
        }
        is_muted
    }
}
