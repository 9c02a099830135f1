//! Lines of files that grow, as sources of acknowledged pipelines.
//!
//! ```text
//!   app.log ──▶ FilePull ══ Delivery<Line> ═▶ steps ═▶ sink
//!      │                                               │ acknowledged, in any order
//!   app.log.1                checkpoint ◀── FileSettle ◀┘
//!   (rotated)          behind the last line before which all are handled
//! ```
//!
//! * [`Follow`] names a file and the file of its checkpoint. [`Follow::pull`] makes the connector.
//! * Every line is delivered at least once: after a restart, also after a kill or a power cut, the source goes on at the
//!   checkpoint. It is replaced by a rename, after its content is on the disk.
//! * A rotated file is read to its end before the one that took its name. Renamed files are recognised by inode and by their
//!   first bytes, also if they were renamed while no process followed them.
//! * A file that was truncated is read from its beginning. Both are reported as a [`Change`].
//! * A rejected line is delivered again; those behind it go on meanwhile, and the checkpoint waits for it.
//!
//! ```
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//! use stage_files::Follow;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (log, checkpoint) = (folder.path().join("app.log"), folder.path().join("app.checkpoint"));
//! std::fs::write(&log, "one\ntwo\n")?;
//! // Without `to_end`, the source waits for more lines.
//! let follow = Follow::new(&log, &checkpoint).to_end();
//! let pipeline = Pipeline::builder("log")
//!     .start("lines", move || Ok(source::pulled(follow.pull(), PullOptions::new())))
//!     .acknowledged()
//!     .finish_fn("print", |line| println!("{}", line.to_string_lossy()));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.settlement.acknowledged, 2);
//! # Ok(())
//! # }
//! ```
//!
//! The crate is for Unix, whose files have inodes.
//!
//! The connector can be called by itself, and reports what happens to the file:
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::sync::{Arc, Mutex};
//! use std::time::Duration;
//!
//! use stage_connect::Pull;
//! use stage_files::{Change, FilePull, FileSettle, Follow, Receipt, StartAt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (log, checkpoint) = (folder.path().join("app.log"), folder.path().join("app.checkpoint"));
//! std::fs::write(&log, "one\ntwo\n")?;
//! let changes = Arc::new(Mutex::new(Vec::<Change>::new()));
//! let seen = Arc::clone(&changes);
//! let follow = Follow::new(&log, &checkpoint)
//!     .start_at(StartAt::Beginning)
//!     .poll_every(Duration::from_millis(10))
//!     .max_line_bytes(64 * 1024)
//!     .window(1_000)
//!     .dead_letters(folder.path().join("dead.log"))
//!     .on_change(move |change| seen.lock().expect("no holder panics").push(change.clone()));
//! let mut lines: FilePull = follow.pull();
//! let _checkpoints: FileSettle = lines.settle_half();
//! lines.connect().await?;
//! let pulled = lines.pull(NonZeroUsize::MIN, Duration::from_secs(60)).await?;
//! let _to_settle: &Receipt = &pulled[0].receipt;
//! assert_eq!(pulled[0].message.to_string_lossy(), "one");
//! assert!(changes.lock().expect("no holder panics").is_empty());
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod change;
mod checkpoint;
mod follow;
mod generation;
mod line;
mod progress;
mod pull;
mod rotation;
mod settle;
mod shared;
mod tail;

pub use change::Change;
pub use follow::{Follow, StartAt};
pub use line::Line;
pub use pull::FilePull;
pub use settle::{FileSettle, Receipt};
