//! The error by which a handler tells that its target is overloaded.

use std::error::Error;

use crate::base::error::BoxError;

/// An error that says that the target of a handler is overloaded: a step with an [adaptive](super::AtOnce::adaptive)
/// number of events at once then halves it. Otherwise it is an error like any other, to which the failure policy applies.
///
/// It is recognised among the [sources](Error::source) of an error, too.
///
/// ```
/// use stage_core::policy::Overloaded;
///
/// fn check(status: u16) -> Result<(), Overloaded> {
///     if status == 429 { Err(Overloaded::new("429 Too Many Requests")) } else { Ok(()) }
/// }
/// assert_eq!(check(429).unwrap_err().to_string(), "429 Too Many Requests");
/// ```
#[derive(stage_macros::ErrorDebug, stage_macros::Error)]
#[error(transparent)]
pub struct Overloaded(BoxError);

impl Overloaded {
    /// Wraps `cause` as an error that says that the target is overloaded.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }

    /// Returns whether the error, or one of its sources, is an overload.
    #[inline]
    pub(super) fn is(error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<Self>() {
                return true;
            }
            next = error.source();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(stage_macros::ErrorDebug, stage_macros::Error)]
    #[error("cannot look up")]
    struct LookUp(#[source] Overloaded);

    #[test]
    fn an_overload_is_recognised_as_the_error_and_as_its_source() {
        assert!(Overloaded::is(&Overloaded::new("busy")));
        assert!(Overloaded::is(&LookUp(Overloaded::new("busy"))));
        assert!(!Overloaded::is(&std::io::Error::other("gone")));
        let boxed: BoxError = Overloaded::new("busy").into();
        assert!(Overloaded::is(&*boxed));
    }
}
