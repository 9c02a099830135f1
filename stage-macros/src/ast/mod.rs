//! The syntax tree of a pipeline, token for token, before any validation.

mod body;
mod branch;
mod header;
mod read;
mod setting;
mod syntax;

pub(crate) use self::read::read;
pub(crate) use self::syntax::{Ast, Branch, Broadcast, Header, Item, Param, Part, Partition, Setting, Stage};
