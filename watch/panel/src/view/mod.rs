//! What the page gets, as JSON.

mod description;
mod step;
mod tick;
mod verdict;

pub(crate) use description::{Description, Listed, Summary};
pub(crate) use tick::{Sample, Tick};
