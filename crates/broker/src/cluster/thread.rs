//! Threads of their own for the quorum, heartbeats and the controllers' listeners, and for the active controller: load on the broker
//! must not make it look dead.

use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// The thread. It ends when told to, or when this is dropped.
#[derive(Debug)]
pub(crate) struct Thread {
    handle: Handle,
    stop: watch::Sender<bool>,
}

impl Thread {
    /// Starts it.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, mut stopped) = watch::channel(false);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            // An error says that nobody can tell it any more.
            let _ = runtime.block_on(stopped.wait_for(|stop| *stop));
        })?;
        Ok(Self { handle, stop })
    }

    /// Where to spawn what belongs to it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends it; what it still had to do is dropped.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}
