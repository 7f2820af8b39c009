//! What is asked of batches before they are ordered, beyond what every batch must be.
//!
//! Checks run one after the other, each may wait for others (a transaction's coordinator, a schema registry), and any may refuse. Who
//! embeds a broker brings them ([`Checks`]): validation of records by schema is one.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use records::ValidBatches;
use wire::ErrorCode;

use super::Partition;

/// The verdict on some batches, perhaps later.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

/// Why batches are refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Kafka's error.
    pub error: ErrorCode,
    /// What to tell the client beside it.
    pub message: Option<String>,
    /// What is wrong with single records, by their place in the batch.
    pub records: Vec<(i32, String)>,
}

/// Something that looks at batches of clients before they get their offsets.
pub trait Check: Send + Sync + Debug {
    /// Judges batches that are on their way to a partition. Later requests of the same connection wait for it.
    fn judge<'a>(&'a self, partition: &'a Partition, batches: &'a ValidBatches) -> Verdict<'a>;
}

/// Makes the checks that a topic's configs ask for.
pub trait Checks: Send + Sync + Debug {
    /// The checks of a topic; `config` tells what is configured under a name.
    fn of_topic(&self, config: &dyn Fn(&str) -> Option<String>) -> Vec<Arc<dyn Check>>;
}

/// Runs all checks; the first refusal counts.
pub(crate) async fn verify(
    checks: &[Arc<dyn Check>],
    partition: &Partition,
    batches: &ValidBatches,
) -> Result<(), Refusal> {
    for check in checks {
        check.judge(partition, batches).await?;
    }
    Ok(())
}
