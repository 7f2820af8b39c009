//! The iteration order of Java's hash maps.
//!
//! Some results of Java's sticky assignors depend on the order in which a `HashMap` hands out member ids. A group whose leader
//! changes between implementations keeps its assignment only if every leader computes the same one, so the order is computed
//! here: buckets ascend, entries of one bucket stand in the order in which they came.

use std::cmp::Ordering;

/// Java's `String.hashCode`: over UTF-16 units, wrapping.
pub(super) fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// Java's `TopicPartition.hashCode`.
pub(super) fn partition_hash(topic: &str, partition: i32) -> i32 {
    31i32.wrapping_add(partition).wrapping_mul(31).wrapping_add(string_hash(topic))
}

/// Java's `String.compareTo`: by UTF-16 units, which differs from the order of UTF-8 bytes above U+D7FF.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// The number of buckets of a default `HashMap` that holds `entries`.
fn buckets(entries: usize) -> u32 {
    let mut capacity = 16u32;
    while entries > (capacity as usize / 4) * 3 {
        capacity = capacity.saturating_mul(2);
    }
    capacity
}

/// The bucket of `hash` in a table of `capacity` (a power of two).
fn bucket(hash: i32, capacity: u32) -> u32 {
    let hash = hash as u32;
    (hash ^ (hash >> 16)) & (capacity - 1)
}

/// The items in the order in which a `HashMap` iterates that received them in the given order and grew from its default size.
pub(super) fn hash_order<T>(mut items: Vec<T>, hash: impl Fn(&T) -> i32) -> Vec<T> {
    let capacity = buckets(items.len());
    items.sort_by_key(|item| bucket(hash(item), capacity));
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_hash_as_in_java() {
        // As a JVM's `String.hashCode` gave them; the last one is two UTF-16 units.
        for (text, hash) in [
            ("", 0),
            ("a", 97),
            ("consumer-1", -166_239_206),
            ("topic", 110_546_223),
            ("sensor-é", 1_262_113_686),
            ("😀", 1_772_899),
        ] {
            assert_eq!(string_hash(text), hash, "{text}");
        }
    }
}
