//! Fuzz targets, one for each file format: random files, most of them damaged, compared with a plain
//! reference implementation. A failure names the seed that reproduces it.
//!
//! `FUZZ_SECONDS` sets how long each target runs; without it, each runs a fixed number of cases. `FUZZ_SEED`
//! sets the first seed.
#![allow(clippy::unwrap_used, reason = "a case that cannot go on has failed")]

mod csv;
mod gzip;
mod json;
mod lines;
mod random;
mod target;
mod zstd;
