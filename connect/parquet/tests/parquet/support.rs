//! Files with sales.

use std::path::PathBuf;

use flow::Flow;
use serde::{Deserialize, Serialize};
use stage_parquet::{WriteOptions, write_rows};
use tempfile::TempDir;

#[derive(Clone, Debug, Deserialize, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Sale {
    pub(crate) id: u32,
    pub(crate) country: String,
    pub(crate) price: f64,
    pub(crate) note: Option<String>,
    pub(crate) items: Vec<i64>,
}

pub(crate) fn sale(id: u32) -> Sale {
    Sale {
        id,
        country: ["NL", "DE", "FR"][id as usize % 3].to_owned(),
        price: f64::from(id) / 4.0,
        note: id.is_multiple_of(2).then(|| format!("note {id}")),
        items: (0..i64::from(id % 4)).collect(),
    }
}

/// Writes a file of sales with 100 rows in a row group.
pub(crate) async fn file_of(count: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sales.parquet");
    let sales = Flow::from_items(0..count).map(sale).stages(1);
    let options = WriteOptions::new().row_group_rows(100);
    assert_eq!(write_rows(&sales, &path, options).await.unwrap(), u64::from(count));
    (folder, path)
}

pub(crate) fn sorted(mut sales: Vec<Sale>) -> Vec<Sale> {
    sales.sort_by_key(|sale| sale.id);
    sales
}
