//! Reads a frame, whose bytes may come from anywhere.

use bytes::Bytes;

use super::header::{BEFORE_EVENT, HEADER, Header, MAGIC, VERSION};

/// A frame whose structure is sound. Its events are not decoded.
///
/// ```
/// use stage_edge::{Frame, FrameError, FrameEvent, FrameId, FrameKind, FrameWriter, Header};
///
/// # fn main() -> Result<(), FrameError> {
/// let id = FrameId { writer: 1, epoch: 3, sequence: 0 };
/// let header = Header { kind: FrameKind::Events, id, ..Header::default() };
/// let mut writer = FrameWriter::new();
/// writer.push(7, b"first");
/// writer.push(8, b"second");
///
/// let frame = Frame::read(writer.finish(&header))?;
/// assert_eq!((frame.header, frame.len(), frame.is_empty()), (header, 2, false));
/// assert_eq!(frame.event(1), Some(FrameEvent { key: 8, bytes: "second".into() }));
/// assert_eq!(frame.events().map(|event| event.key).collect::<Vec<_>>(), [7, 8]);
///
/// assert_eq!(Frame::read("hello".into()), Err(FrameError::NoFrame));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The properties.
    pub header: Header,
    bytes: Bytes,
    /// The place of each event's bytes.
    places: Vec<(usize, usize)>,
}

/// One encoded event.
///
/// See the example of [`Frame`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameEvent {
    /// The hash of its key.
    pub key: u64,
    /// The encoded event.
    pub bytes: Bytes,
}

/// The reason that bytes are no frame.
///
/// See the example of [`Frame`].
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
pub enum FrameError {
    /// The bytes begin otherwise.
    #[error("the message is not a frame of an edge")]
    NoFrame,
    /// The version is not known.
    #[error("the frame has version {0}, this program reads version 1")]
    Version(u8),
    /// The kind is not known.
    #[error("the frame has an unknown kind")]
    Kind,
    /// The events do not fill the frame exactly.
    #[error("the frame is damaged: {0}")]
    Damaged(&'static str),
}

impl Frame {
    /// Reads a frame. Never panics, and allocates at most in proportion to the size of `bytes`.
    ///
    /// # Errors
    ///
    /// [`FrameError`] if the bytes are no frame.
    pub fn read(bytes: Bytes) -> Result<Self, FrameError> {
        if bytes.len() < MAGIC.len() + 1 || bytes[..MAGIC.len()] != MAGIC {
            return Err(FrameError::NoFrame);
        }
        if bytes[MAGIC.len()] != VERSION {
            return Err(FrameError::Version(bytes[MAGIC.len()]));
        }
        let first: &[u8; HEADER] =
            bytes.first_chunk().ok_or(FrameError::Damaged("it ends within its header"))?;
        let (header, count) = Header::read(first).ok_or(FrameError::Kind)?;
        let count = count as usize;
        if count > (bytes.len() - HEADER) / BEFORE_EVENT {
            return Err(FrameError::Damaged("it has fewer events than it counts"));
        }
        let mut places = Vec::with_capacity(count);
        let mut rest = &bytes[HEADER..];
        for _ in 0..count {
            let (before, behind) = rest
                .split_first_chunk::<BEFORE_EVENT>()
                .ok_or(FrameError::Damaged("it has fewer events than it counts"))?;
            let length = u32::from_le_bytes([before[8], before[9], before[10], before[11]]) as usize;
            if length > behind.len() {
                return Err(FrameError::Damaged("it ends within an event"));
            }
            let begin = bytes.len() - behind.len();
            places.push((begin, begin + length));
            rest = &behind[length..];
        }
        if !rest.is_empty() {
            return Err(FrameError::Damaged("bytes follow its last event"));
        }
        Ok(Self { header, bytes, places })
    }

    /// Returns the number of events.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the event at `index`, from 0, without copying it.
    pub fn event(&self, index: usize) -> Option<FrameEvent> {
        self.places.get(index).map(|place| self.at(*place))
    }

    /// Returns the events, in order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = FrameEvent> + '_ {
        self.places.iter().map(|place| self.at(*place))
    }

