//! Does it all work, and how fast? The command `drip demo [DIR]`.

mod command;
mod compare;
mod figures;
mod fixture;

pub(super) use command::run;
