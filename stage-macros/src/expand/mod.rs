//! Expansion of a pipeline: a type whose `new` calls the public builder. Expansion cannot fail.

mod across;
mod assertion;
mod capture;
mod chain;
mod declaration;
mod docs;
mod mismatch;
mod options;
mod outline;
mod part;
mod pipeline;
mod policy;

pub(crate) use self::pipeline::{expand, fallback};
