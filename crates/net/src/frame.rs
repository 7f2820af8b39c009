//! Frames cut from a byte stream.
//!
//! ```text
//! length int32 │ body, length bytes
//! ```
//!
//! Memory follows what was received, not what a peer claims: a frame's buffer starts small and doubles as bytes arrive, and an idle
//! connection holds none at all.

use bytes::{Buf, Bytes, BytesMut};

/// What is set aside for a first read.
const FIRST_READ_BYTES: usize = 16 * 1024;
/// A peer whose last frame was large gets this much at once for its next: who only claims much, and never sent it, does not.
const WHOLE_AT_ONCE_BYTES: usize = 1024 * 1024;
/// The length in front of every frame.
const PREFIX_BYTES: usize = 4;

/// A frame that no Kafka peer sends: the connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is negative.
    #[error("invalid receive (size = {0})")]
    Negative(i32),
    /// The length is above `socket.request.max.bytes`.
    #[error("invalid receive (size = {size} larger than {max})")]
    TooLarge {
        /// The length claimed.
        size: i32,
        /// The limit.
        max: usize,
    },
}

/// Bytes received and not yet taken as frames.
#[derive(Default, Debug)]
pub struct FrameBuffer {
    bytes: BytesMut,
    /// The size of the last large frame: a peer that sends bulk gets room for one frame in its next first read.
    expected: usize,
}

impl FrameBuffer {
    /// Takes the next whole frame's body, if there is one.
    pub fn next_frame(&mut self, max: usize) -> Result<Option<Bytes>, FrameError> {
        let Some(size) = self.frame_size(max)? else { return Ok(None) };
        if self.bytes.len() < PREFIX_BYTES + size {
            return Ok(None);
        }
        self.bytes.advance(PREFIX_BYTES);
        self.expected = (PREFIX_BYTES + size).min(WHOLE_AT_ONCE_BYTES);
        Ok(Some(self.bytes.split_to(size).freeze()))
    }

    /// The size of the frame at the front, if it is there whole.
    pub fn whole(&self, max: usize) -> Option<usize> {
        let size = PREFIX_BYTES + self.frame_size(max).ok()??;
        (self.bytes.len() >= size).then_some(size)
    }

    /// The body's length of the frame at the front, once its prefix is there.
    fn frame_size(&self, max: usize) -> Result<Option<usize>, FrameError> {
        let Some(prefix) = self.bytes.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let size = i32::from_be_bytes(*prefix);
        match usize::try_from(size) {
            Err(_) => Err(FrameError::Negative(size)),
            Ok(length) if length > max => Err(FrameError::TooLarge { size, max }),
            Ok(length) => Ok(Some(length)),
        }
    }

    /// Room for the next read, at least one byte of it; never more than twice what was received (and some slack).
    pub fn room(&mut self, max: usize) -> Result<&mut BytesMut, FrameError> {
        let wanted = match self.frame_size(max)? {
            None => FIRST_READ_BYTES.max(self.expected),
            Some(size) => {
                let missing = (PREFIX_BYTES + size).saturating_sub(self.bytes.len());
                missing.min(self.bytes.len().max(FIRST_READ_BYTES).max(self.expected))
            }
        };
        let wanted = wanted.max(1);
        if self.bytes.capacity() - self.bytes.len() < wanted {
            self.bytes.reserve(wanted);
        }
        Ok(&mut self.bytes)
    }

    /// How many bytes wait here.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no byte waits: between two frames.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Gives the memory back if nothing waits; for a connection about to idle.
    pub fn release(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&i32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
    }

    #[test]
    fn frames_come_out_whole_however_they_trickle_in() {
        let stream = [frame(b"one"), frame(b""), frame(&[7; 40_000])].concat();
        for step in [1, 3, 1000, stream.len()] {
            let (mut buffer, mut frames) = (FrameBuffer::default(), Vec::new());
            for chunk in stream.chunks(step) {
                buffer.room(1 << 20).unwrap().extend_from_slice(chunk);
                while let Some(body) = buffer.next_frame(1 << 20).unwrap() {
                    frames.push(body.len());
                }
            }
            assert_eq!(frames, [3, 0, 40_000], "in steps of {step}");
            buffer.release();
            assert_eq!(buffer.bytes.capacity(), 0);
        }
    }

    #[test]
    fn absurd_lengths_are_refused_before_any_memory_is_taken() {
        for (prefix, error) in [
            (-1, FrameError::Negative(-1)),
            (101, FrameError::TooLarge { size: 101, max: 100 }),
            (i32::MAX, FrameError::TooLarge { size: i32::MAX, max: 100 }),
        ] {
            let mut buffer = FrameBuffer::default();
            buffer.room(100).unwrap().extend_from_slice(&prefix.to_be_bytes());
            assert_eq!(buffer.next_frame(100), Err(error));
            assert_eq!(buffer.room(100).map(|_| ()), Err(error));
        }
    }

    #[test]
    fn a_large_claim_takes_no_memory_before_its_bytes_come() {
        let mut buffer = FrameBuffer::default();
        buffer.room(1 << 30).unwrap().extend_from_slice(&(1_i32 << 29).to_be_bytes());
        assert!(buffer.room(1 << 30).unwrap().capacity() <= 4 * FIRST_READ_BYTES);
    }

    #[test]
    fn who_sent_much_gets_room_for_as_much() {
        let mut buffer = FrameBuffer::default();
        let large = frame(&[7; 200_000]);
        buffer.room(1 << 20).unwrap().extend_from_slice(&large);
        assert!(buffer.next_frame(1 << 20).unwrap().is_some());
        buffer.release();
        assert!(buffer.room(1 << 20).unwrap().capacity() >= large.len());
    }
}
