//! A connection that is refused ends after the answers to what came before: those are in the log, or done, whatever came behind them.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::{Connection, End};

/// How long those answers may take.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Why it ends, and when at the latest.
pub(super) struct Ending {
    why: Option<End>,
    latest: Pin<Box<Sleep>>,
}

impl Connection {
    /// Ends at once, with the reason given, or first lets the answers leave that stand before it.
    pub(super) fn end_after_answers(&mut self, end: End) -> Option<End> {
        self.held = None;
        if !matches!(end, End::Refused(_)) || self.ending.is_some() || self.is_quiet() {
            return Some(self.ending.take().and_then(|ending| ending.why).unwrap_or(end));
        }
        self.ending = Some(Ending { why: Some(end), latest: Box::pin(sleep(LAST_ANSWERS)) });
        None
    }

    /// Lets answers leave; nothing is read or started any more.
    pub(super) fn poll_ending(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let moved = self.poll_running(cx)? | self.poll_replies(cx)? | self.poll_write(cx)?;
        let is_late = self.ending.as_mut().is_some_and(|ending| ending.latest.as_mut().poll(cx).is_ready());
        if is_late || self.is_quiet() {
            return Err(End::Closed);
        }
        Ok(moved)
    }
}
