//! Reducers: fold the events of a window into one value, and emit results from it.

mod alarms;
mod by_time;
mod byte_key;
mod combine;
mod departition;
mod emit;
mod gaps;
mod in_place;
#[cfg(feature = "persist")]
mod keep;
mod layer;
mod map_layer;
mod marks;
mod merge_for;
mod merge_layer;
mod open;
mod operator;
mod partials;
mod periods;
mod reducer;
mod shard;
mod short;
mod slots;

pub use alarms::{AlarmSet, Alarms, NoAlarms};
pub use byte_key::ByteKey;
pub(crate) use combine::{Deal, FoldPartials};
pub use departition::{DepartitionLayer, DepartitionOperator};
pub use emit::{Emit, EmitEvents, EmitNothing, EmitState, OnTrigger};
pub(crate) use in_place::InPlace;
pub use layer::ReduceLayer;
pub use map_layer::{MapLayer, MapOperator};
pub(crate) use marks::Marks;
pub use merge_for::{Bulk, MergeForLayer, MergeForOperator};
pub(crate) use merge_layer::Merge;
pub use merge_layer::{MergeLayer, MergeOperator};
pub use operator::ReduceOperator;
pub use partials::Partials;
pub use reducer::{Accumulate, Fold, FoldAndEmit, FoldAndSet, Reducer};
pub use shard::Shard;
