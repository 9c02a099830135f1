//! Fuzz targets, one for each format that files are read in: random files, most of them damaged, against a plain
//! reference. A failure names the seed that repeats it.
//!
//! `FUZZ_SECONDS` is how long each target runs; without it, each runs a fixed number of cases. `FUZZ_SEED` is the
//! first seed.
#![allow(clippy::unwrap_used, reason = "a case that cannot go on has failed")]

mod csv;
mod gzip;
mod json;
mod lines;
mod random;
mod target;
mod zstd;
