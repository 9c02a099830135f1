//! Steps as stages, on paused time: demand, ends, verdicts, and inputs in random orders.

mod demand;
mod ends;
mod inputs;
mod support;
mod verdicts;
