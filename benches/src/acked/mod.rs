//! Cost of acknowledgement: counted events through three steps, once alone and once as deliveries.
//!
//! Both ways have the same demand, the same work per event and step, and one function per step. The
//! acknowledger only counts, so the result shows the cost of the library. The benchmark `acked` also runs
//! both ways with empty steps; `acked/k3` of `compare` has 200 ns of work per step, and adds tokio's channels
//! of `Vec`s, without acknowledgement. `acked/frames` has deliveries of 1,000 events that are split.

mod catalogue;
mod frames;
mod travel;
mod work;

pub use catalogue::workload;
pub use frames::frames;
pub use travel::{Travel, Wrong, round};
pub use work::Work;
