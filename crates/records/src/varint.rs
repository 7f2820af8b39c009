//! Variable-length integers inside records: zigzag, then groups of seven bits, the lowest first.
//!
//! As Kafka reads them: at most 5 bytes (32 bits) or 10 bytes (64 bits); bits above the type's width are ignored, a longer
//! chain is malformed.

/// What a record's fields are read from: a slice, or a window over a decoder.
pub(crate) trait Input {
    /// What can go wrong below the records.
    type Error;
    /// The next byte; `Ok(None)` at the end.
    fn byte(&mut self) -> Result<Option<u8>, Self::Error>;
    /// Steps over `count` bytes; `false` when fewer are left.
    fn skip(&mut self, count: usize) -> Result<bool, Self::Error>;
}

/// A slice, read from the front. It cannot fail, only end.
pub(crate) struct SliceInput<'a>(pub &'a [u8]);

impl<'a> SliceInput<'a> {
    /// The next `count` bytes; `None` when fewer are left.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }
}

impl Input for SliceInput<'_> {
    type Error = core::convert::Infallible;

    #[inline]
    fn byte(&mut self) -> Result<Option<u8>, Self::Error> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
        self.0 = rest;
        Ok(Some(*first))
    }

    #[inline]
    fn skip(&mut self, count: usize) -> Result<bool, Self::Error> {
        match self.0.get(count..) {
            Some(rest) => {
                self.0 = rest;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// A 32-bit number; `Ok(None)` when the input ends or the chain is too long.
#[inline]
pub(crate) fn read_i32<I: Input>(input: &mut I) -> Result<Option<i32>, I::Error> {
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let Some(byte) = input.byte()? else { return Ok(None) };
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(Some((value >> 1) as i32 ^ -((value & 1) as i32)));
        }
    }
    Ok(None)
}

/// A 64-bit number; `Ok(None)` when the input ends or the chain is too long.
#[inline]
pub(crate) fn read_i64<I: Input>(input: &mut I) -> Result<Option<i64>, I::Error> {
    let mut value = 0_u64;
    for shift in [0, 7, 14, 21, 28, 35, 42, 49, 56, 63] {
        let Some(byte) = input.byte()? else { return Ok(None) };
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(Some((value >> 1) as i64 ^ -((value & 1) as i64)));
        }
    }
    Ok(None)
}

/// Appends `value`; a 32-bit number has the same form.
pub(crate) fn write(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// How many bytes [`write`] appends for `value`.
pub(crate) fn size(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_have_the_announced_size() {
        for value in
            [0, -1, 1, 63, -64, 64, 8191, 8192, i64::from(i32::MAX), i64::from(i32::MIN), i64::MAX, i64::MIN]
        {
            let mut bytes = Vec::new();
            write(&mut bytes, value);
            assert_eq!(bytes.len(), size(value), "{value}");
            assert_eq!(read_i64(&mut SliceInput(&bytes)), Ok(Some(value)));
            let small = i32::try_from(value).ok();
            if small.is_some() {
                assert_eq!(read_i32(&mut SliceInput(&bytes)), Ok(small));
            }
        }
    }

    #[test]
    fn endless_chains_and_short_input_are_malformed() {
        assert_eq!(read_i32(&mut SliceInput(&[0xff; 5])), Ok(None));
        assert_eq!(read_i64(&mut SliceInput(&[0xff; 10])), Ok(None));
        assert_eq!(read_i32(&mut SliceInput(&[0x80])), Ok(None));
        assert_eq!(read_i32(&mut SliceInput(&[])), Ok(None));
    }
}
