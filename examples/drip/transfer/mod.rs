//! Moves one file through a pipeline: cut into pieces, tracked by a token, judged once no piece is held.
//!
//! ```text
//!   durable queue ──lease──▶ Starter ──Begin, Chunk…, End──▶ stages ──▶ Notifier
//!        ▲                                                    │ hold dropped, or held to the end
//!        └──────────── queue.settle() ◀── verdicts ◀──────────┘
//! ```
//!
//! 1. Every piece, and every stage's entry for a started transfer, carries a [`Hold`] of its transfer's lease.
//! 2. A hold that is dropped without [`Hold::handled`] (a panic, a restart, a stop) makes its transfer dead.
//! 3. A lease is judged when its last hold is gone, so no piece of an attempt is left when the next one starts.
//! 4. A stage replaces the pieces of a dead transfer by `Broken`, and discards its entry.
//! 5. A piece for which a stage has no entry (because it was restarted) makes its transfer dead: a stage never
//!    guesses lost state.
//! 6. A transient failure is retried after a delay; an outage, which is no transfer's fault, costs no attempt.

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
