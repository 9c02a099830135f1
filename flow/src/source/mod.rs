//! Where events come from: parts that are read one after the other or side by side.

mod iters;
mod part;
mod slice;
mod stamper;

pub use iters::{IterPart, Iters};
pub use part::{More, Part, Source};
pub use slice::{SharedSlice, SlicePart};
pub use stamper::{ByTime, LiveByTime, LiveStamper, NoStamp, Stamper};
