//! The high watermark: what every in-sync replica has made durable.

use base::Offset;

/// The smallest durable end among the leader's own and those of the other in-sync replicas.
pub(crate) fn high_watermark(own_durable_end: Offset, others: &[Offset]) -> Offset {
    others.iter().copied().fold(own_durable_end, Offset::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_replica_decides() {
        for (own, others, expected) in
            [(5, vec![], 5), (5, vec![7, 9], 5), (5, vec![7, 3], 3), (0, vec![7], 0)]
        {
            let others: Vec<_> = others.into_iter().map(Offset).collect();
            assert_eq!(high_watermark(Offset(own), &others), Offset(expected));
        }
    }
}
