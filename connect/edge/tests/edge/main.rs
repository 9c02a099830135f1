//! Pipelines on several machines, which share an edge in memory.
#![forbid(unsafe_code)]

mod chance;
mod dead;
mod flows;
mod laws;
mod machine;
mod once;
mod pipelines;
mod poison;
mod pools;
mod recorder;
mod trouble;
mod ui;
