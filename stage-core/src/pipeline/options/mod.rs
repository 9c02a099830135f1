//! The options of steps: as declared, and with every default filled in.

mod effective;
#[cfg(feature = "config")]
mod redeclare;
mod step_options;

pub(super) use effective::Effective;
#[cfg(feature = "config")]
pub(super) use redeclare::Declared;
#[cfg(feature = "config")]
pub(crate) use redeclare::StepDeclaration;
pub use step_options::StepOptions;
