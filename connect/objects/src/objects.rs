//! Objects of a store that are read by ranges.

use std::fmt;
#[cfg(any(feature = "csv", feature = "json"))]
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
#[cfg(any(feature = "csv", feature = "json"))]
use serde::de::DeserializeOwned;

use crate::decode::{By, Text};
use crate::error::ObjectError;
use crate::lines::Lines;

/// The number of objects whose sizes are asked for at the same time.
const HEADS: usize = 16;

/// Objects of a store that are read by ranges. They must not change while they are in use. Cheap to clone.
///
/// Lines as events of other types, from smaller pieces:
///
/// ```
/// use std::sync::Arc;
///
/// use flow::Flow;
/// use object_store::ObjectStoreExt;
/// use object_store::memory::InMemory;
/// use stage_objects::{By, Lines, Objects, Text};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(InMemory::new());
/// store.put(&"monday.log".into(), "start\nend\n".into()).await?;
/// let logs = Objects::open(store, ["monday.log".into()]).await?.piece_bytes(1 << 20).max_line_bytes(64 * 1024);
///
/// let texts: Lines<Text> = logs.clone().lines();
/// assert_eq!(Flow::from_source(texts).stages(1).collect::<Vec<_>>().await?, ["start", "end"]);
///
/// let lengths: Lines<By<_>> = logs.lines_with(<[u8]>::len);
/// assert_eq!(Flow::from_source(lengths).fold(0, |sum, length| sum + length).await?, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Objects {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) all: Arc<[Object]>,
    pub(crate) piece: u64,
    pub(crate) max_line: usize,
}

/// An object and its size in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) path: Path,
    pub(crate) size: u64,
}

impl Objects {
    /// Asks the store for the sizes of some objects.
    ///
    /// # Errors
    ///
    /// Returns an error if an object does not exist or the store does not answer.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        paths: impl IntoIterator<Item = Path>,
    ) -> Result<Self, ObjectError> {
        let sizes: Vec<_> = paths.into_iter().map(|path| size_of(Arc::clone(&store), path)).collect();
        let objects: Vec<Object> = stream::iter(sizes).buffered(HEADS).try_collect().await?;
        Ok(Self { store, all: objects.into(), piece: 8 * 1024 * 1024, max_line: 16 * 1024 * 1024 })
    }

    /// Sets the number of bytes that a stage takes at once, at least 1. Default: 8 MiB.
    pub fn piece_bytes(mut self, bytes: u64) -> Self {
        self.piece = bytes.max(1);
        self
    }

    /// Sets the maximum number of bytes of a line. Default: 16 MiB.
    pub fn max_line_bytes(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }

    /// Returns a source of the lines, without their endings (`\n` or `\r\n`), for
    /// [`Flow::from_source`](flow::Flow::from_source).
    ///
    /// # Ordering
    ///
    /// Each stage keeps the order of its pieces; `stages(1)` keeps the order of the whole.
    ///
    /// # Errors
    ///
    /// The run fails with an [`ObjectError`] that names the object and the byte.
    pub fn lines(self) -> Lines<Text> {
        Lines { objects: self, decode: Text }
    }

    /// Returns a source that calls a function with each line, which borrows it: lines that do not matter are not copied. As
    /// [`lines`](Self::lines) otherwise.
    pub fn lines_with<F, T>(self, function: F) -> Lines<By<F>>
    where
        F: Fn(&[u8]) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Lines { objects: self, decode: By { function: Arc::new(function) } }
    }

    /// Returns a source of the values of JSON lines; blank lines are skipped. As [`lines`](Self::lines) otherwise. Requires
    /// feature `json`.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use flow::Flow;
    /// use object_store::ObjectStoreExt;
    /// use object_store::memory::InMemory;
    /// use serde::Deserialize;
    /// use stage_objects::{Json, Lines, Objects};
    ///
    /// #[derive(Deserialize)]
    /// struct Order {
    ///     number: u64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Arc::new(InMemory::new());
    /// store.put(&"orders.jsonl".into(), "{\"number\": 7}\n\n{\"number\": 8}\n".into()).await?;
    /// let orders: Lines<Json<Order>> = Objects::open(store, ["orders.jsonl".into()]).await?.json();
    /// assert_eq!(Flow::from_source(orders).fold(0, |sum, order| sum + order.number).await?, 15);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "json")]
    pub fn json<T: DeserializeOwned + Send + 'static>(self) -> Lines<crate::Json<T>> {
        Lines { objects: self, decode: crate::Json { makes: PhantomData } }
    }

    /// Returns a source of the records of CSV files, whose first line names the fields. As [`lines`](Self::lines) otherwise; a
    /// line end within quotes is an error. Requires feature `csv`.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use flow::Flow;
    /// use object_store::ObjectStoreExt;
    /// use object_store::memory::InMemory;
    /// use serde::Deserialize;
    /// use stage_objects::{Csv, Lines, Objects};
    ///
    /// #[derive(Deserialize)]
    /// struct Sale {
    ///     pence: u64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Arc::new(InMemory::new());
    /// store.put(&"sales.csv".into(), "item,pence\ntea,250\nmilk,120\n".into()).await?;
    /// let sales: Lines<Csv<Sale>> = Objects::open(store, ["sales.csv".into()]).await?.csv();
    /// assert_eq!(Flow::from_source(sales).fold(0, |sum, sale| sum + sale.pence).await?, 370);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "csv")]
    pub fn csv<T: DeserializeOwned + Send + 'static>(self) -> Lines<crate::Csv<T>> {
        Lines { objects: self, decode: crate::Csv { makes: PhantomData } }
    }
}

async fn size_of(store: Arc<dyn ObjectStore>, path: Path) -> Result<Object, ObjectError> {
    match store.head(&path).await {
        Ok(meta) => Ok(Object { path, size: meta.size }),
        Err(source) => Err(ObjectError::Read { object: path.to_string(), at: 0, source }),
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("objects", &self.all).finish_non_exhaustive()
    }
}
