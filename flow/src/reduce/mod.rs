//! Turning the events of a window into one value, and handing out what became of it.

mod alarms;
mod by_time;
mod departition;
mod emit;
mod layer;
mod map_layer;
mod marks;
mod merge_layer;
mod open;
mod operator;
mod partials;
mod reducer;

pub use alarms::{AlarmSet, Alarms, NoAlarms};
pub use departition::{DepartitionLayer, DepartitionOperator};
pub use emit::{Emit, EmitEvents, EmitNothing, EmitState, OnTrigger};
pub use layer::ReduceLayer;
pub use map_layer::{MapLayer, MapOperator};
pub(crate) use marks::Marks;
pub use merge_layer::{MergeLayer, MergeOperator};
pub use operator::ReduceOperator;
pub use partials::{Partials, Shard};
pub use reducer::{Accumulate, Fold, FoldAndEmit, FoldAndSet, Reducer};
