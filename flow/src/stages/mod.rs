//! Stages of stage-core as parts of a flow: as its source, between two layers, and at its end.

mod foreign;
mod into;
mod owned;
mod through;

pub use foreign::Foreign;
pub use into::Feeding;
pub use through::Through;
