//! Do pipelines run with the options they are given from outside, and is everything wrong with those found?
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod effects;
mod mistakes;
mod places;
mod shown;
mod support;
