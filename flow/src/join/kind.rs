//! The kinds of joins: pairs only, or also the events without a partner.

use std::fmt::Debug;

/// Which events a join emits, and in which form. A side that may be missing is an `Option`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of join",
    label = "not `Inner`, `LeftOuter`, `RightOuter` or `FullOuter`",
    note = "the kind is the first argument, then come a window, if the join has one, the other flow and the two keys: `orders.bounded_join(Inner, customers, |order| order.customer, |customer| customer.id)`"
)]
pub trait JoinKind<L, R>: Clone + Copy + Debug + Send + Sync + 'static {
    /// The result of the join.
    type Out: Send + 'static;

    /// Combines two events with the same key.
    #[doc(hidden)]
    fn pair(left: L, right: R) -> Self::Out;

    /// Converts a left event whose key the right side does not have; `None` if such events are not emitted.
    #[doc(hidden)]
    fn left(left: L) -> Option<Self::Out>;

    /// Converts a right event whose key the left side does not have; `None` if such events are not emitted.
    #[doc(hidden)]
    fn right(right: R) -> Option<Self::Out>;
}

/// Which events a [lookup](crate::Flow::lookup_join) emits: [`Inner`] or [`LeftOuter`]. The rows of the table that have
/// no partner are not known before all stages have ended, so there is no other.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of lookup",
    label = "not `Inner` or `LeftOuter`",
    note = "a lookup emits an event of its large flow with its row; `bounded_join` also emits rows without a partner"
)]
pub trait LookupKind<L, R>: JoinKind<L, R> {}

impl<L: Send + 'static, R: Send + 'static> LookupKind<L, R> for Inner {}
impl<L: Send + 'static, R: Send + 'static> LookupKind<L, R> for LeftOuter {}

/// Emits pairs only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner;
/// Emits pairs, and the left events without a partner once the right flow, or their window, has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOuter;
/// Emits pairs, and the right events without a partner once the left flow, or their window, has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RightOuter;
/// Emits pairs, and the events without a partner once the other flow, or their window, has ended; of a window, first
/// the left ones, then the right ones.
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
