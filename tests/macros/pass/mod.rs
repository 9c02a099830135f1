//! Pipelines that compile without a warning, and their behaviour at run time.

mod acknowledged;
mod failures;
mod graphs;
mod hundred;
mod options;
mod qaz;
mod recipes;
mod rejected;
