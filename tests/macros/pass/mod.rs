//! Which pipelines compile, without a warning, and what do they do when they run?

mod acknowledged;
mod failures;
mod graphs;
mod hundred;
mod options;
mod qaz;
mod recipes;
