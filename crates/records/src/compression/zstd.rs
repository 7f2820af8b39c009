//! Zstandard: any number of frames, windows up to 128 MiB as the Java library reads them.

use std::cell::Cell;

use zstd::zstd_safe::{
    CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, compress_bound,
    get_frame_content_size,
};

use super::stream::{PIECE, space};
use super::{CompressionType, DecompressError};

/// Log₂ of the largest window a frame may ask for.
const WINDOW_LOG_MAX: u32 = 27;
/// Batches of up to this many bytes are decoded at once, into the window itself: a stream copies every byte once more.
const AT_ONCE_MAX: usize = 1024 * 1024;
/// What is tried at once where a frame does not tell its size: as many bytes for one, within bounds.
const EXPANSION_GUESS: usize = 4;
/// A thread keeps a context between batches up to this size.
const KEPT_MAX: usize = 8 * 1024 * 1024;

thread_local! {
    static ENCODER: Cell<Option<CCtx<'static>>> = const { Cell::new(None) };
    static DECODER: Cell<Option<DCtx<'static>>> = const { Cell::new(None) };
}

pub(super) fn compress(level: i32, input: &[u8], out: &mut Vec<u8>) {
    let mut context = ENCODER.take().unwrap_or_default();
    let at = out.len();
    let space = space(out, at, compress_bound(input.len()));
    let written = context
        .set_parameter(CParameter::CompressionLevel(level))
        .and_then(|_| context.compress2(space, input));
    out.truncate(at + written.expect("the buffer has the size that the encoder asks for"));
    if context.sizeof() <= KEPT_MAX {
        ENCODER.set(Some(context));
    }
}

pub(super) struct Decoder<'a> {
    context: Option<DCtx<'static>>,
    input: InBuffer<'a>,
    inside_frame: bool,
}

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        let context = DECODER.take().unwrap_or_else(|| {
            let mut context = DCtx::create();
            // Only an absurd value is refused, and then the library's own default, the same 27, stays.
            let _ = context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX));
            context
        });
        Self { context: Some(context), input: InBuffer::around(input), inside_frame: false }
    }

    pub fn next(&mut self, out: &mut Vec<u8>, at: usize) -> Result<usize, DecompressError> {
        if self.input.pos() == 0
            && at == 0
            && let Some(written) = self.at_once(out)
        {
            return Ok(written);
        }
        let Some(context) = &mut self.context else { return Ok(0) };
        loop {
            let at_end = self.input.pos() == self.input.src.len();
            if at_end && !self.inside_frame {
                return Ok(0);
            }
            let mut piece = OutBuffer::around(space(out, at, PIECE));
            let hint =
                context.decompress_stream(&mut piece, &mut self.input).map_err(|_| corrupt("bad frame"))?;
            self.inside_frame = hint != 0;
            match piece.pos() {
                0 if at_end && self.inside_frame => return Err(corrupt("it ends too early")),
                0 => {}
                written => return Ok(written),
            }
        }
    }
}

impl<'a> Decoder<'a> {
    /// All of the input in one go; `None` if it does not fit, or is not right, which the stream then tells precisely.
    fn at_once(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        let input: &'a [u8] = self.input.src;
        let told = get_frame_content_size(input).ok().flatten().map(usize::try_from);
        let size = match told {
            Some(size) => size.ok().filter(|size| *size <= AT_ONCE_MAX)?,
            None => input.len().saturating_mul(EXPANSION_GUESS).clamp(PIECE, AT_ONCE_MAX),
        };
        let written = self.context.as_mut()?.decompress(space(out, 0, size), input).ok()?;
        if written == 0 {
            return None;
        }
        self.input.set_pos(input.len());
        Some(written)
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        let Some(mut context) = self.context.take() else { return };
        if context.sizeof() <= KEPT_MAX && context.reset(ResetDirective::SessionOnly).is_ok() {
            DECODER.set(Some(context));
        }
    }
}

fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: CompressionType::Zstd, what }
}
