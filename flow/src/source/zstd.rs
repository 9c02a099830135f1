//! What is packed by zstd, frame after frame.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Reads the frames of `R` as one, comparing the sum of each that has one.
pub(super) struct Frames<R> {
    input: BufReader<R>,
    decoder: FrameDecoder,
    /// Whether a frame has begun and not come to its end.
    inside: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(input: R) -> Self {
        let input = BufReader::with_capacity(64 * 1024, input);
        Self { input, decoder: FrameDecoder::new(), inside: false }
    }

    /// Begins the next frame with data, if there is one.
    fn begin(&mut self) -> io::Result<()> {
        while !self.inside && !self.input.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.input) {
                Ok(()) => self.inside = true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.input).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(damaged(error)),
            }
        }
        Ok(())
    }

    /// The frame is over.
    fn end(&mut self) -> io::Result<()> {
        self.inside = false;
        let (said, is) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if said.is_some() && said != is {
            return Err(damaged("the checksum of a frame does not fit what is in it"));
        }
        Ok(())
    }
}

fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            self.begin()?;
            if !self.inside {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.input, one).map_err(damaged)?;
            }
            let read = self.decoder.read(into)?;
            if self.decoder.is_finished() && self.decoder.can_collect() == 0 {
                self.end()?;
            }
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Frames::new(packed).read_to_end(&mut all).map(|_| all)
    }

    #[test]
    fn frames_are_read_as_one_and_those_without_data_are_skipped() {
        let frame = |text: &[u8]| compress_to_vec(text, CompressionLevel::Fastest);
        let skipped = [&0x184D_2A50_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
        let long = vec![b'x'; 1_000_000];
        let packed = [frame(b"one\n"), skipped, frame(b""), frame(&long)].concat();
        assert_eq!(unpacked(&packed).unwrap(), [&b"one\n"[..], &long].concat());
        assert_eq!(unpacked(b"").unwrap(), b"");
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_an_error() {
        let mut packed = compress_to_vec(&b"some text that is long enough"[..], CompressionLevel::Fastest);
        assert!(unpacked(&packed[..packed.len() - 6]).is_err());
        let last = packed.len() - 1;
        packed[last] ^= 1;
        let error = unpacked(&packed).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        assert!(unpacked(b"no zstd at all").is_err());
    }
}
