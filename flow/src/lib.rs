//! How will a query over events be written? As a lazy flow that compiles to stages. Nothing is built yet.
//!
//! This crate is a place and a plan; it exports nothing. What runs today is the engine, `stage-core`, and its
//! pipelines. The plan, so that the words mean the same from the start:
//!
//! ```text
//!   Flow::from(source)          a description: nothing runs until collect, run, start, iter or into_stream
//!      .map(…).filter(…)        fused at compile time into one loop inside one stage
//!      .partition(key)          a new layer, fed through the partition dispatcher
//!      .reduce(…)               state per partition and per window
//!      .collect().await
//!
//!   source ─▶ [map·filter]₁ ─┬─▶ [reduce]₁ ─▶
//!          ─▶ [map·filter]₂ ─┴─▶ [reduce]₂ ─▶      demand flows up each arrow, events down
//! ```
//!
//! * **Lazy and typed.** A flow is a value, `Clone`, and runs as often as it is started. What GenStage's Flow
//!   refuses when it runs is to be a type error here.
//! * **The same engine.** Layers become stages with demand, dispatchers, supervision and draining; there is no
//!   second runtime.
//! * **Partitions** hash a key once and carry the hash; a reducer that can merge partial results combines
//!   before the exchange, so that a group-by ships one entry per key and worker, not one per event.
//! * **Windows**: global, by count, fixed, sliding, session, periodic; triggers by count and time; watermarks
//!   that are decided at the source, so that results depend neither on batching nor on the number of stages.
//! * **Both worlds.** Terminals are async; `iter` and `collect_blocking` are their synchronous twins.
#![forbid(unsafe_code)]
