//! The task that stores the frames of one partition.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{MessageId, Push};
use tokio::time::{Instant, sleep_until};

use super::filling::{Filled, Filling, Spare};
use crate::entrance::{Entrance, Stored};
use crate::frame::Header;

pub(super) struct Lane<P> {
    pub(super) entrance: Entrance<P>,
    pub(super) filling: Arc<Filling>,
    pub(super) linger: Duration,
    /// The header of the next frame.
    pub(super) header: Header,
    /// The edge and partition, the first part of each message's id.
    pub(super) place: String,
}

impl<P: Push<Message = Bytes>> Lane<P> {
    /// Stores frames until the sink is dropped, or an error ends it.
    pub(super) async fn run(mut self) {
        let mut spare = Spare::default();
        loop {
            self.filling.until(|filling| filling.since().is_some()).await;
            let full_at = self.filling.since().and_then(|since| since.checked_add(self.linger));
            // A timer has a resolution of 1 ms, so it is not set for a moment that has passed.
            if let Some(full_at) = full_at.filter(|full_at| *full_at > Instant::now()) {
                tokio::select! {
                    biased;
                    () = self.filling.until(|filling| !filling.has_room()) => {}
                    () = sleep_until(full_at) => {}
                }
            }
            let Filled { writer, mut tokens, _hold } = self.filling.take(std::mem::take(&mut spare));
            let frame = writer.finish(&self.header);
            let stored = self.entrance.store((self.id(), frame.clone()), |reason| {
                self.filling.set_waiting_for(reason);
            });
            match stored.await {
                Ok(Stored::Yes) => tokens.acknowledge(),
                Ok(Stored::Refused(cause)) => tokens.reject(&cause),
                Err(error) => return self.filling.fail(error),
            }
            spare = self.filling.spare(frame, tokens);
            self.header.id.sequence += 1;
        }
    }

    fn id(&self) -> MessageId {
        MessageId::new(format!("{}.{}", self.place, self.header.id))
    }
}
