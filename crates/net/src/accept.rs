//! What follows `accept`: which errors pause accepting, and how an accepted socket is set.

use std::io;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::TcpStream;

/// How long to leave the listener alone after an error of `accept`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AcceptPause {
    /// The one connection failed; the next may succeed at once.
    None,
    /// The process or the machine has run out of descriptors or memory: asking again at once would spin.
    For(Duration),
}

/// Sorts an error of `accept`.
pub fn accept_error_pause(error: &io::Error) -> AcceptPause {
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    match Errno::from_io_error(error) {
        Some(errno) if exhausted.contains(&errno) => AcceptPause::For(Duration::from_millis(100)),
        _ => AcceptPause::None,
    }
}

/// Sets what Kafka sets on an accepted socket: no Nagle delay, keep-alive probes, and buffers of the sizes asked for.
pub fn tune_accepted(
    stream: &TcpStream,
    send_buffer_bytes: Option<usize>,
    receive_buffer_bytes: Option<usize>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    socket.set_keepalive(true)?;
    send_buffer_bytes.map_or(Ok(()), |bytes| socket.set_send_buffer_size(bytes))?;
    receive_buffer_bytes.map_or(Ok(()), |bytes| socket.set_recv_buffer_size(bytes))
}