    /// Returns the events without their keys, as they are encoded.
    pub(crate) fn encoded(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|&(begin, end)| &self.bytes[begin..end])
    }

    fn at(&self, (begin, end): (usize, usize)) -> FrameEvent {
        let key = std::array::from_fn(|byte| self.bytes[begin - BEFORE_EVENT + byte]);
        FrameEvent { key: u64::from_le_bytes(key), bytes: self.bytes.slice(begin..end) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{FrameId, FrameKind, FrameWriter};

    fn written(header: &Header, events: &[(u64, Vec<u8>)]) -> Bytes {
        let mut writer = FrameWriter::new();
        for (key, bytes) in events {
            writer.push(*key, bytes);
        }
        writer.finish(header)
    }

    fn header() -> impl Strategy<Value = Header> {
        let kind = prop_oneof![
            Just(FrameKind::Events),
            Just(FrameKind::Mark),
            Just(FrameKind::End),
            Just(FrameKind::Idle)
        ];
        let id = any::<(u64, u64, u64)>().prop_map(|(writer, epoch, sequence)| FrameId {
            writer,
            epoch,
            sequence,
        });
        let reached = prop::option::of(0..u64::MAX);
        (kind, any::<(u16, u32, u64)>(), id, reached).prop_map(
            |(kind, (codec, schema, fingerprint), id, reached)| Header {
                kind,
                codec,
                schema,
                fingerprint,
                id,
                reached,
            },
        )
    }

    #[test]
    fn the_bytes_of_a_frame_never_change() {
        let id = FrameId { writer: 0x1122, epoch: 3, sequence: 4 };
        let header =
            Header { kind: FrameKind::Events, codec: 1, schema: 2, fingerprint: 0xab, id, reached: None };
        let bytes = written(&header, &[(0x0102, b"hi".to_vec()), (7, Vec::new())]);
        let mut golden =
            b"edgF\x01\x00\x01\x00\x02\x00\x00\x00\xab\0\0\0\0\0\0\0\x22\x11\0\0\0\0\0\0".to_vec();
        golden.extend(b"\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x02\0\0\0");
        golden.extend(b"\x02\x01\0\0\0\0\0\0\x02\0\0\0hi\x07\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(bytes, golden);
    }

    #[test]
    fn the_first_defect_is_named() {
        let whole = written(&Header::default(), &[(1, vec![5; 3])]);
        let refusal = |bytes: &[u8]| Frame::read(Bytes::copy_from_slice(bytes)).unwrap_err().to_string();
        assert_eq!(refusal(b"{}"), "the message is not a frame of an edge");
        assert_eq!(refusal(b"edgF\x02"), "the frame has version 2, this program reads version 1");
        assert_eq!(refusal(&whole[..20]), "the frame is damaged: it ends within its header");
        assert_eq!(refusal(&whole[..whole.len() - 1]), "the frame is damaged: it ends within an event");
        assert_eq!(
            refusal(&[&whole[..], b"x"].concat()),
            "the frame is damaged: bytes follow its last event"
        );
    }

    proptest! {
        #[test]
        fn a_frame_is_read_as_it_was_written(
            header in header(),
            events in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..40)), 0..40),
        ) {
            let frame = Frame::read(written(&header, &events)).unwrap();
            prop_assert_eq!(frame.header, header);
            let read: Vec<_> = frame.events().map(|event| (event.key, event.bytes.to_vec())).collect();
            prop_assert_eq!(&read, &events);
            let last = frame.event(events.len().saturating_sub(1)).map(|event| (event.key, event.bytes.to_vec()));
            prop_assert_eq!(last.as_ref(), events.last());
        }

        #[test]
        fn hostile_bytes_are_refused_or_read_and_never_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            like_a_frame: bool,
            count in 0..20_u8,
        ) {
            if like_a_frame && bytes.len() > HEADER {
                bytes[..5].copy_from_slice(b"edgF\x01");
                bytes[5] %= 4;
                bytes[HEADER - 4..HEADER].copy_from_slice(&[count, 0, 0, 0]);
            }
            if let Ok(frame) = Frame::read(bytes.into()) {
                prop_assert_eq!(frame.events().count(), frame.len());
            }
        }

        #[test]
        fn a_damaged_frame_is_refused_or_read_and_never_panics(
            events in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..20)), 1..10),
            at: prop::sample::Index,
            byte: u8,
            cut: prop::sample::Index,
        ) {
            let mut bytes = written(&Header::default(), &events).to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len()) + 1);
            if let Ok(frame) = Frame::read(bytes.into()) {
                prop_assert_eq!(frame.events().count(), frame.len());
            }
        }
    }
}
