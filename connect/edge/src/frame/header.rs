//! The first bytes of a frame.

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) const MAGIC: [u8; 4] = *b"edgF";
pub(super) const VERSION: u8 = 1;
pub(super) const HEADER: usize = 56;
/// The bytes before each event: its key's hash and its length.
pub(crate) const BEFORE_EVENT: usize = 12;
/// The encoded form of no event time.
const NOT_REACHED: u64 = u64::MAX;

/// The purpose of a frame.
///
/// See the example of [`Frame`](crate::Frame).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameKind {
    /// It carries events.
    #[default]
    Events,
    /// It carries event-time progress only.
    Mark,
    /// Its writer sends nothing more.
    End,
    /// Its writer has no events at present.
    Idle,
}

/// Identifies a frame among those of its partition. A repetition of a frame has the same id.
///
/// See the example of [`Frame`](crate::Frame).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameId {
    /// The writer: one run of a sink, or the partition of an upstream edge.
    pub writer: u64,
    /// The period for which one process is this writer; in a flow, it grows with each frame.
    pub epoch: u64,
    /// The number of the frame, from 0; in a flow, that of its first event among those of its writer in the partition.
    pub sequence: u64,
}

/// The properties of a frame.
///
/// See the example of [`Frame`](crate::Frame).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The purpose.
    pub kind: FrameKind,
    /// The identifier of the events' [`Codec`](crate::Codec).
    pub codec: u16,
    /// The number of the events' schema.
    pub schema: u32,
    /// The fingerprint of the events' schema; zero if it is not known.
    pub fingerprint: u64,
    /// The id.
    pub id: FrameId,
    /// The event time that the writer has reached, in milliseconds; `None` if it has none. A flow, whose times have a
    /// sign, adds 2^63.
    pub reached: Option<u64>,
}

impl fmt::Display for FrameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}-{}", self.writer, self.epoch, self.sequence)
    }
}

impl Header {
    /// Appends the header of a frame of `count` events.
    pub(super) fn write(&self, count: u32, into: &mut Vec<u8>) {
        let kind = match self.kind {
            FrameKind::Events => 0,
            FrameKind::Mark => 1,
            FrameKind::End => 2,
            FrameKind::Idle => 3,
        };
        into.extend(MAGIC);
        into.extend([VERSION, kind]);
        into.extend(self.codec.to_le_bytes());
        into.extend(self.schema.to_le_bytes());
        let reached = self.reached.map_or(NOT_REACHED, |reached| reached.min(NOT_REACHED - 1));
        for number in [self.fingerprint, self.id.writer, self.id.epoch, self.id.sequence, reached] {
            into.extend(number.to_le_bytes());
        }
        into.extend(count.to_le_bytes());
    }

    /// Reads a header behind magic and version; `None` if the kind is unknown. Returns the number of events as well.
    pub(super) fn read(bytes: &[u8; HEADER]) -> Option<(Self, u32)> {
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let kind = match bytes[5] {
            0 => FrameKind::Events,
            1 => FrameKind::Mark,
            2 => FrameKind::End,
            3 => FrameKind::Idle,
            _ => return None,
        };
        let header = Self {
            kind,
            codec: u16::from_le_bytes([bytes[6], bytes[7]]),
            schema: word(8),
            fingerprint: long(12),
            id: FrameId { writer: long(20), epoch: long(28), sequence: long(36) },
            reached: Some(long(44)).filter(|reached| *reached != NOT_REACHED),
        };
        Some((header, word(52)))
    }
}
