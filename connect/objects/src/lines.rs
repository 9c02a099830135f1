//! Lines as events.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use flow::source::{More, Part, Source};
use stage_core::BoxError;

use crate::decode::Decode;
use crate::error::ObjectError;
use crate::objects::Objects;
use crate::piece::{Line, Piece};

/// The lines of some objects; made by [`Objects::lines`] and its like.
///
/// See the example of [`Objects`].
#[derive(Clone, Debug)]
pub struct Lines<D> {
    pub(crate) objects: Objects,
    pub(crate) decode: D,
}

/// The rest of the lines that a stage reads.
///
/// ```
/// use flow::source::Source;
/// use stage_core::BoxError;
/// use stage_objects::{Lines, LinesPart, Text};
///
/// /// Returns a part for each of four readers.
/// fn parts(lines: &Lines<Text>) -> Result<Vec<LinesPart<Text>>, BoxError> {
///     lines.parts(4)
/// }
/// ```
pub struct LinesPart<D: Decode> {
    lines: Lines<D>,
    /// The first piece that no part has taken, counted over all objects.
    next: Arc<AtomicUsize>,
    open: Option<(usize, Piece)>,
    /// The piece whose object's first line is being read before it.
    waiting: Option<(usize, Piece)>,
    /// The header of an object, by its number. A part does not return to an earlier object.
    header: Option<(usize, D::Header)>,
    waker: Waker,
}

impl<D: Decode> Lines<D> {
    /// Returns the number of pieces of an object.
    fn pieces(&self, object: usize) -> usize {
        let pieces = self.objects.all[object].size.div_ceil(self.objects.piece);
        usize::try_from(pieces).unwrap_or(usize::MAX)
    }

    /// Returns the piece with this number over all objects.
    fn piece(&self, mut number: usize) -> Option<(usize, Piece)> {
        for (place, object) in self.objects.all.iter().enumerate() {
            let pieces = self.pieces(place);
            if number < pieces {
                let begin = number as u64 * self.objects.piece;
                let end = begin.saturating_add(self.objects.piece).min(object.size);
                let store = Arc::clone(&self.objects.store);
                return Some((place, Piece::new(store, object.clone(), begin..end, self.objects.max_line)));
            }
            number -= pieces;
        }
        None
    }

    /// Returns the first line of an object, as a piece.
    fn first_line(&self, object: usize) -> Piece {
        let store = Arc::clone(&self.objects.store);
        Piece::new(store, self.objects.all[object].clone(), 0..1, self.objects.max_line)
    }
}

impl<D: Decode> Source for Lines<D> {
    type Item = D::Item;
    type Part = LinesPart<D>;

    fn parts(&self, most: usize) -> Result<Vec<LinesPart<D>>, BoxError> {
        let next = Arc::new(AtomicUsize::new(0));
        let part = |_| LinesPart {
            lines: self.clone(),
            next: Arc::clone(&next),
            open: None,
            waiting: None,
            header: None,
            waker: Waker::noop().clone(),
        };
        Ok((0..self.count().min(most).max(1)).map(part).collect())
    }

    fn count(&self) -> usize {
        (0..self.objects.all.len()).map(|object| self.pieces(object)).sum::<usize>().max(1)
    }

    fn name(&self) -> String {
        match &*self.objects.all {
            [object] => format!("read {}", object.path),
            objects => format!("read {} objects", objects.len()),
        }
    }
}

impl<D: Decode> LinesPart<D> {
    /// Takes the next piece, and reads the first line of its object before it where that matters.
    fn take(&mut self) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let Some((object, piece)) = self.lines.piece(number) else { return false };
        let known = self.header.as_ref().is_some_and(|(of, _)| *of == object);
        if D::HAS_HEADER && !known && !piece.begins_object() {
            self.waiting = Some((object, piece));
            self.open = Some((object, self.lines.first_line(object)));
        } else {
            self.open = Some((object, piece));
        }
        true
    }

    fn event(&self, object: usize, line: &Line) -> Result<Option<D::Item>, ObjectError> {
        let header = self.header.as_ref().map(|(_, header)| header);
        let decoded = self.lines.decode.decode(&line.bytes, header);
        decoded.map_err(|source| {
            let object = self.lines.objects.all[object].path.to_string();
            ObjectError::Line { object, at: line.at, source }
        })
    }
}

impl<D: Decode> Part for LinesPart<D> {
    type Item = D::Item;

    fn wake_by(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    fn read(&mut self, most: usize, each: &mut impl FnMut(D::Item)) -> Result<More, BoxError> {
        let waker = self.waker.clone();
        let mut cx = Context::from_waker(&waker);
        let mut missing = most;
        while missing > 0 {
            let Some((object, piece)) = &mut self.open else {
                if !self.take() {
                    return Ok(More::No);
                }
                continue;
            };
            let object = *object;
            let Poll::Ready(line) = piece.poll(&mut cx) else { return Ok(More::Later) };
            match (line?, self.waiting.take()) {
                (line, Some(waiting)) => {
                    let line = line.map_or_else(Bytes::new, |line| line.bytes);
                    self.header = Some((object, self.lines.decode.header(&line)));
                    self.open = Some(waiting);
                }
                // The line that names the fields is not an event.
                (Some(line), None) if D::HAS_HEADER && line.at == 0 => {
                    self.header = Some((object, self.lines.decode.header(&line.bytes)));
                }
                (Some(line), None) => {
                    if let Some(event) = self.event(object, &line)? {
                        each(event);
                        missing -= 1;
                    }
                }
                (None, None) => self.open = None,
            }
        }
        Ok(More::Yes)
    }
}

impl<D: Decode> fmt::Debug for LinesPart<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinesPart").field("objects", &self.lines.objects).finish_non_exhaustive()
    }
}
