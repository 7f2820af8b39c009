//! The bytes' way to a broker. TCP today; TLS takes the same place, since everything above sees only readers and writers.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::{Address, CallError};

/// The receiving half.
pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// The sending half.
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Connects within `timeout`, trying every address that the host's name resolves to.
pub(super) async fn connect(address: &Address, timeout: Duration) -> Result<(Reader, Writer), CallError> {
    let unreachable = |reason: String| CallError::Unreachable { address: address.clone(), reason };
    let connecting = TcpStream::connect((address.host.as_str(), address.port));
    let stream = match tokio::time::timeout(timeout, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(_) => return Err(unreachable(format!("no connection within {timeout:?}"))),
    };
    stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
    let (reader, writer) = stream.into_split();
    Ok((Box::new(reader), Box::new(writer)))
}
