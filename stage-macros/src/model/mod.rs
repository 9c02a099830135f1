//! Model of a pipeline: its steps with typed options, which keep the tokens they came from.

mod at_once;
mod closures;
mod lower;
mod naming;
mod number;
mod outline;
mod pipeline;
mod policy;
mod recipe;
mod scope;
mod settings;
mod values;
mod walk;

pub(crate) use self::lower::lower;
pub(crate) use self::number::Number;
pub(crate) use self::outline::{Kind, Mark, Outline};
pub(crate) use self::pipeline::{
    Across, AtMost, AtOnce, Branch, Broadcast, Buffer, By, Choice, Count, Demand, Dispatcher, EventsAtOnce,
    Failure, Gate, Model, Node, Options, Partition, Policy, Rejected, Retry, Step, Supervision, Text, ends,
};
pub(crate) use self::recipe::{RecipeExpr, Shape};
pub(crate) use self::scope::Scope;
pub(crate) use self::walk::{branches, partitions, steps};
