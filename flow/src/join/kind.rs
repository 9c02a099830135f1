//! What comes out of a join: pairs, and if wanted those without a partner.

use std::fmt::Debug;

/// Which events come out of a join, and as what. A side that may be missing is an `Option`.
pub trait JoinKind<L, R>: Clone + Copy + Debug + Send + Sync + 'static {
    /// What comes out.
    type Out: Send + 'static;

    /// Two events of the same key.
    #[doc(hidden)]
    fn pair(left: L, right: R) -> Self::Out;

    /// An event of the left side whose key the right side does not have.
    #[doc(hidden)]
    fn left(left: L) -> Option<Self::Out>;

    /// An event of the right side whose key the left side does not have.
    #[doc(hidden)]
    fn right(right: R) -> Option<Self::Out>;
}

/// Only pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner;
/// Pairs, and at the end what of the left side has no partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOuter;
/// Pairs, and at the end what of the right side has no partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RightOuter;
/// Pairs, and at the end what has no partner: first of the left side, then of the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullOuter;

impl<L: Send + 'static, R: Send + 'static> JoinKind<L, R> for Inner {
    type Out = (L, R);

    fn pair(left: L, right: R) -> Self::Out {
        (left, right)
    }

    fn left(_left: L) -> Option<Self::Out> {
        None
    }

    fn right(_right: R) -> Option<Self::Out> {
        None
    }
}

impl<L: Send + 'static, R: Send + 'static> JoinKind<L, R> for LeftOuter {
    type Out = (L, Option<R>);

    fn pair(left: L, right: R) -> Self::Out {
        (left, Some(right))
    }

    fn left(left: L) -> Option<Self::Out> {
        Some((left, None))
    }

    fn right(_right: R) -> Option<Self::Out> {
        None
    }
}

impl<L: Send + 'static, R: Send + 'static> JoinKind<L, R> for RightOuter {
    type Out = (Option<L>, R);

    fn pair(left: L, right: R) -> Self::Out {
        (Some(left), right)
    }

    fn left(_left: L) -> Option<Self::Out> {
        None
    }

    fn right(right: R) -> Option<Self::Out> {
        Some((None, right))
    }
}

impl<L: Send + 'static, R: Send + 'static> JoinKind<L, R> for FullOuter {
    type Out = (Option<L>, Option<R>);

    fn pair(left: L, right: R) -> Self::Out {
        (Some(left), Some(right))
    }

    fn left(left: L) -> Option<Self::Out> {
        Some((Some(left), None))
    }

    fn right(right: R) -> Option<Self::Out> {
        Some((None, Some(right)))
    }
}
