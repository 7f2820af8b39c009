//! Answers on their way out: ropes in order, written vectored, file pieces read only as the peer takes them.
//!
//! A peer that does not read holds references to memory and files, and one chunk at most of bytes read for it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Bytes;
use tokio::net::TcpStream;
use wire::{FileSlice, Rope, Segment};

/// The most pieces one write takes.
const SLICES_MAX: usize = 64;
/// File pieces are read in chunks of this size.
const FILE_CHUNK_BYTES: usize = 256 * 1024;
/// What one connection may write before others have their turn: without that, a peer that takes tens of megabytes, or whose socket
/// has room for some, holds a thread for as long as copying them takes.
const TURN_BYTES: usize = 256 * 1024;

/// How far a write came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteProgress {
    /// Everything is written.
    Done,
    /// The peer takes no more for now.
    Blocked,
    /// The peer takes more, but others have waited long enough.
    Paused,
}

/// Ropes to be written, each with a mark that comes back when its last byte has been.
#[derive(Debug)]
pub struct Outgoing<T> {
    ropes: VecDeque<(Rope, T)>,
    /// What is left of them.
    bytes: usize,
    sent: VecDeque<T>,
    /// What was read from the file piece at the front, and not written yet.
    chunk: Bytes,
}

impl<T> Default for Outgoing<T> {
    fn default() -> Self {
        Self { ropes: VecDeque::new(), bytes: 0, sent: VecDeque::new(), chunk: Bytes::new() }
    }
}

impl<T> Outgoing<T> {
    /// Adds a rope behind those that wait.
    pub fn push(&mut self, rope: Rope, mark: T) {
        self.bytes += rope.len();
        match rope.is_empty() && self.ropes.is_empty() {
            true => self.sent.push_back(mark),
            false => self.ropes.push_back((rope, mark)),
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.ropes.is_empty()
    }

    /// The bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The mark of the next rope that has been written in full.
    pub fn pop_sent(&mut self) -> Option<T> {
        self.sent.pop_front()
    }

    /// Gives memory back; for a connection about to idle.
    pub fn release(&mut self) {
        if self.ropes.is_empty() {
            *self = Self { sent: std::mem::take(&mut self.sent), ..Self::default() };
        }
    }

    /// Writes until all is written, the peer takes no more, or enough was written for one turn.
    pub fn write(&mut self, stream: &TcpStream) -> io::Result<WriteProgress> {
        let mut left = TURN_BYTES;
        while !self.ropes.is_empty() {
            if left == 0 {
                return Ok(WriteProgress::Paused);
            }
            self.load_file_piece()?;
            match self.write_once(stream, left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    left = left.saturating_sub(written);
                    self.advance(written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(WriteProgress::Blocked),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(WriteProgress::Done)
    }

    fn front_file(&self) -> Option<&FileSlice> {
        match self.ropes.front()?.0.segments().next()? {
            Segment::File(slice) => Some(slice),
            Segment::Bytes(_) => None,
        }
    }

    fn load_file_piece(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            return Ok(());
        }
        let Some(slice) = self.front_file() else { return Ok(()) };
        let chunk = FileSlice { len: slice.len.min(FILE_CHUNK_BYTES), ..slice.clone() };
        self.chunk = chunk.read().map_err(io::Error::other)?;
        Ok(())
    }

    /// One vectored write of what is in memory at the front, `most` bytes of it and what is left of a chunk.
    fn write_once(&self, stream: &TcpStream, most: usize) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let mut count = 0;
        let file_at_front = !self.chunk.is_empty();
        let mut segments = self.ropes.iter().flat_map(|(rope, _)| rope.segments());
        if file_at_front {
            // Behind a chunk comes the rest of its file piece, which is not in memory unless the chunk is all of it.
            let whole = segments.next().is_some_and(|piece| piece.len() == self.chunk.len());
            if let Some(slot) = slices.first_mut() {
                *slot = IoSlice::new(&self.chunk);
            }
            if !whole {
                return stream.try_write(&self.chunk);
            }
            count = 1;
        }
        let in_memory = segments.map_while(|segment| match segment {
            Segment::Bytes(bytes) => Some(bytes),
            Segment::File(_) => None,
        });
        let mut left = most;
        for (slot, bytes) in slices.iter_mut().skip(count).zip(in_memory) {
            let piece = bytes.get(..left.min(bytes.len())).unwrap_or_default();
            if piece.is_empty() && left == 0 {
                break;
            }
            *slot = IoSlice::new(piece);
            left -= piece.len();
            count += 1;
        }
        stream.try_write_vectored(slices.get(..count).unwrap_or_default())
    }

    fn advance(&mut self, mut written: usize) {
        let from_chunk = written.min(self.chunk.len());
        drop(self.chunk.split_to(from_chunk));
        while let Some((rope, _)) = self.ropes.front_mut() {
            let step = written.min(rope.len());
            rope.advance(step);
            self.bytes -= step;
            written -= step;
            if !rope.is_empty() {
                return;
            }
            if let Some((_, mark)) = self.ropes.pop_front() {
                self.sent.push_back(mark);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use wire::{FileSource, ReadFailed};

    #[derive(Debug)]
    struct Memory(Vec<u8>);

    impl FileSource for Memory {
        fn read_exact_at(&self, position: u64, into: &mut [u8]) -> Result<(), ReadFailed> {
            let start = usize::try_from(position).unwrap();
            into.copy_from_slice(self.0.get(start..start + into.len()).ok_or(ReadFailed)?);
            Ok(())
        }
    }

    #[tokio::test]
    async fn memory_and_file_pieces_arrive_in_order_through_a_slow_reader() {
        let file: Vec<u8> = (0..3 * FILE_CHUNK_BYTES + 17).map(|n| (n % 251) as u8).collect();
        let source: Arc<dyn FileSource> = Arc::new(Memory(file.clone()));
        let piece = |position, len| Segment::File(FileSlice { source: source.clone(), position, len });
        let mut outgoing = Outgoing::default();
        let mut expected = vec![9; 5 * TURN_BYTES + 1];
        outgoing.push(Rope::from(Bytes::from(expected.clone())), 9);
        for round in 0..3_u8 {
            let mut rope = Rope::from(Bytes::from(vec![round; 1000]));
            rope.push(piece(5, file.len() - 5));
            rope.push(piece(0, 10));
            rope.push(Segment::Bytes(Bytes::from_static(b"end")));
            outgoing.push(rope, round);
            expected.extend(vec![round; 1000]);
            expected.extend_from_slice(&file[5..]);
            expected.extend_from_slice(&file[..10]);
            expected.extend_from_slice(b"end");
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reader = tokio::spawn(async move {
            let mut received = Vec::new();
            TcpStream::connect(address).await.unwrap().read_to_end(&mut received).await.unwrap();
            received
        });
        let (stream, _) = listener.accept().await.unwrap();
        assert_eq!(outgoing.bytes(), expected.len());
        loop {
            let before = outgoing.bytes();
            let progress = outgoing.write(&stream).unwrap();
            assert!(before - outgoing.bytes() <= TURN_BYTES + FILE_CHUNK_BYTES, "a turn is bounded");
            if progress == WriteProgress::Done {
                break;
            }
            assert!(outgoing.bytes() > 0);
            stream.writable().await.unwrap();
        }
        assert_eq!(outgoing.bytes(), 0);
        drop(stream);
        assert!(reader.await.unwrap() == expected);
        assert_eq!(std::iter::from_fn(|| outgoing.pop_sent()).collect::<Vec<_>>(), [9, 0, 1, 2]);
    }
}
