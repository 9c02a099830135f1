//! The types of steps, origins and layers that a flow is composed of.
//!
//! The compiler prints the shortest path of a public type: `Sourced` instead of `flow::plan::sourced::Sourced`.
//! This module keeps compile errors short; it is hidden, and programs use [`Chain`](crate::Chain) instead. The
//! module itself has no `doc(hidden)`, only its re-export: the compiler does not shorten paths into a hidden
//! module.

pub use crate::chain::{Batched, Filter, FilterMap, FlatMap, Inspect, Map, Seen, Start, Unbatched, UniqBy};
pub use crate::combining::{CombinedFlow, KnowingFlow};
pub use crate::deadlines::{DeadlineLayer, DeadlineOperator};
pub use crate::plan::{Fed, Fused, Layer, LayerNode, Merged, Operator, Sourced, Staged, Then};
pub use crate::reduce::{
    Accumulate, AlarmSet, Bulk, ByteKey, DepartitionLayer, DepartitionOperator, Emit, EmitEvents,
    EmitNothing, EmitState, Fold, FoldAndEmit, FoldAndSet, MapLayer, MapOperator, MergeForLayer,
    MergeForOperator, MergeLayer, MergeOperator, NoAlarms, OnTrigger, ReduceLayer, ReduceOperator, Shard,
};
pub use crate::reduced::Departitioned;
pub use crate::session::{SessionFlow, SessionLayer, SessionOperator};
pub use crate::window::{AnyTime, FitsTime, SideBySide};
