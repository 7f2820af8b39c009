//! A stream whose peer takes nothing of what is written for too long, or too little all the time, is broken off: answers must not
//! wait for ever to be read.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// So many bytes a second keep a stream: waiting for a peer that takes less is not made up for.
const LEAST_RATE: u32 = 32 * 1024;

/// The stream.
pub(super) struct Patient<S> {
    inner: S,
    patience: Duration,
    /// What is left of it: waiting takes from it, and what the peer takes gives back.
    left: Duration,
    /// Set while the peer takes nothing: since when, and until when it may.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> Patient<S> {
    pub fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, left: patience, stalled: None }
    }

    /// What came of a write of which the peer took so many bytes, or an end to waiting.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<T>>,
        taken: impl Fn(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        let Poll::Ready(wrote) = wrote else {
            let left = self.left;
            let (_, end) = self.stalled.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
            ready!(end.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        };
        if let Some((since, _)) = self.stalled.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let bytes = wrote.as_ref().map_or(0, taken).min(u32::MAX as usize) as u32;
        self.left = self.patience.min(self.left + Duration::from_secs(1) * bytes / LEAST_RATE);
        Poll::Ready(wrote)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.judge(cx, wrote, |taken| *taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.judge(cx, wrote, |taken| *taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.judge(cx, flushed, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.judge(cx, closed, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    /// How much of 16 MiB a peer gets that takes so many bytes every 50 ms from who waits for 500 ms.
    async fn taken(bytes: usize) -> usize {
        let (near, mut far) = duplex(64 * 1024);
        let mut stream = Patient::new(near, Duration::from_millis(500));
        let writer = tokio::spawn(async move { stream.write_all(&vec![0; 16 * 1024 * 1024]).await });
        let (mut buffer, mut all) = (vec![0; bytes], 0);
        loop {
            match far.read(&mut buffer).await {
                Ok(1..) if writer.is_finished() => break,
                Ok(0) | Err(_) => break,
                Ok(read) => all += read,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        writer.await.expect("no panic").map_or(all, |()| usize::MAX)
    }

    #[tokio::test]
    async fn a_peer_that_takes_too_little_all_the_time_is_given_up() {
        let few = timeout(Duration::from_secs(60), taken(64)).await.expect("it is given up");
        assert!(few < 64 * 1024, "{few} bytes");
        assert_eq!(taken(1024 * 1024).await, usize::MAX);
    }
}
