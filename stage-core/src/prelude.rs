//! The names that a file with stages needs: `use stage_core::prelude::*;`.

pub use stage_macros::{consumer, pipeline, producer, producer_consumer};

pub use crate::{
    BoxError, Chain, Consumer, Context, Demand, Emitter, Events, ExitReason, Init, Nothing, Pipeline,
    Producer, ProducerConsumer, Running, StageResult, StepOptions,
};
