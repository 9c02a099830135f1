//! Files as results.

use std::fs;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use flow::Flow;
use flow::sink::WriteError;
use serde::{Deserialize, Serialize};
use stage_parquet::{Parquet, WriteOptions, write_batches, write_rows, write_rows_as};

use crate::support::{Sale, file_of, sale, sorted};

#[tokio::test]
async fn record_batches_are_copied_from_one_file_to_another() {
    let (folder, path) = file_of(1050).await;
    let to = folder.path().join("copy.parquet");
    let parquet = Parquet::open([&path]).unwrap();
    let schema = parquet.schema().unwrap();
    let batches = Flow::from_source(parquet.batches());
    write_batches(&batches, schema, &to, WriteOptions::new()).await.unwrap();
    let copy = Parquet::open([&to]).unwrap();
    assert_eq!((copy.count(), copy.row_groups()), (1050, 1));
    let all: Vec<Sale> = Flow::from_source(copy.rows()).collect().await.unwrap();
    assert_eq!(sorted(all), (0..1050).map(sale).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_without_rows_has_its_columns() {
    let (_folder, path) = file_of(0).await;
    let parquet = Parquet::open([&path]).unwrap();
    assert_eq!((parquet.count(), parquet.schema().unwrap().fields().len()), (0, 5));
    assert_eq!(Flow::from_source(parquet.rows::<Sale>()).count().await.unwrap(), 0);
}

#[tokio::test]
async fn the_columns_may_be_named() {
    #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
    struct Row {
        id: u64,
    }

    let (_folder, path) = file_of(1).await;
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::UInt16, false)]));
    let rows = Flow::from_items(0..20_000).map(|id| Row { id }).stages(1);
    write_rows_as(&rows, Arc::clone(&schema), &path, WriteOptions::new()).await.unwrap();
    let parquet = Parquet::open([&path]).unwrap();
    assert_eq!(parquet.schema().unwrap().field(0).data_type(), &DataType::UInt16);
    let all: Vec<Row> = Flow::from_source(parquet.rows()).stages(1).collect().await.unwrap();
    assert_eq!(all, (0..20_000).map(|id| Row { id }).collect::<Vec<_>>());
    // A value that does not fit.
    let rows = Flow::from_items([Row { id: 1 }, Row { id: 70_000 }]).stages(1);
    let error = write_rows_as(&rows, schema, &path, WriteOptions::new()).await.unwrap_err();
    assert!(matches!(error, WriteError::Event { number: 2, .. }), "{error}");
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
}

#[tokio::test]
async fn after_a_failure_the_earlier_file_is_there_and_nothing_else() {
    let (folder, path) = file_of(100).await;
    let before = fs::read(&path).unwrap();
    let flow = Flow::from_items(0..50_000).stages(1).map(|id| {
        assert!(id < 20_000, "no more");
        sale(id)
    });
    let error = write_rows(&flow, &path, WriteOptions::new()).await.unwrap_err();
    assert!(matches!(error, WriteError::Run(_)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let numbers = Flow::from_items([1, 2]);
    let error = write_rows(&numbers, &path, WriteOptions::new()).await.unwrap_err();
    assert!(matches!(error, WriteError::Event { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
