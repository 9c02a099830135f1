//! What crosses to other machines, and what stays: the messages of the compiler.

use flow::OfEventTime;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Values that move between machines: the events of a flow, and the keys and values of its windows.
///
/// Implemented for all types with the traits of serde, `Clone` and `Send`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stage_edge::flow::Persist;
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Sale { shop: u32, pence: u64 }
///
/// fn crosses(_: impl Persist) {}
/// crosses(Sale { shop: 1, pence: 250 });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot move to another machine",
    label = "cannot be stored on a server",
    note = "the events of a flow, and the keys and values of its windows, need `Clone`, `serde::Serialize` and `serde::Deserialize`: derive them, or keep plain data instead"
)]
pub trait Persist: Clone + Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Serialize + DeserializeOwned + Send + 'static> Persist for T {}

/// The kinds of windows whose state moves between machines.
#[diagnostic::on_unimplemented(
    message = "these windows cannot move to another machine",
    label = "neither fixed nor sliding windows of event time",
    note = "behind `across`, write `Window::fixed(…)` or `Window::sliding(…)`: windows by number and by the clock depend on one machine"
)]
pub trait Crosses: OfEventTime {}

#[diagnostic::do_not_recommend]
impl<W: OfEventTime> Crosses for W {}

/// Steps that stay on one machine.
#[diagnostic::on_unimplemented(
    message = "this step cannot follow `across`: its state stays on one machine",
    label = "not on many machines",
    note = "behind `across`, write `.window(Window::fixed(…)).reduce(init, fold)`, whose state moves; the partition follows from the key of `across`",
    note = "sessions and joins belong into a flow on one machine, over the results"
)]
pub trait Stays {}
