//! One pass over the records of a batch, keys and values skipped: what validation and look-ups by timestamp need.
//!
//! The bytes come a window at a time out of the decoder, so that a compressed batch is never held whole. A record that lies
//! inside one window is read from the slice; one that crosses windows, byte by byte.

use core::ops::ControlFlow;

use crate::compression::Stream;
use crate::varint::{Input, SliceInput, read_i32, read_i64};
use crate::{BatchHeader, DecompressError, Malformed};

/// What a walk learns of one record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    /// To be added to the batch's base timestamp.
    pub timestamp_delta: i64,
    /// To be added to the batch's base offset.
    pub offset_delta: i32,
    /// Whether the key is not null.
    pub has_key: bool,
}

/// Why a walk ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WalkError {
    /// The codec refused.
    Decompress(DecompressError),
    /// The records are none.
    Malformed(Malformed),
}

/// What is wrong inside one record, before its index is known.
enum Fault {
    Decompress(DecompressError),
    Malformed(&'static str),
}

impl From<DecompressError> for Fault {
    fn from(error: DecompressError) -> Self {
        Self::Decompress(error)
    }
}

impl From<core::convert::Infallible> for Fault {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}

/// Shows each record of the batch under `header`, whose records `stream` yields, to `visit`, with its index.
///
/// Unless `visit` breaks off, the stream holds exactly the records that the header counts when this returns `Ok`.
pub(crate) fn walk(
    header: &BatchHeader,
    stream: &mut Stream<'_>,
    mut visit: impl FnMut(i32, Shape) -> ControlFlow<()>,
) -> Result<(), WalkError> {
    for index in 0..header.records_count {
        let shape = next_record(stream).map_err(|fault| place(fault, index))?;
        if visit(index, shape).is_break() {
            return Ok(());
        }
    }
    let last = header.records_count.saturating_sub(1);
    match stream.fill() {
        Ok([]) => Ok(()),
        Ok(_) => Err(place(Fault::Malformed("bytes are left behind the last record"), last)),
        Err(error) => Err(WalkError::Decompress(error)),
    }
}

fn place(fault: Fault, index: i32) -> WalkError {
    match fault {
        Fault::Decompress(error) => WalkError::Decompress(error),
        Fault::Malformed(what) => WalkError::Malformed(Malformed { index, what }),
    }
}

#[inline]
fn next_record(stream: &mut Stream<'_>) -> Result<Shape, Fault> {
    let window = stream.fill()?;
    let mut input = SliceInput(window);
    if let Ok(Some(size)) = read_i32(&mut input) {
        let size = usize::try_from(size).map_err(|_| Fault::Malformed("bad length"))?;
        let before = window.len() - input.0.len();
        if let Some(body) = input.take(size) {
            let shape = whole_record(body)?;
            stream.consume(before + size);
            return Ok(shape);
        }
    }
    crossing_record(stream)
}

#[inline]
fn whole_record(body: &[u8]) -> Result<Shape, Fault> {
    let mut input = SliceInput(body);
    let shape = shape(&mut input)?;
    if input.0.is_empty() { Ok(shape) } else { Err(Fault::Malformed("bytes are left inside it")) }
}

#[cold]
fn crossing_record(stream: &mut Stream<'_>) -> Result<Shape, Fault> {
    let mut input = Counted { stream, left: usize::MAX };
    let size = read_i32(&mut input)?.and_then(|size| usize::try_from(size).ok());
    input.left = size.ok_or(Fault::Malformed("bad length"))?;
    let shape = shape(&mut input)?;
    if input.left == 0 { Ok(shape) } else { Err(Fault::Malformed("bytes are left inside it")) }
}

/// A stream of which only `left` more bytes may be read.
struct Counted<'s, 'a> {
    stream: &'s mut Stream<'a>,
    left: usize,
}

impl Input for Counted<'_, '_> {
    type Error = DecompressError;

    fn byte(&mut self) -> Result<Option<u8>, DecompressError> {
        if self.left == 0 {
            return Ok(None);
        }
        let first = self.stream.fill()?.first().copied();
        if first.is_some() {
            self.stream.consume(1);
            self.left -= 1;
        }
        Ok(first)
    }

    fn skip(&mut self, count: usize) -> Result<bool, DecompressError> {
        if count > self.left {
            return Ok(false);
        }
        let mut missing = count;
        while missing > 0 {
            let step = self.stream.fill()?.len().min(missing);
            if step == 0 {
                return Ok(false);
            }
            self.stream.consume(step);
            missing -= step;
        }
        self.left -= count;
        Ok(true)
    }
}

#[inline]
fn shape<I: Input>(input: &mut I) -> Result<Shape, Fault>
where
    Fault: From<I::Error>,
{
    input.byte()?.ok_or(Fault::Malformed("no attributes"))?;
    let timestamp_delta = read_i64(input)?.ok_or(Fault::Malformed("bad timestamp delta"))?;
    let offset_delta = read_i32(input)?.ok_or(Fault::Malformed("bad offset delta"))?;
    let has_key = skip_field(input, "bad key")?;
    skip_field(input, "bad value")?;
    let headers = read_i32(input)?.filter(|count| *count >= 0);
    for _ in 0..headers.ok_or(Fault::Malformed("bad count of headers"))? {
        if !skip_field(input, "bad header key")? {
            return Err(Fault::Malformed("null header key"));
        }
        skip_field(input, "bad header value")?;
    }
    Ok(Shape { timestamp_delta, offset_delta, has_key })
}

/// Steps over a field behind its length; says whether it is there (`false`: null).
#[inline]
fn skip_field<I: Input>(input: &mut I, what: &'static str) -> Result<bool, Fault>
where
    Fault: From<I::Error>,
{
    let Ok(size) = usize::try_from(read_i32(input)?.ok_or(Fault::Malformed(what))?) else { return Ok(false) };
    if input.skip(size)? { Ok(true) } else { Err(Fault::Malformed(what)) }
}
