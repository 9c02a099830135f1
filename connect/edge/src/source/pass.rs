//! The passes of a frame: first as a whole, and after a failure one event at a time.
//!
//! 1. Events of a frame are handed out in order. A pass ends with the first event that is not handled; the next one
//!    begins at the same event or earlier.
//! 2. Before an event of a frame that failed is handed out, its index and the number of its attempt are noted on the
//!    server, so that an event that ends the process is found by the next owner.
//! 3. An event is dead after its last attempt, and only then; the letter is stored before the frame continues.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Disposition, Pull, Pulled};
use stage_core::BoxError;
use tokio::time::sleep;

use super::lane::{Halt, Handled, Lane, Origin, finish, holding};
use super::shared::{Ready, Ticket, Verdict};
use crate::edge::Edge;
use crate::frame::{Frame, FrameKind, Header};
use crate::letter::{Form, Letter};
use crate::partition::Partition;
use crate::tries::Resume;

/// The outcome of a pass or of an event.
pub(super) enum Next {
    /// Go on behind it.
    On,
    /// The source has ended: the frame goes back to the server.
    Release,
}

impl<E: Edge, T: Send + 'static> Lane<E, T> {
    /// Handles a frame to its end. Returns what is to be reported.
    pub(super) async fn frame(
        &mut self,
        pulled: Pulled<Bytes, <E::Inlet as Pull>::Receipt>,
    ) -> Result<Handled<E>, Halt> {
        let Pulled { message, receipt, attempt } = pulled;
        let next = match Frame::read(message.clone()) {
            Ok(frame) if frame.header.kind == FrameKind::Events => {
                self.events(&frame, attempt, &receipt).await?
            }
            Ok(_) => Next::On,
            Err(error) => {
                let place = format!("message-{:016x}", crate::hash::key_hash(&message));
                self.bury(&place, attempt, &error.to_string(), message).await?;
                Next::On
            }
        };
        let disposition = match next {
            Next::On => Disposition::Accept,
            // The attempt counts, so that the next process reads the note.
            Next::Release if self.is_noted() => Disposition::Retry { after: Duration::ZERO },
            Next::Release => Disposition::Release,
        };
        Ok((receipt, disposition))
    }

    async fn events(
        &mut self,
        frame: &Frame,
        attempt: u32,
        receipt: &<E::Inlet as Pull>::Receipt,
    ) -> Result<Next, Halt> {
        let id = frame.header.id;
        let mut resume = self.resume(id, attempt).await?;
        if self.spec.whole_frames {
            if let Some(begun) = resume.wholes {
                match self.wholes(frame, begun, resume.careful, receipt).await? {
                    Some(next) => return Ok(next),
                    None => resume = Resume::of_failed(self.spec.attempts),
                }
            }
        } else if !resume.careful {
            match self.whole(frame, receipt).await? {
                Some(next) => return Ok(next),
                None => resume = Resume::of_failed(self.spec.attempts),
            }
        }
        self.carefully(frame, resume, receipt).await
    }

    /// Hands out a frame as a whole. `None`: an event failed.
    async fn whole(
        &mut self,
        frame: &Frame,
        receipt: &<E::Inlet as Pull>::Receipt,
    ) -> Result<Option<Next>, Halt> {
        loop {
            let (events, unreadable) = self.decode_all(frame);
            for (index, cause) in unreadable {
                self.bury_event(frame, index, 1, &cause).await?;
            }
            if events.is_empty() {
                return Ok(Some(Next::On));
            }
            let origin = self.origin_of(frame, None);
            match self.hand_out(events, origin, receipt).await? {
                Verdict::Handled => return Ok(Some(Next::On)),
                Verdict::Failed { cause, hopeless }
                    if frame.len() == 1 && (hopeless || self.spec.attempts == 1) =>
                {
                    self.bury_event(frame, 0, 1, &cause).await?;
                    return Ok(Some(Next::On));
                }
                Verdict::Failed { cause, .. } => {
                    tracing::debug!(server = self.calls.server(), cause, "an event of a frame failed");
                    let failed = Resume::of_failed(self.spec.attempts);
                    self.note(frame.header.id, 0, failed.begun).await?;
                    if !self.wait(self.delay(1), receipt).await? {
                        return Ok(Some(Next::Release));
                    }
                    return Ok(None);
                }
                Verdict::Postponed(after) => {
                    if !self.wait(after, receipt).await? {
                        return Ok(Some(Next::Release));
                    }
                }
            }
        }
    }

    /// Hands out the events of a frame one at a time.
    async fn carefully(
        &mut self,
        frame: &Frame,
        resume: Resume,
        receipt: &<E::Inlet as Pull>::Receipt,
    ) -> Result<Next, Halt> {
        let mut begun = resume.begun;
        for index in resume.index as usize..frame.len() {
            if let Next::Release = self.event(frame, index, begun, receipt).await? {
                return Ok(Next::Release);
            }
            begun = resume.others;
        }
        self.forget(frame.header.id).await?;
        Ok(Next::On)
    }

    /// Hands out one event until it is handled or dead. `begun` attempts were made before.
    async fn event(
        &mut self,
        frame: &Frame,
        index: usize,
        mut begun: u32,
        receipt: &<E::Inlet as Pull>::Receipt,
    ) -> Result<Next, Halt> {
        let id = frame.header.id;
        loop {
            if begun >= self.spec.attempts {
                let cause = "the process ended while a step handled it";
                self.bury_event(frame, index, begun, cause).await?;
                return Ok(Next::On);
            }
            let event = match self.decode(frame, index) {
                Ok(event) => event,
                Err(error) => {
                    self.bury_event(frame, index, begun.max(1), &error.to_string()).await?;
                    return Ok(Next::On);
                }
            };
            begun += 1;
            self.note(id, index, begun).await?;
            let origin = self.origin_of(frame, Some(index));
            let after = match self.hand_out(vec![event], origin, receipt).await? {
                Verdict::Handled => return Ok(Next::On),
                Verdict::Failed { cause, hopeless } => {
                    if hopeless || begun >= self.spec.attempts {
                        self.bury_event(frame, index, begun, &cause).await?;
                        return Ok(Next::On);
                    }
                    self.delay(begun)
                }
                Verdict::Postponed(after) => {
                    begun -= 1;
                    self.note(id, index, begun).await?;
                    after
                }
            };
            if !self.wait(after, receipt).await? {
                return Ok(Next::Release);
            }
        }
    }

    /// Hands events to the stage, and awaits the verdict.
    pub(super) async fn hand_out(
        &mut self,
        events: Vec<T>,
        origin: Option<Arc<str>>,
        receipt: &<E::Inlet as Pull>::Receipt,
    ) -> Result<Verdict, Halt> {
        let (ticket, verdict) = Ticket::new();
        let partition = self.partition();
        self.gauges.set_of("in_hand", self.part.clone(), events.len() as u64);
        let orders = self.orders.clone();
        self.shared.hand(Ready { partition, events, ticket, orders, origin });
        // Events that are dropped with their ticket were not handed out.
        let verdict = self.holding(receipt, verdict).await?.unwrap_or(Verdict::UNTRIED);
        self.gauges.set_of("in_hand", self.part.clone(), 0);
        Ok(verdict)
    }

    /// Waits before the next attempt. False: the frame is left to the next owner.
    pub(super) async fn wait(
        &mut self,
        time: Duration,
        receipt: &<E::Inlet as Pull>::Receipt,
    ) -> Result<bool, Halt> {
        let (shared, orders) = (Arc::clone(&self.shared), self.orders.clone());
        let waited = async {
            tokio::select! {
                biased;
                () = finish(orders, &shared) => false,
                () = sleep(time) => true,
            }
        };
        self.holding(receipt, waited).await
    }

    /// Awaits `done` while the lease of the frame is renewed.
    async fn holding<R>(
        &mut self,
        receipt: &<E::Inlet as Pull>::Receipt,
        done: impl Future<Output = R>,
    ) -> Result<R, Halt> {
        let Self { spec, settle, calls, shared, .. } = self;
        holding(settle, spec, std::slice::from_ref(receipt), calls, shared, done).await
    }

    /// Returns the events, and the places of those that cannot be decoded, with the causes.
    pub(super) fn decode_all(&self, frame: &Frame) -> (Vec<T>, Vec<(usize, String)>) {
        let mut unreadable = Vec::new();
        let mut events = Vec::with_capacity(frame.len());
        match self.format.decoder(&frame.header) {
            Ok(decode) => {
                for (index, event) in frame.encoded().enumerate() {
                    match decode(event) {
                        Ok(event) => events.push(event),
                        Err(error) => unreadable.push((index, error.to_string())),
                    }
                }
            }
            Err(error) => unreadable.extend((0..frame.len()).map(|index| (index, error.to_string()))),
        }
        (events, unreadable)
    }

    fn decode(&self, frame: &Frame, index: usize) -> Result<T, BoxError> {
        let event = frame.event(index).ok_or("the frame has no such event")?;
        self.format.decoder(&frame.header)?(&event.bytes)
    }

    pub(super) fn delay(&self, begun: u32) -> Duration {
        self.retry.delay(begun.saturating_sub(1), self.calls.seed()).unwrap_or_default()
    }

    pub(super) fn partition(&self) -> Partition {
        match self.origin {
            Origin::Partition(partition, _) => partition,
            Origin::Pool(_) => Partition(0),
        }
    }

    /// Stores a dead letter, and tries again after each transient error.
    pub(super) async fn bury_event(
        &mut self,
        frame: &Frame,
        index: usize,
        attempts: u32,
        cause: &str,
    ) -> Result<(), Halt> {
        let place = format!("{}-{index}", frame.header.id);
        let event = frame.event(index);
        let Header { codec, schema, fingerprint, .. } = frame.header;
        let form = event.as_ref().map(|event| Form { key: event.key, codec, schema, fingerprint });
        let bytes = event.map(|event| event.bytes).unwrap_or_default();
        let letter = Letter::new(&self.spec, self.partition(), &place, attempts, cause, &bytes).form(form);
        self.letters.store(&letter, &mut self.calls, &self.shared).await
    }

    /// Stores a message that is no frame as a dead letter.
    async fn bury(&mut self, place: &str, attempts: u32, cause: &str, message: Bytes) -> Result<(), Halt> {
        let letter = Letter::new(&self.spec, self.partition(), place, attempts, cause, &message);
        self.letters.store(&letter, &mut self.calls, &self.shared).await
    }
}
