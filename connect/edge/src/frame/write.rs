//! Makes a frame of events.

use bytes::Bytes;

use super::header::{BEFORE_EVENT, HEADER, Header};

/// The events of a frame while it is being filled.
///
/// ```
/// use stage_edge::{Frame, FrameError, FrameWriter, Header};
///
/// let mut writer = FrameWriter::new();
/// writer.push(7, |bytes| { bytes.extend(b"order"); Ok::<_, FrameError>(()) })?;
/// let frame = Frame::read(writer.finish(&Header::default()))?;
/// assert_eq!(frame.len(), 1);
/// assert_eq!(frame.event(0).unwrap().bytes, "order");
/// # Ok::<(), stage_edge::FrameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FrameWriter {
    bytes: Vec<u8>,
    count: u32,
}

impl FrameWriter {
    /// Creates a frame without events.
    pub fn new() -> Self {
        Self { bytes: vec![0; HEADER], count: 0 }
    }

    /// Appends an event that `encode` writes, with the hash of its key. After an error the frame is as before.
    ///
    /// # Errors
    ///
    /// Those of `encode`.
    pub fn push<E>(&mut self, key: u64, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let begin = self.bytes.len();
        self.bytes.extend(key.to_le_bytes());
        self.bytes.extend([0; 4]);
        if let Err(error) = encode(&mut self.bytes) {
            self.bytes.truncate(begin);
            return Err(error);
        }
        let length = self.bytes.len() - begin - BEFORE_EVENT;
        // A longer event exceeds every limit of a frame; its length does not matter then.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.bytes[begin + 8..begin + BEFORE_EVENT].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        Ok(())
    }

    /// Removes the events behind the first `count` of them, which had `bytes` bytes.
    pub(crate) fn cut(&mut self, count: u32, bytes: usize) {
        self.bytes.truncate(bytes);
        self.count = count;
    }

    /// Returns the number of events.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Returns whether there are no events.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the size of the frame in bytes.
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the frame.
    pub fn finish(mut self, header: &Header) -> Bytes {
        let mut begin = Vec::with_capacity(HEADER);
        header.write(self.count, &mut begin);
        self.bytes[..HEADER].copy_from_slice(&begin);
        self.bytes.into()
    }
}

impl Default for FrameWriter {
    fn default() -> Self {
        Self::new()
    }
}
