//! What tests of stages and dispatchers need.

mod buffer;
mod hub;

pub use buffer::Buffer;
pub use hub::Hub;
