//! The brokers as the metadata have them: who may be in sync, who lives.

use std::collections::BTreeMap;

use base::BrokerId;
use metadata::MetadataImage;
use replica::Brokers;

/// What partitions must know of other brokers.
#[derive(Debug, Default)]
pub(crate) struct KnownBrokers(BTreeMap<BrokerId, Known>);

#[derive(Clone, Copy, Debug)]
struct Known {
    epoch: i64,
    is_active: bool,
    is_fenced: bool,
}

impl KnownBrokers {
    /// As of an image.
    pub fn of(image: &MetadataImage) -> Self {
        let known = image.brokers().values().map(|broker| {
            let known =
                Known { epoch: broker.epoch, is_active: broker.is_active(), is_fenced: broker.fenced };
            (BrokerId(broker.id), known)
        });
        Self(known.collect())
    }

    /// Whether a broker is registered and not fenced.
    pub fn is_live(&self, broker: BrokerId) -> bool {
        self.0.get(&broker).is_some_and(|known| !known.is_fenced)
    }
}

impl Brokers for KnownBrokers {
    fn eligible_epoch(&self, broker: BrokerId) -> Option<i64> {
        self.0.get(&broker).filter(|known| known.is_active).map(|known| known.epoch)
    }
}
