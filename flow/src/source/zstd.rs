//! Reads zstd data, frame after frame.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::counted::Counted;

const ZSTD: &str = "zstd";
/// The magic numbers of a frame and of a skippable frame; the lower half of the latter's first byte may be
/// anything.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const SKIPPED: [u8; 4] = [0x50, 0x2A, 0x4D, 0x18];

/// Reads the frames of `R` as one stream, and verifies the checksum of each frame that has one. Zeros after
/// the last frame are padding; anything else is an error.
pub(super) struct Frames<R> {
    input: Counted<R>,
    decoder: FrameDecoder,
    /// The position of the frame that is being read.
    inside: Option<u64>,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: Counted::new(input), decoder: FrameDecoder::new(), inside: None }
    }

    /// Begins the next frame with data; returns whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while self.inside.is_none() {
            let begun = self.input.at();
            if begun > 0 && self.input.ends_with_zeros()? {
                return Ok(false);
            }
            let known = self.input.fill_buf()?;
            if known.is_empty() {
                return Ok(false);
            }
            if !begins_a_frame(known) || self.input.at() > begun {
                return Err(self.input.foreign(ZSTD));
            }
            match self.decoder.init(&mut self.input) {
                Ok(()) => self.inside = Some(begun),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => self.skip(begun, length.into())?,
                Err(error) => return Err(self.input.failed(ZSTD, begun, &words(&error))),
            }
        }
        Ok(true)
    }

    /// Skips the content of a frame without data.
    fn skip(&mut self, begun: u64, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.input).take(length), &mut io::sink());
        if skipped.is_ok_and(|skipped| skipped == length) {
            return Ok(());
        }
        Err(self.input.failed(ZSTD, begun, "a skippable frame is incomplete"))
    }

    /// Unpacks blocks until there is something to read, or the frame has ended.
    fn decode(&mut self, begun: u64) -> io::Result<()> {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            if let Err(error) = self.decoder.decode_blocks(&mut self.input, one) {
                return Err(self.input.failed(ZSTD, begun, &words(&error)));
            }
        }
        Ok(())
    }

    /// Ends the frame.
    fn end(&mut self, begun: u64) -> io::Result<()> {
        self.inside = None;
        let (said, is) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if said.is_some() && said != is {
            return Err(self.input.failed(ZSTD, begun, "the checksum of a frame does not match its data"));
        }
        Ok(())
    }
}

/// Returns whether these bytes can be the beginning of a frame, as far as they go.
fn begins_a_frame(known: &[u8]) -> bool {
    let fits = |magic: [u8; 4], mask: u8| {
        known.iter().zip(magic).enumerate().all(|(place, (is, right))| match place {
            0 => is & mask == right,
            _ => *is == right,
        })
    };
    fits(MAGIC, 0xFF) || fits(SKIPPED, 0xF0)
}

/// Describes an error of the decoder, as most of the decoder's own messages are meant for debugging it.
fn words(error: &FrameDecoderError) -> String {
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, max } => {
            format!("a frame needs a window of {requested} bytes; at most {max} are allowed")
        }
        FrameDecoderError::DictNotProvided { dict_id } => {
            format!("a frame needs the dictionary {dict_id}; dictionaries are not supported")
        }
        FrameDecoderError::ReadFrameHeaderError(_)
        | FrameDecoderError::FrameHeaderError(_)
        | FrameDecoderError::FailedToInitialize(_) => "the header of a frame is invalid".to_owned(),
        FrameDecoderError::FailedToReadBlockHeader(_) => "the header of a block is invalid".to_owned(),
        _ => "a block is invalid".to_owned(),
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.begin()? {
            let begun = self.inside.unwrap_or_default();
            self.decode(begun)?;
            let read = self.decoder.read(into)?;
            if self.decoder.is_finished() && self.decoder.can_collect() == 0 {
                self.end(begun)?;
            }
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
        }
        Ok(0)
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

    fn said(packed: &[u8]) -> String {
        unpacked(packed).unwrap_err().to_string()
    }

    #[test]
    fn zeros_behind_frames_are_padding_and_other_bytes_an_error_with_their_place() {
        let one = compress_to_vec(&b"one\n"[..], CompressionLevel::Fastest);
        assert_eq!(unpacked(&[one.clone(), vec![0; 64]].concat()).unwrap(), b"one\n");
        let expected = format!(
            "the zstd data is followed by other data, the bytes 67 at byte {} of the file",
            one.len()
        );
        assert_eq!(said(&[one, b"g".to_vec()].concat()), expected);
        assert_eq!(said(b"one\ntwo\n"), "it is not a zstd file: it begins with the bytes 6f 6e 65 0a");
        assert_eq!(said(&[0; 9]), "it is not a zstd file: it begins with the bytes 00 00 00 00");
    }

    #[test]
    fn errors_name_the_place_of_a_truncation() {
        let one = compress_to_vec(&b"one\ntwo\n"[..], CompressionLevel::Fastest);
        for cut in 1..one.len() {
            let expected =
                format!("the zstd data that begins at byte 0 of the file is truncated at byte {cut}");
            assert_eq!(said(&one[..cut]), expected);
        }
        let skipped = [&0x184D_2A50_u32.to_le_bytes()[..], &9_u32.to_le_bytes(), b"abc"].concat();
        assert_eq!(said(&skipped), "the zstd data that begins at byte 0 of the file is truncated at byte 11");
    }

    #[test]
    fn truncated_or_damaged_data_is_an_error() {
        let mut packed = compress_to_vec(&b"some text that is long enough"[..], CompressionLevel::Fastest);
        assert!(unpacked(&packed[..packed.len() - 6]).is_err());
        let last = packed.len() - 1;
        packed[last] ^= 1;
        let error = unpacked(&packed).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        assert!(unpacked(b"no zstd at all").is_err());
    }
}
