//! Laws of the decisions of steps over random histories, without a runtime: time and demand are arguments.

mod inputs;
mod passing;
mod play;
mod timed;
