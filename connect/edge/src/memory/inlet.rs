//! The receiving client of the server in memory.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Acks, ConnectError, Disposition, Pull, Pulled, Settle};
use tokio::time::Instant;

use super::fault::Fault;
use super::network::{Call, Link};
use super::state::{Place, State};
use crate::calls::at;
use crate::partition::{Epoch, Partition};
use crate::spec::EdgeSpec;

/// Receives the frames of a partition, or of a pool.
#[derive(Debug)]
pub struct MemoryInlet {
    consumer: Consumer,
}

/// Settles the frames of a [`MemoryInlet`].
#[derive(Debug)]
pub struct MemorySettle {
    consumer: Consumer,
}

#[derive(Clone, Debug)]
struct Consumer {
    link: Link,
    place: Place,
    /// The epoch; `None` in a pool.
    epoch: Option<u64>,
    ack_wait: Duration,
    /// The maximum number of frames in flight.
    window: usize,
}

impl Consumer {
    /// Returns whether a later epoch exists.
    fn is_fenced(&self, state: &State) -> bool {
        self.epoch.is_some_and(|epoch| state.epoch(&self.place) > epoch) && !state.has(Fault::RenewsBlindly)
    }

    /// Takes a frame, or returns the time at which one may be free.
    fn take(&self) -> Result<Pulled<Bytes, u64>, Option<Instant>> {
        let mut state = self.link.inner.lock();
        let now = Instant::now();
        let (leaves, last) = (state.has(Fault::AcknowledgesOnPull), state.has(Fault::DeliversLastFirst));
        let me = self.epoch.unwrap_or(0);
        let Some(stream) = state.streams.get_mut(&self.place) else { return Err(None) };
        // A new consumer ignores the deliveries of earlier ones.
        let open = stream
            .frames
            .iter()
            .filter(|frame| frame.flight.is_some_and(|(by, until)| by == me && until > now));
        if open.count() >= self.window {
            return Err(stream.frames.iter().filter_map(|frame| frame.flight.map(|(_, until)| until)).min());
        }
        let mut next = stream.frames.iter().position(|frame| match self.epoch {
            // Frames of a partition do not overtake each other, and a new consumer ignores what others have in hand.
            Some(_) => frame.flight.is_none_or(|(by, until)| by != me || until <= now),
            None => frame.is_free(now),
        });
        if last && next.is_some() {
            next = Some(stream.frames.len() - 1);
        }
        let Some(place) = next else {
            return Err(stream.frames.iter().filter_map(|frame| frame.not_before).min());
        };
        let frame = &mut stream.frames[place];
        if let Some(time) = frame.not_before.filter(|time| *time > now) {
            return Err(Some(time));
        }
        frame.deliver(me, self.ack_wait);
        let pulled =
            Pulled { message: frame.bytes.clone(), receipt: frame.position, attempt: frame.deliveries };
        if leaves {
            stream.frames.remove(place);
        }
        Ok(pulled)
    }
}

impl MemoryInlet {
    pub(super) fn new(link: Link, spec: &EdgeSpec, partition: Partition, epoch: Option<Epoch>) -> Self {
        let window = if epoch.is_some() { spec.frames_in_flight } else { spec.pool_window } as usize;
        let place = (spec.name.clone(), partition);
        let epoch = epoch.map(|epoch| epoch.0);
        Self { consumer: Consumer { link, place, epoch, ack_wait: spec.ack_wait, window } }
    }
}

impl Pull for MemoryInlet {
    type Message = Bytes;
    type Receipt = u64;
    type Settle = MemorySettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.consumer.link.reach(Call::Data).await
    }

    fn settle_half(&mut self) -> MemorySettle {
        MemorySettle { consumer: self.consumer.clone() }
    }

    async fn pull(
        &mut self,
        _: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Bytes, u64>>, ConnectError> {
        let until = Instant::now().checked_add(wait);
        let consumer = &self.consumer;
        loop {
            consumer.link.reach(Call::Data).await?;
            let mut changed = std::pin::pin!(consumer.link.inner.changed.notified());
            changed.as_mut().enable();
            if consumer.is_fenced(&consumer.link.inner.lock()) {
                let partition = consumer.place.1;
                let what = format!("partition {partition} belongs to another process");
                return Err(ConnectError::fenced(consumer.link.describe(), what));
            }
            let free = match consumer.take() {
                Ok(pulled) => return Ok(vec![pulled]),
                Err(free) => free,
            };
            if until.is_some_and(|until| until <= Instant::now()) {
                return Ok(Vec::new());
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = at(free.filter(|free| *free > Instant::now())) => {}
                () = at(until) => {}
            }
        }
    }

    fn describe(&self) -> String {
        let (edge, partition) = &self.consumer.place;
        format!("{}, partition {partition} of edge `{edge}`", self.consumer.link.describe())
    }
}

impl Settle for MemorySettle {
    type Receipt = u64;

    async fn settle(&mut self, settled: &[(u64, Disposition)]) -> Result<(), ConnectError> {
        let consumer = &self.consumer;
        consumer.link.reach(Call::Data).await?;
        {
            let mut state = consumer.link.inner.lock();
            // The verdicts of an earlier epoch are void.
            if !consumer.is_fenced(&state)
                && let Some(stream) = state.streams.get_mut(&consumer.place)
            {
                for (position, disposition) in settled {
                    let Some(frame) = stream.frame(*position) else { continue };
                    match disposition {
                        Disposition::Accept | Disposition::Dead { .. } => {
                            stream.frames.retain(|frame| frame.position != *position);
                        }
                        Disposition::Release => {
                            frame.flight = None;
                            frame.deliveries = frame.deliveries.saturating_sub(1);
                        }
                        Disposition::Retry { after } => {
                            frame.flight = None;
                            frame.not_before = Instant::now().checked_add(*after);
                        }
                    }
                }
            }
        }
        consumer.link.inner.changed.notify_waiters();
        consumer.link.answer(()).await
    }

    async fn extend(&mut self, open: &[u64]) -> Result<(), ConnectError> {
        let consumer = &self.consumer;
        consumer.link.reach(Call::Data).await?;
        {
            let mut state = consumer.link.inner.lock();
            let (me, until) = (consumer.epoch.unwrap_or(0), Instant::now().checked_add(consumer.ack_wait));
            if let (Some(stream), Some(until)) = (state.streams.get_mut(&consumer.place), until) {
                for position in open {
                    if let Some(frame) = stream.frame(*position)
                        && frame.flight.is_some_and(|(by, _)| by == me)
                    {
                        frame.flight = Some((me, until));
                    }
                }
            }
        }
        consumer.link.answer(()).await
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.consumer.ack_wait)
    }
}
