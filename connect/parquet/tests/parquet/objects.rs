//! Objects as sources.

use std::sync::Arc;

use flow::Flow;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use stage_parquet::Parquet;

use crate::support::{Sale, file_of, sale, sorted};

#[derive(Deserialize)]
struct Id {
    id: u32,
}

async fn reads_what_is_there(store: Arc<dyn ObjectStore>, paths: [Path; 2]) {
    let parquet = Parquet::open_objects(store, paths).await.unwrap();
    assert_eq!((parquet.count(), parquet.row_groups()), (1180, 13));
    let expected = sorted((0..1050).chain(0..130).map(sale).collect());
    for stages in [1, 2, 30] {
        let rows = Flow::from_source(parquet.clone().rows::<Sale>()).stages(stages);
        assert_eq!(sorted(rows.collect().await.unwrap()), expected);
    }
    let ids = Flow::from_source(parquet.batch_rows(33).rows::<Id>());
    let sum = ids.fold(0, |sum, row| sum + u64::from(row.id)).await.unwrap();
    assert_eq!(sum, 1050 * 1049 / 2 + 130 * 129 / 2);
}

#[tokio::test]
async fn objects_in_memory_are_read_by_ranges() {
    let (_one, one) = file_of(1050).await;
    let (_two, two) = file_of(130).await;
    let store = Arc::new(InMemory::new());
    let paths = [Path::from("one"), Path::from("two")];
    for (path, file) in paths.iter().zip([one, two]) {
        store.put(path, std::fs::read(file).unwrap().into()).await.unwrap();
    }
    reads_what_is_there(store, paths).await;
}

#[tokio::test]
async fn local_objects_are_read_by_ranges() {
    let (folder, one) = file_of(1050).await;
    let (_two, two) = file_of(130).await;
    std::fs::copy(two, folder.path().join("two")).unwrap();
    let name = one.file_name().unwrap().to_str().unwrap();
    let paths = [Path::from(name), Path::from("two")];
    let store = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    reads_what_is_there(Arc::new(store), paths).await;
}

#[tokio::test]
async fn an_object_that_is_gone_or_damaged_is_an_error_with_its_name() {
    let (_folder, file) = file_of(250).await;
    let store = Arc::new(InMemory::new());
    let path = Path::from("sales");
    store.put(&path, std::fs::read(file).unwrap().into()).await.unwrap();
    let parquet = Parquet::open_objects(Arc::clone(&store) as _, [path.clone()]).await.unwrap();
    store.put(&path, "short".into()).await.unwrap();
    let error = Flow::from_source(parquet.rows::<Sale>()).count().await.unwrap_err();
    assert!(error.to_string().contains("`sales` cannot be read in row group "), "{error}");
    let error = Parquet::open_objects(Arc::clone(&store) as _, [path]).await.unwrap_err();
    assert!(error.to_string().starts_with("`sales` cannot be opened: "), "{error}");
}
