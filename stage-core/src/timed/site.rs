//! What does the expansion of `#[timed]` put into a function?

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tracing::Span;
use tracing::span::Entered;

use super::{Histogram, Unit, sites};

/// Tells how long a call took, from the function's own module.
type Tell = fn(&Span, f64, &'static str);

/// One function with the attribute.
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
    /// The site of the function `name`.
    pub const fn new(name: &'static str, unit: Unit, tell: Tell) -> Self {
        Self { name, unit, tell, known: AtomicBool::new(false), histogram: Histogram::new() }
    }

    /// Begins to measure a call, if its span is on.
    #[inline]
    pub fn begin(&'static self, span: Span) -> Option<Timing> {
        if span.is_disabled() { None } else { Some(self.measure(span)) }
    }

    #[cold]
    fn measure(&'static self, span: Span) -> Timing {
        if !self.known.swap(true, Ordering::Relaxed) {
            sites::add(self);
        }
        Timing { site: self, span, began: Instant::now() }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn histogram(&self) -> &Histogram {
        &self.histogram
    }
}

/// One call that is measured until this is dropped, when it returns, or unwinds, or its future is dropped.
#[doc(hidden)]
#[derive(Debug)]
pub struct Timing {
    site: &'static Site,
    span: Span,
    began: Instant,
}

impl Timing {
    /// Enters the span of the call.
    pub fn enter(&self) -> Entered<'_> {
        self.span.enter()
    }
}

impl Drop for Timing {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.site.histogram.record(took);
        let unit = self.site.unit;
        (self.site.tell)(&self.span, unit.of(took), unit.symbol());
    }
}

/// Never called: tells the compiler the type of an async block.
#[doc(hidden)]
pub fn never<T>() -> T {
    unreachable!("nobody calls this")
}
