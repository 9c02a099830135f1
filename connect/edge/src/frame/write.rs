//! Makes a frame of events.

use bytes::Bytes;

use super::header::{BEFORE_EVENT, HEADER, Header};

/// The events of a frame while it is being filled.
///
/// ```
/// use stage_edge::{Frame, FrameWriter, Header};
///
/// let mut writer = FrameWriter::new();
/// writer.push(7, b"order");
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

    /// Creates a frame without events, in the memory of an earlier one unless that is shared or has more than `most` bytes.
    pub(crate) fn within(frame: Bytes, most: usize) -> Self {
        let Ok(mut bytes) = frame.try_into_mut() else { return Self::new() };
        if bytes.capacity() > most {
            return Self::new();
        }
        bytes.clear();
        let mut bytes = Vec::from(bytes);
        bytes.resize(HEADER, 0);
        Self { bytes, count: 0 }
    }

    /// Appends an encoded event, with the hash of its key.
    ///
    /// # Panics
    ///
    /// If the event has more than `u32::MAX` bytes.
    pub fn push(&mut self, key: u64, event: &[u8]) {
        let length = u32::try_from(event.len()).expect("an event is far smaller than 4 GiB");
        let mut before = [0; BEFORE_EVENT];
        before[..8].copy_from_slice(&key.to_le_bytes());
        before[8..].copy_from_slice(&length.to_le_bytes());
        self.bytes.reserve(BEFORE_EVENT + event.len());
        self.bytes.extend_from_slice(&before);
        self.bytes.extend_from_slice(event);
        self.count += 1;
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
