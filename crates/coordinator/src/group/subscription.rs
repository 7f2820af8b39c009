//! The one thing a coordinator reads in a consumer's metadata: which topics it reads.
//!
//! ```text
//! ConsumerProtocolSubscription ::= version:i16 topics:[string] user_data:bytes? …
//! ```

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use super::record::bytes::{Malformed, Reader};

const TEXT_BYTES_MIN: usize = 2;

/// The topics of a subscription of any version; none when the bytes are not one.
pub(super) fn topics(metadata: Bytes) -> Option<Vec<Str>> {
    read(&mut Reader::new(metadata)).ok()
}

fn read(reader: &mut Reader) -> Result<Vec<Str>, Malformed> {
    if reader.i16()? < 0 {
        return Err(Malformed);
    }
    (0..reader.array(TEXT_BYTES_MIN)?).map(|_| reader.text()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_topics_and_refuses_the_rest() {
        let two = [0, 1, 0, 0, 0, 2, 0, 1, b'a', 0, 1, b'b', 0xff, 0xff, 0xff, 0xff];
        assert_eq!(topics(Bytes::copy_from_slice(&two)), Some(Vec::from(["a".into(), "b".into()])));
        for broken in [&[][..], &[0, 1], &[0xff, 0xff, 0, 0, 0, 0], &[0, 0, 0x7f, 0, 0, 0], &two[..9]] {
            assert_eq!(topics(Bytes::copy_from_slice(broken)), None, "{broken:?}");
        }
    }
}
