//! The fence of a log directory: once the disk has failed, nothing is acknowledged from it any more.

use std::sync::{Arc, OnceLock};

use crate::error::{LogError, Result};

/// Set once, by the first failed sync or write; never taken back within a process.
///
/// The kernel may have dropped the dirty pages of a failed sync, so that a second, successful one proves nothing.
#[derive(Debug, Default)]
pub struct Fence(OnceLock<Arc<str>>);

impl Fence {
    /// A directory in order.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Fails when the directory is fenced.
    pub fn check(&self) -> Result<()> {
        self.0.get().map_or(Ok(()), |reason| Err(LogError::Fenced(Arc::clone(reason))))
    }

    /// Why it is fenced, if it is.
    pub fn reason(&self) -> Option<&str> {
        self.0.get().map(|reason| &**reason)
    }

    /// Fences the directory; the first reason stays.
    pub fn fence(&self, reason: &str) {
        let _ = self.0.set(reason.into());
    }

    /// Passes the result on, and fences the directory if it is a failure of the disk.
    pub(crate) fn guard<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && error.is_storage_failure()
        {
            self.fence(&error.to_string());
        }
        result
    }
}
