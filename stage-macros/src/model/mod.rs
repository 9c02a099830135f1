//! What does the pipeline say? Its steps with their typed options, still with the tokens they came from.

mod lower;
mod naming;
mod number;
mod pipeline;
mod recipe;
mod scope;
mod settings;

pub(crate) use self::lower::lower;
pub(crate) use self::number::Number;
pub(crate) use self::pipeline::{By, Model, Options, Placement, Step, Text};
pub(crate) use self::recipe::{Recipe, Shape};
pub(crate) use self::scope::Scope;
