//! How one file moves through a pipeline: cut into pieces, held by a token, judged once nobody holds any of it.
//!
//! ```text
//!   durable queue ──lease──▶ Starter ──Begin, Chunk…, End──▶ stages ──▶ Notifier
//!        ▲                                                    │ hold dropped, or held to the end
//!        └──────────── queue.settle() ◀── verdicts ◀──────────┘
//! ```
//!
//! 1. Every piece, and every stage's entry for a transfer it has begun, carries a [`Hold`] of that transfer's lease.
//! 2. A hold that is dropped without [`Hold::handled`] (a panic, a restart, a stop) makes its transfer dead.
//! 3. A lease is judged when its last hold is gone, so no piece of an attempt is left when the next attempt begins.
//! 4. A stage passes on `Broken` for a dead transfer, in the place of whatever would have come, and forgets it.
//! 5. A piece for which a stage has no entry (it was restarted) makes its transfer dead: what a stage cannot continue, it does not
//!    invent.
//! 6. What failed in passing waits before it is tried again; an outage, which is no transfer's fault, costs no attempt.

mod buffer;
mod committer;
mod copies;
mod delayed;
mod failure;
mod hold;
mod outage;
mod pace;
mod piece;
mod queue;
mod starter;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod verdicts;
mod witness;

pub use buffer::{Buffer, Buffers};
pub(crate) use committer::{AsyncCommit, Committer};
pub(crate) use copies::copies;
pub use failure::Failure;
pub use hold::Hold;
pub use outage::PATIENCE;
pub use piece::{Fetched, Opened, Origin, Part, Piece, Sealed, SealedEnd, Shape, Stored, StoredEnd, Wanted};
pub use queue::{ATTEMPTS, Queue};
pub use starter::{Next, Source, Starter};
pub use table::{Table, Work};
pub use verdicts::{Judged, Taken, Verdict, Verdicts};
pub use witness::Witness;
