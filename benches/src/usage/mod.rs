//! Cost of a small query: 5,000,000 media grouped by 100,000 users, joined, named, sorted.
//!
//! ```text
//! media ─▶ files and bytes of each user ─┐
//! users ─────────────────────────────────┴▶ left outer join ─▶ names from addresses ─▶ sorted by bytes
//! ```
//!
//! The media belong to users by Zipf's law; 284 users have none. Maps hash with rustc-hash, all contenders
//! share the addresses, and the output is a list of owned rows.

mod contenders;
mod data;
mod hand_partitioned;
mod rayon_chunks;
#[cfg(feature = "renoir")]
mod renoir;
mod single;
mod us;

pub use contenders::workload;
