//! What does a pipeline become? A type whose `new` calls the public builder. Nothing here can fail.

mod assertion;
mod capture;
mod chain;
mod declaration;
mod docs;
mod options;
mod outline;
mod part;
mod pipeline;
mod policy;

pub(crate) use self::pipeline::{expand, fallback};
