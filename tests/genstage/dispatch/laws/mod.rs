//! The laws of dispatchers and of the buffer, over random histories.

mod broadcast;
mod buffer;
mod history;
mod one_each;
mod pure;
mod sole;
