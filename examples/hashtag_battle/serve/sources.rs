//! The sources of entries. A further one, such as a table of a database, joins them in [`Sources::begin`].

use stage_core::ack::Delivery;
use stage_core::{BoxError, Chain, Pipeline};
use stage_http::{Intake, IntakeOptions, Requests, requests};

use crate::entry::Entry;

/// The most bytes of an entry.
const LARGEST: usize = 8 * 1024;

/// The sources of entries.
#[derive(Debug)]
pub(super) struct Sources {
    requests: Requests<Entry>,
}

impl Sources {
    /// Returns the sources, and the intake of the entries that are posted.
    pub(super) fn new() -> Result<(Self, Intake<Entry>), BoxError> {
        let (intake, requests) = requests(IntakeOptions::new().body_limit(LARGEST))?;
        Ok((Self { requests }, intake))
    }

    /// Begins a pipeline with all sources. Every source delivers entries that are acknowledged once they are counted;
    /// `Chain::and_start` adds another one.
    pub(super) fn begin(self, name: &str) -> Chain<Delivery<Entry>> {
        let Self { requests } = self;
        Pipeline::builder(name).start("requests", move || Ok(requests.clone()))
    }
}
