//! The runtime part of `#[timed]`: the static and the guard that its expansion puts into a function.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tracing::Span;
use tracing::span::Entered;

use super::{Histogram, Unit, sites};

/// Reports the duration of a call, from within the function's own module.
type Tell = fn(&Span, f64, &'static str);

/// A function with the attribute.
#[doc(hidden)]
#[derive(Debug)]
pub struct Site {
    name: &'static str,
    unit: Unit,
    tell: Tell,
    known: AtomicBool,
    histogram: Histogram,
}

impl Site {
    /// Creates the site of the function `name`.
    pub const fn new(name: &'static str, unit: Unit, tell: Tell) -> Self {
        Self { name, unit, tell, known: AtomicBool::new(false), histogram: Histogram::new() }
    }

    /// Begins to measure a call, if its span is enabled.
    #[cold]
    pub fn begin(&'static self, span: Span) -> Timing {
        if span.is_disabled() {
            return Timing::off();
        }
        if !self.known.swap(true, Ordering::Relaxed) {
            sites::add(self);
        }
        Timing(Some(Box::new(Call { site: self, span, began: Instant::now() })))
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn histogram(&self) -> &Histogram {
        &self.histogram
    }
}

/// Measures a call, if its span is enabled, until the guard is dropped: when the call returns or unwinds, or
/// its future is dropped.
///
/// The guard of a call that is not measured is a null pointer, which every use checks.
#[doc(hidden)]
#[derive(Debug)]
pub struct Timing(Option<Box<Call>>);

/// A call being measured.
#[derive(Debug)]
struct Call {
    site: &'static Site,
    span: Span,
    began: Instant,
}

impl Timing {
    /// Returns the guard of a call that is not measured.
    #[inline]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Enters the span of the call, if it is enabled.
    #[inline]
    pub fn enter(&self) -> Option<Entered<'_>> {
        self.0.as_ref().map(|call| call.span.enter())
    }
}

impl Drop for Call {
    #[cold]
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.site.histogram.record(took);
        let unit = self.site.unit;
        (self.site.tell)(&self.span, unit.of(took), unit.symbol());
    }
}

/// Never called: gives the compiler the type of an async block.
#[doc(hidden)]
pub fn never<T>() -> T {
    unreachable!("it only names a type")
}
