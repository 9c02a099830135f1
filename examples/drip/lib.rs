//! drip seals files and keeps them: a real program on stage-core, and its example of two pipelines.
//!
//! ```text
//! upload:   Starter ═▶ Encryption ═▶ RemoteStorage ═▶ Notifier       files → sealed objects
//! download: Starter ═▶ RemoteStorage ═▶ Encryption ═▶ Notifier       sealed objects → files
//! ```
//!
//! From the bottom up: [`seal`] makes bytes unreadable and untouchable, [`store`] keeps objects, [`repository`] keeps users, media
//! and the queue of transfers, [`record`] is what of that a sealed object holds, [`cache`] keeps small files at hand. [`beneath`]
//! and [`durable`] are how files are reached and made to last. [`transfer`] is how one file moves through a pipeline;
//! [`upload`] and [`download`] are the two pipelines and their stages. [`regular`] opens what is read, [`walk`] finds files, [`session`] opens a data folder,
//! [`report`] shows what happens, [`cli`] is the command line.
//!
//! `docs/design/drip.md` says why.
#![forbid(unsafe_code)]

pub mod beneath;
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
