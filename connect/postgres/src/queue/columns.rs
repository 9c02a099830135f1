//! New jobs as the parameters of a statement.

use tokio_postgres::types::{ToSql, Type};

use super::job::NewJob;
use super::options::QueueOptions;

/// New jobs as columns.
pub(super) struct Columns<'a> {
    lane: &'a str,
    keys: Vec<Option<&'a [u8]>>,
    priorities: Vec<i32>,
    payloads: Vec<&'a [u8]>,
    headers: Vec<Option<String>>,
    delays: Vec<f64>,
    notify: bool,
}

impl<'a> Columns<'a> {
    pub(super) const TYPES: [Type; 7] = [
        Type::TEXT,
        Type::BYTEA_ARRAY,
        Type::INT4_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT_ARRAY,
        Type::FLOAT8_ARRAY,
        Type::BOOL,
    ];

    pub(super) fn of(jobs: &'a [NewJob], options: &'a QueueOptions) -> Self {
        /// The longest delay; a longer one would leave the range of the server's timestamps.
        const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;
        Self {
            lane: &options.lane,
            keys: jobs.iter().map(|job| job.key.as_deref()).collect(),
            priorities: jobs.iter().map(|job| job.priority).collect(),
            payloads: jobs.iter().map(|job| &*job.payload).collect(),
            headers: jobs.iter().map(NewJob::written_headers).collect(),
            delays: jobs.iter().map(|job| job.delay.as_secs_f64().min(LONGEST)).collect(),
            notify: options.notify && !jobs.is_empty(),
        }
    }

    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 7] {
        [&self.lane, &self.keys, &self.priorities, &self.payloads, &self.headers, &self.delays, &self.notify]
    }
}
