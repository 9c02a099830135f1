//! What does acknowledgement cost? Counted events through three steps, once alone and once as deliveries.
//!
//! Both ways have the same demand, the same work per event and step, and one function per step. The acknowledger
//! only counts, so that what is measured is the library's part. The benchmark `acked` has both ways with empty
//! steps too; `acked/k3` of `compare` has 200 ns of work a step, and tokio's channels of `Vec`s beside them, which
//! nobody acknowledges.

mod catalogue;
mod travel;
mod work;

pub use catalogue::workload;
pub use travel::{Travel, Wrong, round};
pub use work::Work;
