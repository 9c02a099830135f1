//! The parts of a whole between two stages.

use crate::ack::{Delivery, Piece};

/// A part of a whole: one `Begin`, any number of `Next` in order, and one `End`. From a failure on, `Broken`
/// replaces the remaining parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<B, N, E> {
    /// The whole begins.
    Begin(B),
    /// Its next part.
    Next(N),
    /// The whole is complete.
    End(E),
    /// The whole is dead: a stage with a state of it discards the state. May arrive several times.
    Broken,
}

/// The event of a stage that handles pieces: a [`Delivery`] of a [`Piece`] of a `T`.
pub type Event<T, P> = Delivery<Piece<T, P>>;

/// The types of the parts between two stages, declared as a [`Part`]: `type Clear = Part<Header, Bytes, Checksum>`.
/// Sealed.
///
/// ```
/// use stage_core::piecewise::{Part, Parts};
///
/// type Words = Part<(), &'static str, ()>;
///
/// /// Returns the length of a part in the middle of a whole.
/// fn length<P: Parts<Next = &'static str>>(next: P::Next) -> usize {
///     next.len()
/// }
/// assert_eq!(length::<Words>("three"), 5);
/// ```
pub trait Parts: sealed::Sealed + Send + 'static {
    /// The content of [`Part::Begin`].
    type Begin: Send;
    /// The content of [`Part::Next`].
    type Next: Send;
    /// The content of [`Part::End`].
    type End: Send;

    #[doc(hidden)]
    fn into_part(self) -> Part<Self::Begin, Self::Next, Self::End>;

    #[doc(hidden)]
    fn of(part: Part<Self::Begin, Self::Next, Self::End>) -> Self;
}

impl<B, N, E> Parts for Part<B, N, E>
where
    B: Send + 'static,
    N: Send + 'static,
    E: Send + 'static,
{
    type Begin = B;
    type Next = N;
    type End = E;

    fn into_part(self) -> Self {
        self
    }

    fn of(part: Self) -> Self {
        part
    }
}

mod sealed {
    pub trait Sealed {}
    impl<B, N, E> Sealed for super::Part<B, N, E> {}
}
