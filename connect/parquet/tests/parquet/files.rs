//! Files as sources.

use std::collections::BTreeMap;
use std::fs;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use flow::{Flow, FlowError};
use serde::Deserialize;
use stage_parquet::{Parquet, ParquetError};

use crate::support::{Sale, file_of, sale, sorted};

/// Returns the error of a failed flow.
fn reason(error: &FlowError) -> String {
    let FlowError::Stage { reason, .. } = error else { panic!("{error}") };
    reason.to_string()
}

#[tokio::test]
async fn rows_are_read_as_they_were_written_by_any_number_of_stages() {
    let (_folder, path) = file_of(1050).await;
    let parquet = Parquet::open([&path]).unwrap();
    assert_eq!((parquet.count(), parquet.row_groups()), (1050, 11));
    let expected: Vec<_> = (0..1050).map(sale).collect();
    for (stages, batch) in [(1, 7), (2, 8192), (30, 100)] {
        let rows = Flow::from_source(parquet.clone().batch_rows(batch).rows::<Sale>()).stages(stages);
        let all: Vec<_> = rows.collect().await.unwrap();
        if stages == 1 {
            assert_eq!(all, expected);
        }
        assert_eq!(sorted(all), expected);
    }
}

#[tokio::test]
async fn several_files_are_one_source_and_no_file_is_an_empty_one() {
    let (_one, one) = file_of(250).await;
    let (_two, two) = file_of(130).await;
    let parquet = Parquet::open([&one, &two]).unwrap();
    assert_eq!((parquet.count(), parquet.row_groups()), (380, 5));
    assert_eq!(Flow::from_source(parquet.rows::<Sale>()).count().await.unwrap(), 380);
    let none = Parquet::open([""; 0]).unwrap();
    assert!(none.schema().is_none());
    assert_eq!(Flow::from_source(none.clone().rows::<Sale>()).count().await.unwrap(), 0);
    assert_eq!(Flow::from_source(none.batches()).count().await.unwrap(), 0);
}

#[tokio::test]
async fn only_the_columns_of_the_struct_are_read() {
    #[derive(Deserialize)]
    struct Priced {
        price: f64,
        country: String,
        #[serde(default)]
        weight: u32,
    }

    let (_folder, path) = file_of(1000).await;
    let parquet = Parquet::open([&path]).unwrap();
    let sums = Flow::from_source(parquet.rows::<Priced>())
        .map(|row| {
            assert_eq!(row.weight, 0);
            (row.country, row.price)
        })
        .partition(|(country, _)| country.clone())
        .reduce(BTreeMap::new, |sums, (country, price)| *sums.entry(country).or_insert(0.0) += price)
        .emit();
    let sums: BTreeMap<String, f64> = sums.collect().await.unwrap();
    let of = |rest: u32| (0..1000).filter(|id| id % 3 == rest).map(|id| f64::from(id) / 4.0).sum();
    assert_eq!(
        sums,
        BTreeMap::from([("NL".to_owned(), of(0)), ("DE".to_owned(), of(1)), ("FR".to_owned(), of(2))])
    );
}

#[tokio::test]
async fn record_batches_have_the_named_columns_and_at_most_the_named_number_of_rows() {
    let (_folder, path) = file_of(250).await;
    let parquet = Parquet::open([&path]).unwrap().columns(["country", "id"]).batch_rows(60);
    let batches: Vec<_> = Flow::from_source(parquet.batches()).stages(1).collect().await.unwrap();
    let rows: Vec<_> = batches.iter().map(arrow_array::RecordBatch::num_rows).collect();
    assert_eq!(rows, [60, 40, 60, 40, 50]);
    let schema = batches[0].schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "country"]);
}

#[tokio::test]
async fn columns_of_text_may_be_dictionaries() {
    let (_folder, path) = file_of(250).await;
    let parquet = Parquet::open([&path]).unwrap().dictionaries(["country"]).unwrap();
    let kind = parquet.schema().unwrap().field_with_name("country").unwrap().data_type().clone();
    assert!(kind.to_string().starts_with("Dictionary(Int32, "), "{kind}");
    let rows: Vec<_> = Flow::from_source(parquet.clone().rows::<Sale>()).stages(1).collect().await.unwrap();
    assert_eq!(rows, (0..250).map(sale).collect::<Vec<_>>());
    let batches = Flow::from_source(parquet.clone().columns(["country"]).batches()).stages(1);
    let batches: Vec<_> = batches.collect().await.unwrap();
    let mut countries = Vec::new();
    for batch in &batches {
        let column = batch.column(0).as_dictionary::<Int32Type>();
        let values: Vec<_> = column.values().as_string::<i32>().iter().flatten().collect();
        assert_eq!(values.len(), 3);
        let of_row =
            column.keys().values().iter().map(|key| values[usize::try_from(*key).unwrap()].to_owned());
        countries.extend(of_row);
    }
    assert_eq!(countries, (0..250).map(|id| sale(id).country).collect::<Vec<_>>());

    let file = path.display();
    let error = parquet.clone().dictionaries(["countri"]).unwrap_err();
    assert!(error.to_string().starts_with(&format!("`{file}` has no column `countri`; ")), "{error}");
    let error = parquet.dictionaries(["country", "price"]).unwrap_err();
    let said = "cannot have the column `price` as a dictionary: it holds Float64, and only text and bytes can be one";
    assert_eq!(error.to_string(), format!("`{file}` {said}"));
}

#[tokio::test]
async fn errors_name_the_file_the_row_group_and_the_column() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "it cannot be read")]
    struct Wrong {
        country: u32,
    }

    let (folder, path) = file_of(250).await;
    let parquet = Parquet::open([&path]).unwrap();
    let file = path.display();
    let error = Flow::from_source(parquet.clone().columns(["countri"]).batches()).count().await.unwrap_err();
    let said = format!(
        "`{file}` has no column `countri`; its columns are `id`, `country`, `price`, `note`, `items`"
    );
    assert!(reason(&error).ends_with(&said), "{error}");
    let error = Flow::from_source(parquet.clone().rows::<Wrong>()).stages(1).count().await.unwrap_err();
    let said = format!("`{file}` has other rows than expected in row group 0: ");
    assert!(reason(&error).contains(&said), "{error}");
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    // The pages of the file are damaged, its footer is not.
    let mut bytes = fs::read(&path).unwrap();
    bytes[4..2000].fill(0xFF);
    fs::write(&path, &bytes).unwrap();
    let error = Flow::from_source(parquet.rows::<Sale>()).stages(1).count().await.unwrap_err();
    assert!(reason(&error).contains(&format!("`{file}` cannot be read in row group 0: ")), "{error}");

    let text = folder.path().join("text.parquet");
    fs::write(&text, "no parquet").unwrap();
    for path in [text, folder.path().join("missing.parquet")] {
        let error = Parquet::open([&path]).unwrap_err();
        assert!(matches!(error, ParquetError::Open { .. }), "{error}");
        assert!(
            error.to_string().starts_with(&format!("`{}` cannot be opened: ", path.display())),
            "{error}"
        );
    }
    let error = Parquet::open([folder.path()]).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` cannot be opened: is a directory", folder.path().display()));
}
