//! A batch as it lies in a file: read from its first 61 bytes, or whole with its CRC.

use records::{Batch, BatchHeader, HEADER_SIZE, MAGIC};

/// Reads the header at the start of `bytes`; the batch itself may be longer than `bytes`.
pub(crate) fn header(bytes: &[u8]) -> Result<BatchHeader, &'static str> {
    let header = BatchHeader::parse(bytes).ok_or("fewer than 61 bytes are left")?;
    if header.magic != MAGIC {
        return Err("the magic is not 2");
    }
    if header.size() < HEADER_SIZE {
        return Err("the batch length is below the header's");
    }
    if header.base_offset.0 < 0 || header.last_offset_delta < 0 {
        return Err("an offset is negative");
    }
    if header.base_offset.0.checked_add(i64::from(header.last_offset_delta) + 1).is_none() {
        return Err("the last offset overflows");
    }
    Ok(header)
}

/// Reads the batch at the start of `bytes` and checks that all of it is there and its CRC right.
pub(crate) fn whole(bytes: &[u8]) -> Result<Batch<'_>, &'static str> {
    header(bytes)?;
    let batch = Batch::parse(bytes).map_err(|_| "the batch is cut off")?;
    batch.check_crc().map_err(|_| "the CRC does not match")?;
    Ok(batch)
}

/// `sequence` moved on by `delta`, wrapping behind `i32::MAX` to 0 as Kafka has it.
pub(crate) fn sequence_plus(sequence: i32, delta: i32) -> i32 {
    (i64::from(sequence) + i64::from(delta)).rem_euclid(1 << 31) as i32
}
