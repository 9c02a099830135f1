//! The stage that runs one task per event: sections 18 to 22 of the table, and the cases its suite leaves
//! out.

mod consuming;
mod restarts;
mod start;
mod subscribing;
mod support;
mod termination;
mod uncovered;
