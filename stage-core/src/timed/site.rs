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

/// One call, measured if its span is on, until this is dropped: when it returns, or unwinds, or its future is dropped.
///
/// A call that is not measured costs a null pointer, which every use of this looks at.
#[doc(hidden)]
#[derive(Debug)]
pub struct Timing(Option<Box<Call>>);

/// A call that is measured.
#[derive(Debug)]
struct Call {
    site: &'static Site,
    span: Span,
    began: Instant,
}

impl Timing {
    /// A call that is not measured.
    #[inline]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Enters the span of the call, if it is on.
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

/// Never called: tells the compiler the type of an async block.
#[doc(hidden)]
pub fn never<T>() -> T {
    unreachable!("nobody calls this")
}
