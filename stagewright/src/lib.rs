//! Demand-driven stream processing in one crate: supervised pipelines with back-pressure, partitioned queries,
//! connectors and a view of what runs.
//!
//! This crate re-exports the others. Everything of `stage_core` is in the root; the query engine is the module
//! [`flow`]; the rest comes with features of the names below.
//!
//! ```
//! use stagewright::pipeline;
//!
//! pipeline! {
//!     /// Prints the squares of the numbers below `limit`.
//!     Squares(limit: u64) {
//!         start  0..limit;
//!         step   |number: u64| number * number, count: 2;
//!         finish |square| println!("{square}");
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stagewright::BoxError> {
//! Squares::new(10).start().await?.join().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`pipeline!`] finds the library by itself. The attributes of stages take its path:
//!
//! ```
//! #[stagewright::producer_consumer(crate = ::stagewright)]
//! fn double(number: u64) -> u64 {
//!     2 * number
//! }
//! ```
//!
//! # Features
//!
//! * `flow` (default): the module `flow`.
//! * `config`, `crossbeam`, `rayon`, `serde`, `test-util`, `trace`: as of `stage_core`.
//! * `csv`, `gzip`, `json`, `zstd`: the file formats of `flow`.
//! * `connect`, `files`, `http`, `kafka`, `nats`, `objects`, `parquet`, `postgres`, `rabbitmq`, `redis`, `sqlite`: the traits of
//!   connectors and the connectors, in the module `connect`. `kafka` compiles a C library.
//! * `edge`: edges of pipelines between machines, the module `connect::edge`; with `nats`, also on NATS `JetStream`; with
//!   `postgres` and `sqlite`, as pools in a database; with `flow`, windows whose state survives its machine.
//! * `panel`: a live page of running pipelines, the module `panel`.
//! * `metrics`: the numbers for `StatsD`, Prometheus and others, the module `metrics`.
//! * `otel`: traces for OpenTelemetry, the module `otel`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "flow")]
#[doc(inline)]
pub use flow;
pub use stage_core::*;
#[cfg(feature = "metrics")]
#[doc(inline)]
pub use stage_metrics as metrics;
#[cfg(feature = "otel")]
#[doc(inline)]
pub use stage_otel as otel;
#[cfg(feature = "panel")]
#[doc(inline)]
pub use stage_panel as panel;

/// Connectors to queues, brokers, databases and HTTP.
#[cfg(any(feature = "connect", feature = "http", feature = "objects", feature = "parquet"))]
pub mod connect {
    #[cfg(feature = "connect")]
    #[doc(inline)]
    pub use stage_connect::*;
    #[cfg(feature = "edge")]
    #[doc(inline)]
    pub use stage_edge as edge;
    #[cfg(feature = "files")]
    #[doc(inline)]
    pub use stage_files as files;
    #[cfg(feature = "http")]
    #[doc(inline)]
    pub use stage_http as http;
    #[cfg(feature = "kafka")]
    #[doc(inline)]
    pub use stage_kafka as kafka;
    #[cfg(feature = "nats")]
    #[doc(inline)]
    pub use stage_nats as nats;
    #[cfg(feature = "objects")]
    #[doc(inline)]
    pub use stage_objects as objects;
    #[cfg(feature = "parquet")]
    #[doc(inline)]
    pub use stage_parquet as parquet;
    #[cfg(feature = "postgres")]
    #[doc(inline)]
    pub use stage_postgres as postgres;
    #[cfg(feature = "rabbitmq")]
    #[doc(inline)]
    pub use stage_rabbitmq as rabbitmq;
    #[cfg(feature = "redis")]
    #[doc(inline)]
    pub use stage_redis as redis;
    #[cfg(feature = "sqlite")]
    #[doc(inline)]
    pub use stage_sqlite as sqlite;
}

#[doc(hidden)]
pub mod __macros {
    pub use stage_core::pipeline;
    #[cfg(feature = "edge")]
    pub use stage_edge;
}

/// Declares a pipeline, as `stage_core::pipeline!` does; its documentation describes the language.
#[macro_export]
macro_rules! pipeline {
    ($($declaration:tt)*) => {
        $crate::__macros::pipeline! { @in($crate, $crate::__macros::stage_edge) $($declaration)* }
    };
}
