//! The options of steps: as declared, and with every default filled in.

mod effective;
mod knob;
#[cfg(feature = "config")]
mod redeclare;
mod sources;
mod step_options;
mod table;

pub(super) use effective::Effective;
pub(crate) use knob::Knob;
#[cfg(feature = "config")]
pub(crate) use knob::KnobValue;
#[cfg(feature = "config")]
pub(super) use redeclare::Declared;
#[cfg(feature = "config")]
pub(crate) use redeclare::StepDeclaration;
pub use sources::{OptionSource, OptionValue};
pub(super) use sources::{knob_values, option_values};
pub use step_options::StepOptions;
#[cfg(feature = "config")]
pub(crate) use step_options::StepValues;
#[cfg(feature = "config")]
pub(crate) use table::step_options;
