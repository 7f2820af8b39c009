//! Which segments become one: as many neighbours as fit, so that a log of many small clean segments does not stay one.

/// What grouping must know of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Weight {
    pub base_offset: i64,
    pub bytes: u64,
    pub index_bytes: u64,
    pub time_index_bytes: u64,
}

/// What a segment may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Room {
    pub bytes: u64,
    pub index_bytes: u64,
    /// The first offset behind all segments.
    pub end: i64,
}

/// The number of segments of each group, in order; one that is too large by itself is a group of its own.
pub(super) fn group(segments: &[Weight], room: Room) -> Vec<usize> {
    let mut groups = Vec::new();
    let mut rest = segments;
    while let Some((first, others)) = rest.split_first() {
        let mut sum = *first;
        let mut count = 1;
        for (place, next) in others.iter().enumerate() {
            let end = others.get(place + 1).map_or(room.end, |behind| behind.base_offset);
            if !fits(&sum, next, end, room) {
                break;
            }
            sum.bytes += next.bytes;
            sum.index_bytes += next.index_bytes;
            sum.time_index_bytes += next.time_index_bytes;
            count += 1;
        }
        groups.push(count);
        rest = segments.get(groups.iter().sum()..).unwrap_or_default();
    }
    groups
}

/// Whether `next`, whose offsets end before `end`, may be added to a group.
fn fits(sum: &Weight, next: &Weight, end: i64, room: Room) -> bool {
    sum.bytes + next.bytes <= room.bytes
        && sum.index_bytes + next.index_bytes <= room.index_bytes
        && sum.time_index_bytes + next.time_index_bytes <= room.index_bytes
        && (next.bytes == 0 || end - 1 - sum.base_offset <= i64::from(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(list: &[(i64, u64, u64)]) -> Vec<Weight> {
        list.iter()
            .map(|(base_offset, bytes, index)| Weight {
                base_offset: *base_offset,
                bytes: *bytes,
                index_bytes: *index,
                time_index_bytes: index / 2,
            })
            .collect()
    }

    #[test]
    fn neighbours_join_as_long_as_they_fit() {
        let far = i64::from(i32::MAX);
        for (name, list, expected) in [
            ("none", vec![], vec![]),
            ("all fit", vec![(0, 10, 1), (10, 20, 1), (20, 70, 1)], vec![3]),
            ("one byte too many", vec![(0, 10, 1), (10, 20, 1), (20, 71, 1)], vec![2, 1]),
            ("each too large", vec![(0, 500, 1), (10, 500, 1)], vec![1, 1]),
            ("indexes too large", vec![(0, 1, 6), (10, 1, 6), (20, 1, 4)], vec![1, 2]),
            ("offsets too far apart", vec![(0, 1, 1), (100, 1, 1), (far + 2, 1, 1)], vec![1, 2]),
            ("empty ones may lie far", vec![(0, 1, 1), (100, 0, 1), (far + 2, 0, 1)], vec![3]),
        ] {
            let end = list.last().map_or(0, |(base, ..)| base + 1);
            let room = Room { bytes: 100, index_bytes: 10, end };
            assert_eq!(group(&weights(&list), room), expected, "{name}");
        }
    }
}
