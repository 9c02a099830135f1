//! Keyed windows whose state can be saved, moved to another machine and restored.
//!
//! [`KeyedWindows`] describes a layer of a flow with one value per window and key. [`OpenWindows`] is the state of one
//! partition of it. The state has no clock and no stages: the same events in the same order give the same results, and
//! a state that is restored continues as if it had never been saved.
//!
//! For crates that connect machines, which move the events and the states; programs use their modules.
//!
//! ```
//! use std::time::Duration;
//!
//! use flow::Window;
//! use flow::persist::KeyedWindows;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let second = Window::fixed(Duration::from_secs(1));
//! let counts = KeyedWindows::new(second, |word: &&str| word.len(), || 0_u64, |count, _| *count += 1)?;
//! let (mut state, mut results) = (counts.open(1), Vec::new());
//! state.event(0, 100, 100, "one", &mut |result| results.push(result));
//! state.event(0, 200, 200, "two", &mut |result| results.push(result));
//!
//! let saved = state.save();
//! let mut state = counts.restore(saved, 1)?;
//! state.event(0, 1500, 1500, "three", &mut |result| results.push(result));
//! assert_eq!(results.len(), 1);
//! assert_eq!((results[0].start, results[0].key, results[0].value), (0, 3, 2));
//! # Ok(())
//! # }
//! ```

mod combine;
mod cut;
mod event_times;
mod saved;
#[cfg(test)]
mod tests;
mod windows;

pub use combine::Combined;
pub use cut::{Cut, CutFlow, CutPart, PartByPart, Read};
pub use event_times::EventTimes;
pub(crate) use saved::{Kept, KeptWay, KeptWindow};
pub use saved::{RestoreError, Saved};
pub use windows::{KeyedWindows, OpenWindows, WindowResult};
