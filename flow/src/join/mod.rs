//! Joins of two flows by key, with or without the events that have no partner.
//!
//! ```
//! use flow::Flow;
//! use flow::join::{FullOuter, Inner, JoinKind, LeftOuter, LookupKind, RightOuter};
//!
//! type User = (u32, &'static str);
//! type Size = (u32, u64);
//!
//! /// Counts the results of a join of users and sizes.
//! async fn count(kind: impl JoinKind<User, Size>) -> Result<u64, flow::FlowError> {
//!     let users = Flow::from_items([(1, "Joe"), (2, "Robert")]);
//!     let sizes = Flow::from_items([(1, 10), (3, 30)]);
//!     users.bounded_join(kind, sizes, |user: &User| user.0, |size: &Size| size.0).count().await
//! }
//!
//! /// Whether a kind is one of those for look-ups.
//! fn for_look_ups(_: impl LookupKind<User, Size>) -> bool {
//!     true
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), flow::FlowError> {
//! assert_eq!((count(Inner).await?, count(FullOuter).await?), (1, 3));
//! assert_eq!((count(LeftOuter).await?, count(RightOuter).await?), (2, 2));
//! assert!(for_look_ups(Inner) && for_look_ups(LeftOuter));
//! # Ok(())
//! # }
//! ```

mod few;
mod joins;
mod kind;
mod lookup;
mod operator;
mod side;
mod sides;

#[doc(hidden)]
pub use joins::JoinedFlow;
pub use kind::{FullOuter, Inner, JoinKind, LeftOuter, LookupKind, RightOuter};
#[doc(hidden)]
pub use lookup::{Lookup, LookupFlow, LookupLayer, LookupOperator, Table};
#[doc(hidden)]
pub use operator::{JoinLayer, JoinOperator};
#[doc(hidden)]
pub use side::Side;
