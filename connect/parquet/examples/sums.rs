//! Measures a query over Parquet: filter, group and sum, by a flow and by a hand-written loop of rayon over the row groups.
//!
//! `cargo run --release -p stage-parquet --example sums -- sales.parquet [ROWS]` writes the file if it is missing, prints the sums,
//! and the times to standard error. `sums.py` asks `DuckDB` the same of the same file.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;
use flow::Flow;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stage_core::BoxError;
use stage_parquet::{Parquet, WriteOptions, write_rows};

/// The number of runs of each query, of which the fastest counts.
const RUNS: usize = 5;
const COUNTRIES: u64 = 50;

type Sums = HashMap<String, i64>;

#[derive(Serialize, Deserialize)]
struct Sale {
    id: u64,
    country: String,
    quantity: i32,
    cents: i64,
}

/// The columns of the query.
#[derive(Deserialize)]
struct Part {
    country: String,
    quantity: i32,
    cents: i64,
}

fn sale(id: u64) -> Sale {
    // A multiplicative hash, so that neighbours differ.
    let random = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let country = format!("country {}", random % COUNTRIES);
    let quantity = i32::try_from(random / COUNTRIES % 10).unwrap_or_default();
    Sale { id, country, quantity, cents: i64::try_from(random % 10_000).unwrap_or_default() }
}

fn add(sums: &mut Sums, country: &str, cents: i64) {
    match sums.get_mut(country) {
        Some(sum) => *sum += cents,
        None => {
            sums.insert(country.to_owned(), cents);
        }
    }
}

/// Adds the rows of a batch: the same code for both programs. A country is looked up once per batch.
fn add_batch(sums: &mut Sums, batch: &RecordBatch) -> Option<()> {
    let countries = batch.column_by_name("country")?.as_dictionary_opt::<Int32Type>()?;
    let names = countries.values().as_string_opt::<i32>()?;
    let mut of_country = vec![(0, false); names.len()];
    let quantities = batch.column_by_name("quantity")?.as_primitive_opt::<Int32Type>()?;
    let cents = batch.column_by_name("cents")?.as_primitive_opt::<Int64Type>()?;
    for ((country, quantity), cents) in
        countries.keys().values().iter().zip(quantities.values()).zip(cents.values())
    {
        if *quantity >= 5 {
            let (sum, present) = of_country.get_mut(usize::try_from(*country).ok()?)?;
            *sum += cents;
            *present = true;
        }
    }
    for (name, (cents, present)) in names.iter().zip(of_country) {
        if present {
            add(sums, name?, cents);
        }
    }
    Some(())
}

fn merged(mut all: Sums, more: Sums) -> Sums {
    for (country, cents) in more {
        *all.entry(country).or_default() += cents;
    }
    all
}

async fn by_flow(parquet: Parquet) -> Result<Sums, BoxError> {
    let sums = Flow::from_source(parquet.columns(["country", "quantity", "cents"]).batches())
        .reduce(Sums::new, |sums, batch| add_batch(sums, &batch).expect("the columns are there"))
        .emit();
    Ok(sums.fold(Sums::new(), |all, one| merged(all, Sums::from([one]))).await?)
}

async fn by_flow_of_rows(parquet: Parquet) -> Result<Sums, BoxError> {
    let sums = Flow::from_source(parquet.rows::<Part>())
        .filter(|row| row.quantity >= 5)
        .reduce(Sums::new, |sums, row| add(sums, &row.country, row.cents))
        .emit();
    Ok(sums.fold(Sums::new(), |all, one| merged(all, Sums::from([one]))).await?)
}

fn by_rayon(path: &Path, schema: &SchemaRef) -> Result<Sums, BoxError> {
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(schema));
    let metadata = ArrowReaderMetadata::load(&File::open(path)?, options)?;
    let mask = ProjectionMask::columns(metadata.parquet_schema(), ["country", "quantity", "cents"]);
    let group = |number: usize| -> Result<Sums, BoxError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(path)?, metadata.clone())
            .with_row_groups(vec![number])
            .with_projection(mask.clone())
            .with_batch_size(8192);
        let mut sums = Sums::new();
        for batch in builder.build()? {
            add_batch(&mut sums, &batch?).ok_or("a column is missing")?;
        }
        Ok(sums)
    };
    let groups = (0..metadata.metadata().num_row_groups()).into_par_iter();
    groups.map(group).try_reduce(Sums::new, |all, more| Ok(merged(all, more)))
}

/// Keeps the faster of two times.
fn faster(best: &mut Duration, begun: Instant) {
    *best = begun.elapsed().min(*best);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("usage: sums FILE [ROWS]")?);
    if !path.exists() {
        let rows = arguments.next().and_then(|rows| rows.to_str()?.parse().ok()).unwrap_or(10_000_000_u64);
        write_rows(&Flow::from_items(0..rows).map(sale), &path, WriteOptions::new()).await?;
    }
    let parquet = Parquet::open([&path])?;
    let dictionaries = parquet.clone().dictionaries(["country"])?;
    eprintln!("{} rows in {} row groups; the fastest of {RUNS} runs", parquet.count(), parquet.row_groups());
    let [mut batches, mut rows, mut rayon] = [Duration::MAX; 3];
    let schema = dictionaries.schema().ok_or("there is a file")?;
    let expected = by_rayon(&path, &schema)?;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let sums = by_flow(dictionaries.clone()).await?;
        faster(&mut batches, begun);
        assert_eq!(sums, expected, "the flow of batches");

        let begun = Instant::now();
        let sums = by_rayon(&path, &schema)?;
        faster(&mut rayon, begun);
        assert_eq!(sums, expected, "rayon");

        let begun = Instant::now();
        let sums = by_flow_of_rows(parquet.clone()).await?;
        faster(&mut rows, begun);
        assert_eq!(sums, expected, "the flow of rows");
    }
    for (country, cents) in expected.into_iter().collect::<BTreeMap<_, _>>() {
        println!("{country} {cents}");
    }
    for (name, time) in [("rayon", rayon), ("flow, record batches", batches), ("flow, structs", rows)] {
        eprintln!("{name:21} {time:8.1?}  {:.2} of rayon", rayon.as_secs_f64() / time.as_secs_f64());
    }
    Ok(())
}
