//! The command line: arguments, and the implementation of each command.

mod args;
mod changed;
mod demo;
mod download;
mod entry;
mod failed;
mod interrupt;
mod list;
mod logging;
mod output;
mod pipelines;
mod plan;
mod queue;
mod rebuild;
mod remove;
mod run;
mod show;
mod targets;
mod upload;
mod usage;
mod verify;

pub use args::{Args, Command};
pub use entry::main;
