//! The sources of entries: requests, and a table of a database.

use stage_connect::{PullOptions, source};
use stage_core::ack::Delivery;
use stage_core::{BoxError, Chain, Pipeline};
use stage_http::{Intake, IntakeOptions, Requests, requests};

use super::table::Table;
use crate::entry::Entry;

/// The most bytes of an entry that is posted.
const LARGEST: usize = 8 * 1024;

/// The sources of entries.
#[derive(Debug)]
pub(super) struct Sources {
    requests: Requests<Entry>,
    table: Option<Table>,
}

impl Sources {
    /// Returns the sources, and the intake of the entries that are posted. `database` is the address of a database.
    pub(super) fn new(database: Option<&str>) -> Result<(Self, Intake<Entry>), BoxError> {
        let (intake, requests) = requests(IntakeOptions::new().body_limit(LARGEST))?;
        let table = database.map(Table::new).transpose()?;
        Ok((Self { requests, table }, intake))
    }

    /// Begins a pipeline with all sources. Every source delivers entries that are acknowledged once they are counted.
    pub(super) fn begin(self, name: &str) -> Chain<Delivery<Entry>> {
        let Self { requests, table } = self;
        let chain = Pipeline::builder(name).start("requests", move || Ok(requests.clone()));
        match table {
            None => chain,
            Some(table) => {
                chain.and_start("table", move || Ok(source::pulled(table.again(), PullOptions::new())))
            }
        }
    }
}
