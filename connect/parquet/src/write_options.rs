//! Options of Parquet files that are written.

use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

/// Options of Parquet files that are written.
///
/// ```
/// use parquet::file::properties::WriterProperties;
/// use stage_parquet::WriteOptions;
///
/// let small = WriteOptions::new().row_group_rows(10_000);
/// let plain = WriteOptions::with(WriterProperties::builder().set_dictionary_enabled(false));
/// # let _ = (small, plain);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WriteOptions {
    properties: WriterPropertiesBuilder,
    group: usize,
}

impl WriteOptions {
    /// Returns the defaults: pages packed by snappy, 128 Ki rows in a row group.
    pub fn new() -> Self {
        Self::with(WriterProperties::builder().set_compression(Compression::SNAPPY))
    }

    /// Returns options with all the properties that `parquet` knows, such as encodings and statistics.
    pub fn with(properties: WriterPropertiesBuilder) -> Self {
        Self { properties, group: 128 * 1024 }
    }

    /// Sets the number of rows in a row group, at least 1: the unit in which stages read side by side. Default: 131 072.
    pub fn row_group_rows(mut self, rows: usize) -> Self {
        self.group = rows.max(1);
        self
    }

    pub(crate) fn properties(self) -> WriterProperties {
        self.properties.set_max_row_group_row_count(Some(self.group)).build()
    }
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self::new()
    }
}
