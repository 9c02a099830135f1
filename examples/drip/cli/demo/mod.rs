//! The command `drip demo [DIR]`: an end-to-end test with performance figures.

mod command;
mod compare;
mod figures;
mod fixture;

pub(super) use command::run;
