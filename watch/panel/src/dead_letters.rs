//! Events that were set aside, as the service stores them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde::Serialize;
use stage_core::BoxError;

/// An event that was set aside.
///
/// See the example of [`DeadLetters`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Identifies it in its store.
    pub id: String,
    /// The event, for people.
    pub event: String,
    /// The error of its last attempt.
    pub error: String,
}

/// A store of dead letters that the page shows.
///
/// ```
/// use std::sync::Mutex;
///
/// use stage_core::BoxError;
/// use stage_panel::{DeadLetter, DeadLetters, Options};
///
/// /// Letters in memory. A service has them in its database.
/// #[derive(Default)]
/// struct Letters(Mutex<Vec<DeadLetter>>);
///
/// impl Letters {
///     /// Removes a letter; returns whether it existed.
///     fn remove(&self, id: &str) -> bool {
///         let mut letters = self.0.lock().expect("no holder panics");
///         let before = letters.len();
///         letters.retain(|letter| letter.id != id);
///         letters.len() < before
///     }
/// }
///
/// impl DeadLetters for Letters {
///     async fn list(&self, after: Option<String>, limit: usize) -> Result<Vec<DeadLetter>, BoxError> {
///         let letters = self.0.lock().expect("no holder panics");
///         let behind = letters.iter().filter(|letter| after.as_ref().is_none_or(|after| letter.id > *after));
///         Ok(behind.take(limit).cloned().collect())
///     }
///
///     async fn retry(&self, id: String) -> Result<bool, BoxError> {
///         // Here it puts the event into the queue of the pipeline again.
///         Ok(self.remove(&id))
///     }
///
///     async fn drop_letter(&self, id: String) -> Result<bool, BoxError> {
///         Ok(self.remove(&id))
///     }
/// }
///
/// let letters = Letters::default();
/// letters.0.lock().expect("no holder panics").push(DeadLetter {
///     id: "0007".to_owned(),
///     event: "order 7".to_owned(),
///     error: "no such user".to_owned(),
/// });
/// let options = Options::new().dead_letters("orders", letters);
/// # drop(options);
/// ```
pub trait DeadLetters: Send + Sync + 'static {
    /// Returns at most `limit` letters, oldest first, behind the one with the id `after`.
    fn list(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DeadLetter>, BoxError>> + Send;

    /// Has a letter handled again; returns whether it exists.
    fn retry(&self, id: String) -> impl Future<Output = Result<bool, BoxError>> + Send;

    /// Removes a letter for good; returns whether it existed.
    fn drop_letter(&self, id: String) -> impl Future<Output = Result<bool, BoxError>> + Send;
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// [`DeadLetters`], type-erased.
pub(crate) trait Erased: Send + Sync {
    fn list(&self, after: Option<String>, limit: usize) -> Boxed<'_, Vec<DeadLetter>>;
    fn retry(&self, id: String) -> Boxed<'_, bool>;
    fn drop_letter(&self, id: String) -> Boxed<'_, bool>;
}

impl<L: DeadLetters> Erased for L {
    fn list(&self, after: Option<String>, limit: usize) -> Boxed<'_, Vec<DeadLetter>> {
        Box::pin(DeadLetters::list(self, after, limit))
    }

    fn retry(&self, id: String) -> Boxed<'_, bool> {
        Box::pin(DeadLetters::retry(self, id))
    }

    fn drop_letter(&self, id: String) -> Boxed<'_, bool> {
        Box::pin(DeadLetters::drop_letter(self, id))
    }
}

impl fmt::Debug for dyn Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeadLetters")
    }
}
