//! The identity of a span, as W3C Trace Context has it.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use crate::sync::Arc;

/// The flag of a trace that is recorded.
pub(super) const SAMPLED: u8 = 1;

/// The identity of a span in its trace, in the form of W3C Trace Context: 16 bytes for the trace, 8 for the
/// span, 8 flags, and what vendors add. `Display` writes the `traceparent` header.
///
/// ```
/// use stage_core::trace::TraceContext;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context = TraceContext::parse(header, Some("vendor=1"))?;
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), header);
/// assert_eq!(context.tracestate(), Some("vendor=1"));
/// # Ok(())
/// # }
/// ```
///
/// A context can also be made of its numbers:
///
/// ```
/// use stage_core::trace::TraceContext;
///
/// let context = TraceContext::new(0xabc, 0xdef, 1).ok_or("none is zero")?.with_tracestate("vendor=1");
/// assert_eq!((context.trace_id(), context.span_id(), context.flags()), (0xabc, 0xdef, 1));
/// assert_eq!(context.tracestate(), Some("vendor=1"));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub(super) trace: NonZeroU128,
    pub(super) span: NonZeroU64,
    pub(super) flags: u8,
    pub(super) state: Option<Arc<str>>,
}

impl TraceContext {
    /// Creates a context from its numbers; `None` if one of the two is zero, which W3C Trace Context does not
    /// allow.
    pub fn new(trace_id: u128, span_id: u64, flags: u8) -> Option<Self> {
        let (trace, span) = (NonZeroU128::new(trace_id)?, NonZeroU64::new(span_id)?);
        Some(Self { trace, span, flags, state: None })
    }

    /// Sets the `tracestate`; an empty one is none.
    pub fn with_tracestate(mut self, state: &str) -> Self {
        self.state = (!state.is_empty()).then(|| state.into());
        self
    }

    /// Returns the number of the trace, which is not zero.
    pub const fn trace_id(&self) -> u128 {
        self.trace.get()
    }

    /// Returns the number of the span, which is not zero.
    pub const fn span_id(&self) -> u64 {
        self.span.get()
    }

    /// Returns the flags.
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Returns whether the spans of this trace are recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns the `tracestate`, which is passed on unchanged.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Returns the context of another span in the same trace.
    pub(super) fn child(&self, span: NonZeroU64) -> Self {
        Self { span, ..self.clone() }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}
