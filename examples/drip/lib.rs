//! drip seals files and stores them: a complete program on stage-core, with two pipelines.
//!
//! ```text
//! upload:   Starter ═▶ Encryption ═▶ RemoteStorage ═▶ Notifier       files → sealed objects
//! download: Starter ═▶ RemoteStorage ═▶ Encryption ═▶ Notifier       sealed objects → files
//! ```
//!
//! From the bottom up: [`seal`] encrypts and authenticates bytes, [`store`] stores objects, [`repository`]
//! stores users, media and the queue of transfers, [`record`] is the part of that data which a sealed object
//! holds, and [`cache`] caches small files. [`buffer`] lends memory for chunks. [`beneath`] and [`durable`] access files safely and make them
//! durable. [`transfer`] moves one file through a pipeline; [`upload`] and [`download`] are the two pipelines
//! and their stages. [`regular`] opens files to read, [`walk`] finds files, [`session`] opens a data folder,
//! [`report`] shows progress and results, [`cli`] is the command line.
//!
//! `docs/design/drip.md` gives the reasons for this design.
#![forbid(unsafe_code)]

pub mod beneath;
pub mod buffer;
pub mod cache;
pub mod cli;
pub mod download;
pub mod durable;
pub mod record;
pub mod regular;
pub mod report;
pub mod repository;
pub mod seal;
pub mod session;
pub mod store;
pub mod transfer;
pub mod upload;
pub mod walk;

pub use cli::main;
