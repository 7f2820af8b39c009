//! From an id to its partition in a coordinator's topic, as Kafka computes it: Java's hash of the text, modulo the count.

/// Java's `String.hashCode`: over UTF-16 units, wrapping at 32 bits.
pub(crate) fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The partition of `__consumer_offsets` (or `__transaction_state`) that keeps the state of `id`.
///
/// `partitions` is the topic's partition count; a topic without partitions yields 0.
pub fn partition_of(id: &str, partitions: i32) -> i32 {
    // Kafka clears the sign of the smallest integer to 0 rather than overflowing.
    java_hash(id).checked_abs().unwrap_or(0).checked_rem(partitions).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_java_does() {
        let table = [
            ("", 0),
            ("a", 97),
            ("hello", 99_162_322),
            ("polygenelubricants", i32::MIN),
            ("\u{1F30A}", 1_773_134),
        ];
        for (text, expected) in table {
            assert_eq!(java_hash(text), expected, "{text}");
        }
    }

    #[test]
    fn stays_within_the_topic() {
        for (id, partitions, expected) in
            [("polygenelubricants", 50, 0), ("a", 50, 47), ("a", 1, 0), ("a", 0, 0)]
        {
            assert_eq!(partition_of(id, partitions), expected, "{id}");
        }
    }
}
