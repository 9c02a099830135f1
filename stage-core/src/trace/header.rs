//! Reads the header `traceparent`.

use super::context::TraceContext;

/// The header is no `traceparent`.
///
/// ```
/// use stage_core::trace::{TraceContext, TraceparentError};
///
/// assert_eq!(TraceContext::parse("00-abc-def-01", None), Err(TraceparentError::Form));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum TraceparentError {
    /// It does not consist of a version, a trace, a span and flags in hexadecimal digits.
    #[error(
        "a traceparent has the form `00-TRACE-SPAN-FLAGS`, with 32, 16 and 2 lower-case hexadecimal digits"
    )]
    Form,
    /// The version is `ff`, which is not allowed.
    #[error("the version of a traceparent must not be `ff`")]
    Version,
    /// The trace or the span is zero.
    #[error("the trace and the span of a traceparent must not be zero")]
    Zero,
}

impl TraceContext {
    /// Reads the headers `traceparent` and `tracestate`. Of a later version than `00`, the parts known today are
    /// read, as W3C Trace Context requires.
    ///
    /// # Errors
    ///
    /// Returns [`TraceparentError`] if the `traceparent` is invalid; the event then belongs to no trace.
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Result<Self, TraceparentError> {
        let mut parts = traceparent.trim().split('-');
        let mut next = |digits: usize| parts.next().and_then(|part| hexadecimal(part, digits));
        let version = next(2).ok_or(TraceparentError::Form)?;
        if version == 0xff {
            return Err(TraceparentError::Version);
        }
        let (Some(trace), Some(span), Some(flags)) = (next(32), next(16), next(2)) else {
            return Err(TraceparentError::Form);
        };
        if version == 0 && parts.next().is_some() {
            return Err(TraceparentError::Form);
        }
        // 16 and 2 digits fit.
        let (span, flags) = (u64::try_from(span).unwrap_or(0), u8::try_from(flags).unwrap_or(0));
        let context = Self::new(trace, span, flags).ok_or(TraceparentError::Zero)?;
        Ok(context.with_tracestate(tracestate.unwrap_or_default().trim()))
    }
}

/// Returns the number of exactly `digits` lower-case digits.
fn hexadecimal(part: &str, digits: usize) -> Option<u128> {
    let valid = part.len() == digits && part.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| u128::from_str_radix(part, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let header = format!("00-{TRACE}-{SPAN}-00");
        let context = TraceContext::parse(&header, None).unwrap();
        assert_eq!((context.span_id(), context.is_sampled()), (0x00f0_67aa_0ba9_02b7, false));
        assert_eq!((context.to_string(), context.tracestate()), (header, None));
    }

    #[test]
    fn later_versions_may_have_more_parts() {
        assert!(TraceContext::parse(&format!("01-{TRACE}-{SPAN}-01-more"), None).is_ok());
        let first = TraceContext::parse(&format!("00-{TRACE}-{SPAN}-01-more"), None);
        assert_eq!(first, Err(TraceparentError::Form));
    }

    #[test]
    fn invalid_headers_are_refused_with_the_reason() {
        let zero = "0".repeat(32);
        for (header, error) in [
            (String::new(), TraceparentError::Form),
            (format!("00-{TRACE}-{SPAN}"), TraceparentError::Form),
            (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), TraceparentError::Form),
            (format!("0-{TRACE}-{SPAN}-01"), TraceparentError::Form),
            (format!("00-+{}-{SPAN}-01", &TRACE[1..]), TraceparentError::Form),
            (format!("ff-{TRACE}-{SPAN}-01"), TraceparentError::Version),
            (format!("00-{zero}-{SPAN}-01"), TraceparentError::Zero),
            (format!("00-{TRACE}-0000000000000000-01"), TraceparentError::Zero),
        ] {
            assert_eq!(TraceContext::parse(&header, None), Err(error), "{header}");
        }
    }
}
