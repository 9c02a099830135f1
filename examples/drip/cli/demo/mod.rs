//! `drip demo [DIR]`

mod command;
mod compare;
mod figures;
mod fixture;

pub(super) use command::run;
