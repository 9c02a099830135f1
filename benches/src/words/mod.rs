//! Cost of counting by key: the words of a text of 200 MB, 100,000 different ones, by Zipf's law.
//!
//! `str` counts by the bytes of a word, allocated once for each different word; `inline` by a number that
//! holds up to 15 bytes of a word and its length. All hash with rustc-hash. The file is in the page cache.
//! The peers on rayon get the text in memory, read before the clock starts; this project and the hand-written
//! threads read the file.

mod blocks;
mod contenders;
mod hand;
mod key;
mod rayon_chunks;
mod rayon_lines;
#[cfg(feature = "renoir")]
mod renoir;
mod text;
#[cfg(feature = "peers")]
mod timely;
mod us;

pub use contenders::workloads;
pub use key::{Key, Packed};
pub use text::{Text, WrongCounts};
pub use us::count as count_by_flow;
