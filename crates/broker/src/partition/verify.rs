//! What is asked of batches before they are ordered, beyond what every batch must be.
//!
//! Checks run one after the other, each may wait for others (a transaction's coordinator, a schema registry), and any may refuse. There
//! is none today: transactions and validation of records by schema bring theirs, and the produce path does not change.

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
}

/// Something that looks at batches of clients before they get their offsets.
pub trait Check: Send + Sync + Debug {
    /// Judges batches that are on their way to a partition. Later requests of the same connection wait for it.
    fn judge<'a>(&'a self, partition: &'a Partition, batches: &'a ValidBatches) -> Verdict<'a>;
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
