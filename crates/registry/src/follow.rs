//! Following the log.

use std::time::Duration;

use tokio::sync::watch;

use crate::log::SchemasReader;
use crate::service::Registry;

/// How long a broken reader rests before it begins again.
const READ_PAUSE: Duration = Duration::from_millis(200);

/// Follows the log until the registry is gone.
pub(crate) async fn follow(
    registry: std::sync::Weak<Registry>,
    mut reader: Box<dyn SchemasReader>,
    mut closed: watch::Receiver<bool>,
) {
    loop {
        let read = tokio::select! {
            read = reader.next() => read,
            _ = closed.wait_for(|closed| *closed) => return,
        };
        let Some(registry) = registry.upgrade() else { return };
        match read {
            Ok((entries, next)) => registry.replay(entries, next),
            Err(error) => {
                tracing::warn!(error = %error.reason, "the registry cannot read its log; it tries again");
                drop(registry);
                tokio::time::sleep(READ_PAUSE).await;
            }
        }
    }
}
