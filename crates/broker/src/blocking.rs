//! Work that takes the disk's time, where it holds up nobody else: connections and fetchers share few threads.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does it here, after what else waits for this thread went to another one.
pub(crate) fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // No runtime, or one that nothing else could go to.
        _ => work(),
    }
}
