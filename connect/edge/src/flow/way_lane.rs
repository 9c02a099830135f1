//! The frames of a way for one partition.

use bytes::Bytes;
use stage_connect::{ConnectError, MessageId, Push};

use crate::entrance::{Entrance, Stored};
use crate::frame::{BEFORE_EVENT, FrameKind, FrameWriter, Header};

/// The maximum number of events of a frame.
const MAX_EVENTS: usize = 4096;

/// The frame that is being filled, and its number.
pub(super) struct WayLane<P> {
    entrance: Entrance<P>,
    /// The first part of each message's id, which differs between runs.
    place: String,
    writer: FrameWriter,
    /// The number of the first event that is not sent.
    next: u64,
    /// The progress that the partition knows of.
    told: Option<u64>,
}

impl<P: Push<Message = Bytes>> WayLane<P> {
    pub(super) fn new(outlet: P, place: String, seed: u64) -> Self {
        Self { entrance: Entrance::new(outlet, seed), place, writer: FrameWriter::new(), next: 0, told: None }
    }

    /// Returns whether an event of this size fits into the frame. A frame without events has room for any.
    pub(super) fn has_room(&self, event: usize, frame_bytes: usize) -> bool {
        let size = self.writer.size() + BEFORE_EVENT + event;
        self.writer.is_empty() || (size <= frame_bytes && self.writer.len() < MAX_EVENTS)
    }

    pub(super) fn push(&mut self, key: u64, event: &[u8]) {
        self.writer.push(key, event);
    }

    /// Sends the events, then a frame of kind `mark` if the partition does not know of it.
    pub(super) async fn flush(
        &mut self,
        header: Header,
        mark: Option<FrameKind>,
    ) -> Result<(), ConnectError> {
        let mut header = header;
        if !self.writer.is_empty() {
            let writer = std::mem::take(&mut self.writer);
            let count = writer.len() as u64;
            header.kind = FrameKind::Events;
            header.id.sequence = self.next;
            self.store(&header, writer).await?;
            self.next += count;
        }
        let Some(kind) = mark else { return Ok(()) };
        let is_known = kind == FrameKind::Mark && self.told == header.reached;
        if is_known {
            return Ok(());
        }
        header.kind = kind;
        header.id.sequence = self.next;
        header.id.epoch += 1;
        self.store(&header, FrameWriter::new()).await
    }

    async fn store(&mut self, header: &Header, writer: FrameWriter) -> Result<(), ConnectError> {
        let id = MessageId::new(format!("{}.{}", self.place, header.id));
        if let Stored::Refused(cause) = self.entrance.store((id, writer.finish(header)), |_| {}).await? {
            let what = format!("a frame was refused: {cause}");
            return Err(ConnectError::fatal(
                self.entrance.server(),
                what,
                "use smaller frames, by `frame_bytes`",
            ));
        }
        // A way that goes on after a pause says so, whatever it has reached.
        self.told = header.reached.filter(|_| header.kind != FrameKind::Idle);
        Ok(())
    }
}
