//! Dispatchers and the buffer, as plain values: sections 14 to 17 of the table, the cases its suite leaves
//! out, and the laws.

mod broadcast;
mod buffer;
mod demand;
mod laws;
mod left_out;
mod partition;
mod support;
mod uneven;
mod warnings;
