//! The passes of a frame that is handed out again as a whole, so that a later edge recognizes the events made of it.
//!
//! 1. Each pass hands out the same events under the same origin.
//! 2. Before each pass but the first one of a frame without an earlier owner, the number of the pass is noted on the server.
//! 3. After the last pass, events are handed out one at a time, each under an origin of its own.

use std::sync::Arc;

use stage_connect::Pull;

use super::lane::{Halt, Lane, Origin};
use super::pass::Next;
use super::shared::Verdict;
use crate::edge::Edge;
use crate::frame::Frame;

impl<E: Edge, T: Send + 'static> Lane<E, T> {
    /// Hands out a frame until its events are handled, or its attempts are used: `None`. `begun` attempts may have been
    /// made before, if the frame is `suspect`.
    pub(super) async fn wholes(
        &mut self,
        frame: &Frame,
        mut begun: u32,
        suspect: bool,
        receipt: &<E::Inlet as Pull>::Receipt,
    ) -> Result<Option<Next>, Halt> {
        let id = frame.header.id;
        let mut noted = false;
        while begun < self.spec.attempts {
            let (events, unreadable) = self.decode_all(frame);
            for (index, cause) in unreadable {
                self.bury_event(frame, index, 1, &cause).await?;
            }
            if events.is_empty() {
                return Ok(Some(Next::On));
            }
            begun += 1;
            if suspect || begun > 1 {
                self.note_whole(id, begun).await?;
                noted = true;
            }
            let origin = self.origin_of(frame, None);
            let after = match self.hand_out(events, origin, receipt).await? {
                Verdict::Handled => {
                    if noted {
                        self.forget(id).await?;
                    }
                    return Ok(Some(Next::On));
                }
                Verdict::Failed { cause, hopeless } => {
                    tracing::debug!(server = self.calls.server(), cause, "an event of a frame failed");
                    if hopeless {
                        break;
                    }
                    self.delay(begun)
                }
                Verdict::Postponed(after) => {
                    begun -= 1;
                    after
                }
            };
            if !self.wait(after, receipt).await? {
                return Ok(Some(Next::Release));
            }
        }
        Ok(None)
    }

    /// Returns the name of a frame, or of one of its events, by which a later edge recognizes the events made of it.
    pub(super) fn origin_of(&self, frame: &Frame, index: Option<usize>) -> Option<Arc<str>> {
        if !self.spec.whole_frames {
            return None;
        }
        let (edge, id) = (&self.spec.name, frame.header.id);
        let place = match self.origin {
            Origin::Partition(partition, _) => partition.to_string(),
            Origin::Pool(_) => "pool".to_owned(),
        };
        Some(match index {
            None => format!("{edge}.{place}.{id}").into(),
            Some(index) => format!("{edge}.{place}.{id}-{index}").into(),
        })
    }
}
