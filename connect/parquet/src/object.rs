//! Files in object stores, of which only the ranges that are needed are read.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use arrow_array::RecordBatch;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::{ParquetError as Error, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::error::ParquetError;
use crate::input::{Input, Place};
use crate::parquet::Parquet;

/// The number of footers that are read at the same time.
const FOOTERS: usize = 16;

/// An object, as a file for `parquet`.
#[derive(Clone)]
pub(crate) struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl Parquet {
    /// Reads the footers of some objects. Requires feature `objects`.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use object_store::memory::InMemory;
    /// use stage_parquet::Parquet;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let store = Arc::new(InMemory::new());
    /// let error = Parquet::open_objects(store, ["sales/2026.parquet".into()]).await.unwrap_err();
    /// assert!(error.to_string().starts_with("`sales/2026.parquet` cannot be opened: "));
    /// # }
    /// ```
    ///
    /// A row group is fetched by the ranges of its columns, while its stage waits without a thread. The store's requests run on
    /// the threads of the flow.
    ///
    /// # Errors
    ///
    /// Returns an error if an object cannot be read or is none of this format.
    pub async fn open_objects(
        store: Arc<dyn ObjectStore>,
        paths: impl IntoIterator<Item = Path>,
    ) -> std::result::Result<Self, ParquetError> {
        let opened: Vec<_> = paths.into_iter().map(|path| open(Arc::clone(&store), path)).collect();
        let inputs: Vec<_> = stream::iter(opened).buffered(FOOTERS).try_collect().await?;
        Ok(Self::of(inputs))
    }
}

async fn open(store: Arc<dyn ObjectStore>, path: Path) -> std::result::Result<Input, ParquetError> {
    let name = path.to_string();
    let loaded = async {
        let size = store.head(&path).await.map_err(|error| Error::External(error.into()))?.size;
        let mut object = Object { store, path, size };
        let metadata = ArrowReaderMetadata::load_async(&mut object, ArrowReaderOptions::new()).await?;
        Ok::<_, Error>((object, metadata))
    };
    match loaded.await {
        Ok((object, metadata)) => Ok(Input { name, place: Place::Object(object), metadata }),
        Err(source) => Err(ParquetError::Open { file: name, source: source.into() }),
    }
}

impl AsyncFileReader for Object {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        Box::pin(async move {
            let read = self.store.get_range(&self.path, range).await;
            read.map_err(|error| Error::External(error.into()))
        })
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        Box::pin(async move {
            let read = self.store.get_ranges(&self.path, &ranges).await;
            read.map_err(|error| Error::External(error.into()))
        })
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        Box::pin(async move {
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            let size = self.size;
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        })
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A row group of an object that is being read.
pub(crate) struct ObjectGroup(Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>);

impl ObjectGroup {
    pub(crate) fn open(
        object: Object,
        metadata: ArrowReaderMetadata,
        group: usize,
        mask: ProjectionMask,
        batch: usize,
    ) -> Result<Self> {
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(object, metadata)
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(batch);
        Ok(Self(Box::pin(builder.build()?)))
    }

    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Option<Result<RecordBatch>>> {
        self.0.as_mut().poll_next(&mut Context::from_waker(waker))
    }
}
