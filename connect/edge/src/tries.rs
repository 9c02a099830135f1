//! Counts the attempts of a frame across the ends of processes.

use serde::{Deserialize, Serialize};

use crate::frame::FrameId;
use crate::partition::Partition;
use crate::spec::EdgeSpec;

/// The note on the first frame of a partition that is not settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tries {
    /// A process owns the partition and has not given it back: if another one reads this, the first one ended without
    /// notice, maybe because of an event.
    pub(crate) open: bool,
    /// The frame with an event that failed or was in hand.
    pub(crate) frame: Option<FrameId>,
    /// The first event of that frame without a verdict, or [`WHOLE`].
    pub(crate) index: u32,
    /// The number of attempts at that event, or at the whole, that have begun.
    pub(crate) begun: u32,
}

/// The index of a frame that is handed out as a whole.
pub(crate) const WHOLE: u32 = u32::MAX;

/// The place at which a frame is continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    pub(crate) index: u32,
    /// The attempts at the event there that have begun before.
    pub(crate) begun: u32,
    /// The attempts that any later event of the frame may have had.
    pub(crate) others: u32,
    /// The events are handed out one at a time.
    pub(crate) careful: bool,
    /// The attempts at the whole that may have begun; `None` once its events were handed out one at a time.
    pub(crate) wholes: Option<u32>,
}

impl Resume {
    /// The place of a frame without an attempt.
    pub(crate) const FRESH: Self = Self { index: 0, begun: 0, others: 0, careful: false, wholes: Some(0) };

    /// The place of a frame of which some event failed. That attempt does not count against an event that has no other
    /// one, as it is not known which of them failed.
    pub(crate) const fn of_failed(attempts: u32) -> Self {
        let begun = if attempts > 1 { 1 } else { 0 };
        Self { index: 0, begun, others: begun, careful: true, wholes: None }
    }
}

/// Returns the name of the note on a partition.
pub(crate) fn note_name(spec: &EdgeSpec, partition: Partition) -> String {
    format!("tries.{}.{partition}", spec.name)
}

impl Tries {
    /// Returns the place at which `frame` is continued, the first one under a new owner, when an event has this number of
    /// attempts.
    pub(crate) fn resume(&self, frame: FrameId, attempts: u32) -> Resume {
        let failed = Resume::of_failed(attempts);
        if self.frame == Some(frame) {
            return match self.index {
                WHOLE => Resume { wholes: Some(self.begun), ..failed },
                index => Resume { index, begun: self.begun, ..failed },
            };
        }
        if self.open { Resume { wholes: Some(failed.begun), ..failed } } else { Resume::FRESH }
    }

    /// Reads a note; what cannot be read counts as none.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_default()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: FrameId = FrameId { writer: 1, epoch: 0, sequence: 5 };
    const OTHER: FrameId = FrameId { writer: 1, epoch: 0, sequence: 6 };

    #[test]
    fn after_an_orderly_end_no_frame_is_suspect() {
        assert_eq!(Tries::default().resume(FRAME, 5), Resume::FRESH);
    }

    #[test]
    fn after_a_crash_the_first_frame_is_suspect() {
        let tries = Tries { open: true, ..Tries::default() };
        let suspect = Resume { index: 0, begun: 1, others: 1, careful: true, wholes: Some(1) };
        assert_eq!(tries.resume(FRAME, 5), suspect);
        // The event that ended the process is not known, so each has its one attempt.
        assert_eq!(tries.resume(FRAME, 1), Resume { begun: 0, others: 0, wholes: Some(0), ..suspect });
    }

    #[test]
    fn a_noted_event_is_continued_with_its_attempts_and_another_frame_is_not() {
        let tries = Tries { open: true, frame: Some(FRAME), index: 7, begun: 3 };
        let noted = Resume { index: 7, begun: 3, others: 1, careful: true, wholes: None };
        assert_eq!(tries.resume(FRAME, 5), noted);
        assert_eq!(tries.resume(OTHER, 5), Resume { wholes: Some(1), ..Resume::of_failed(5) });
        let given_back = Tries { open: false, ..tries };
        assert_eq!(given_back.resume(FRAME, 5).index, 7);
        assert_eq!(given_back.resume(OTHER, 5), Resume::FRESH);
    }

    #[test]
    fn a_whole_that_is_noted_has_its_attempts_and_no_event_of_it_has() {
        let tries = Tries { open: true, frame: Some(FRAME), index: WHOLE, begun: 3 };
        assert_eq!(tries.resume(FRAME, 5), Resume { wholes: Some(3), ..Resume::of_failed(5) });
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_a_foreign_one_is_none() {
        let tries = Tries { open: true, frame: Some(FRAME), index: 7, begun: 3 };
        assert_eq!(Tries::read(&tries.write()), tries);
        assert_eq!(Tries::read(b"\xff\xff"), Tries::default());
    }
}
