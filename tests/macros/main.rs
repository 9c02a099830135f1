//! Does `pipeline!` do what its docs say: the pipelines it declares, and the mistakes it reports?
#![forbid(unsafe_code)]

mod options;
mod qaz;
mod recipes;
mod ui;
