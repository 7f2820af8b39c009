//! Following the log, and what becomes of records that lost.

use std::time::Duration;

use tokio::sync::watch;

use crate::log::SchemasReader;
use crate::record::{Key, Record, SchemaValue};
use crate::service::Registry;
use crate::store::{Live, Store};

/// How long a broken reader rests before it begins again.
const READ_PAUSE: Duration = Duration::from_millis(200);

/// The winner's record under a loser's key.
pub(crate) fn remedy(store: &Store, lost: &Record) -> Option<Record> {
    let Key::Schema { subject, version } = Key::read(&lost.key)? else { return None };
    let (number, version) = store.version(&subject, version, Live::WithDeleted)?;
    let content = version.content.as_ref().clone();
    Some(SchemaValue { id: version.id, content, deleted: version.deleted }.record(&subject, number))
}

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
            Ok((entries, next)) => {
                let lost = registry.replay(entries, next);
                if !lost.is_empty() && !registry.settings().read_only {
                    tokio::spawn(async move { registry.repair(lost).await });
                }
            }
            Err(error) => {
                tracing::warn!(error = %error.reason, "the registry cannot read its log; it tries again");
                drop(registry);
                tokio::time::sleep(READ_PAUSE).await;
            }
        }
    }
}
