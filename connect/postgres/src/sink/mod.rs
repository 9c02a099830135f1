//! A sink that stores batches of messages as rows.

mod array;
mod row;
mod table;
mod write;

pub use row::Row;
pub use table::TableSink;
