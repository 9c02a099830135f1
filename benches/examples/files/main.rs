//! Storage of files: 400 files of 4 MiB are read, sealed, and put by `object_store`, beside the peers.
//!
//! `cargo run --release -p benches --example files [-- --json] [--quick] [WORKLOAD…]`
//!
//! ```text
//! file ─▶ chunks of 256 KiB ─▶ frames of AES-256-GCM, BLAKE3 of the clear bytes ─▶ object: staged, then renamed
//! ```
//!
//! This project runs drip's upload pipeline unchanged, with a queue in memory instead of its database. The
//! peers call the same functions for a file's header, frames and trailer, take their memory from the same
//! kind of pool and put into the same kind of store. All objects survive a power cut at the end of a round:
//! drip syncs them in batches as uploads end, the peers all at once at the end. All write new objects:
//! on a disk for `files/disk`, in memory for `files/tmpfs`. The files are on the disk and in the page cache.
//! After each round, outside the measured time, all checksums and sizes are compared with those of the files,
//! one object in forty is opened, and the objects are removed.
//!
//! The objects are removed because no upload replaces an object unless it is a retry: when a rename replaced
//! the last round's objects, the measured time was that of the file system, which frees the replaced one
//! within the call.
#![forbid(unsafe_code)]

mod contenders;
mod fixture;
mod ledger;
mod rayon_chunks;
mod sealing;
mod tokio_vec;
mod us;

use std::process::ExitCode;

fn main() -> ExitCode {
    benches::compare::run("--example files", contenders::workloads)
}
