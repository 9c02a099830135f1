//! Takes snapshots of the pipelines of a board, once for all viewers.

mod feed;
mod history;
mod schedule;
mod span;
mod viewer;

pub(crate) use schedule::Sampler;
