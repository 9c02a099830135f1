//! Flows on several machines: their results are those of one process, whatever fails.

mod across;
mod laws;
mod machine;
mod plan;
mod sales;
mod single;
