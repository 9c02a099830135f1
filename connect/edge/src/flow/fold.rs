//! The state of one partition, and the effect of a frame on it.

use flow::persist::{KeyedWindows, OpenWindows, WindowResult};
use serde::{Deserialize, Serialize};
use stage_core::BoxError;

use super::bytes::{Times, of_header, untimed};
use super::numbered::Numbered;
use crate::format::Format;
use crate::frame::{Frame, FrameKind};

/// The windows of a partition, its position in each way, and the number of its next result.
///
/// It performs nothing itself and has no clock: its results are a function of the frames and their order.
pub(super) struct Fold<T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    pub(super) windows: OpenWindows<T, K, A>,
    /// The place in each way.
    pub(super) places: Vec<Place>,
    /// The number of the next result.
    pub(super) results: u64,
}

/// The place in a way up to which its frames are applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The number of the next event.
    next: u64,
    /// The epoch of the last frame, which grows with each frame. A mark has no number of its own, and that of an idle way
    /// must not be applied again when the way has gone on.
    epoch: u64,
}

/// The effect of a frame.
pub(super) struct Taken<K, A> {
    pub(super) results: Vec<Numbered<K, A>>,
    /// The places of events that cannot be decoded, and the causes.
    pub(super) unreadable: Vec<(usize, String)>,
    /// Whether the state has changed.
    pub(super) changed: bool,
}

impl<K, A> Taken<K, A> {
    const fn nothing() -> Self {
        Self { results: Vec::new(), unreadable: Vec::new(), changed: false }
    }
}

/// The reason why a frame has no effect.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The flow has no such way.
    NoWay(u64),
    /// Earlier events of the way have not come.
    Missing { way: usize, next: u64, first: u64 },
    /// The frame has events that follow the end of their way.
    Ended { way: usize },
}

impl<T, K, A> Fold<T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    pub(super) fn new(windows: &KeyedWindows<T, K, A>, ways: u32) -> Self {
        Self {
            windows: windows.open(ways as usize),
            places: vec![Place::default(); ways as usize],
            results: 0,
        }
    }

    /// Applies a frame. Events that were applied before are skipped.
    pub(super) fn take(
        &mut self,
        frame: &Frame,
        format: &Format<T>,
        partition: u32,
    ) -> Result<Taken<K, A>, Refused> {
        let header = &frame.header;
        let way = usize::try_from(header.id.writer).unwrap_or(usize::MAX);
        let Some(Place { next, epoch }) = self.places.get(way).copied() else {
            return Err(Refused::NoWay(header.id.writer));
        };
        let first = header.id.sequence;
        let end = first.saturating_add(frame.len() as u64);
        if self.windows.has_ended_way(way) {
            let follows = end > next && !frame.is_empty();
            return if follows { Err(Refused::Ended { way }) } else { Ok(Taken::nothing()) };
        }
        let Some(known) = next.checked_sub(first) else { return Err(Refused::Missing { way, next, first }) };
        let is_new = match header.kind {
            FrameKind::Events => end > next,
            FrameKind::Mark | FrameKind::Idle => first == next && header.id.epoch > epoch,
            FrameKind::End => first == next,
        };
        if !is_new {
            return Ok(Taken::nothing());
        }
        let mut found = Vec::new();
        let sink = &mut |result| found.push(result);
        let unreadable = self.events(way, frame, format, known, sink);
        let reached = header.reached.map(of_header);
        match header.kind {
            FrameKind::Events | FrameKind::Mark => self.windows.progress(way, reached, false, sink),
            FrameKind::Idle => self.windows.progress(way, reached, true, sink),
            FrameKind::End => {
                self.windows.progress(way, reached, false, sink);
                self.windows.end(way, sink);
            }
        }
        self.places[way] = Place { next: end, epoch: header.id.epoch };
        let number = |result: WindowResult<K, A>| {
            let number = self.results;
            self.results += 1;
            Numbered { partition, number, result }
        };
        Ok(Taken { results: found.into_iter().map(number).collect(), unreadable, changed: true })
    }

    /// Makes a frame count as the next one of its way, for a mutant.
    pub(super) fn forget_place(&mut self, frame: &Frame) {
        let way = usize::try_from(frame.header.id.writer).unwrap_or(usize::MAX);
        if let Some(place) = self.places.get_mut(way) {
            *place = Place { next: frame.header.id.sequence, epoch: 0 };
        }
    }

    /// Applies the events of a frame, apart from the first ones that are known. Returns those that cannot be decoded.
    fn events(
        &mut self,
        way: usize,
        frame: &Frame,
        format: &Format<T>,
        known: u64,
        sink: &mut impl FnMut(WindowResult<K, A>),
    ) -> Vec<(usize, String)> {
        if frame.is_empty() {
            return Vec::new();
        }
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        let header = match untimed(&frame.header) {
            Ok(header) => header,
            Err(error) => return all(frame, known, &error),
        };
        let decode = match format.decoder(&header) {
            Ok(decode) => decode,
            Err(error) => return all(frame, known, &error),
        };
        let mut unreadable = Vec::new();
        for (index, bytes) in frame.encoded().enumerate().skip(known) {
            let read = || -> Result<_, BoxError> {
                let (times, event) = Times::read(bytes)?;
                Ok((times, decode(event)?))
            };
            match read() {
                Ok((Times { at, watermark }, event)) => self.windows.event(way, at, watermark, event, sink),
                Err(error) => unreadable.push((index, error.to_string())),
            }
        }
        unreadable
    }
}

fn all(frame: &Frame, known: usize, error: &BoxError) -> Vec<(usize, String)> {
    (known..frame.len()).map(|index| (index, error.to_string())).collect()
}
