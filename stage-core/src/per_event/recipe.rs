//! Recipes for children: wraps the user's function, whose types are erased once per stage.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::child::Child;
use super::end::ChildEnd;
use crate::base::error::{BoxError, ExitReason};
use crate::base::future::{BoxFuture, FutureExt, catch_panic};
use crate::sync::Arc;

/// The work of one child.
pub(super) type Work = BoxFuture<'static, ExitReason>;

type Begin<E> = dyn Fn(E, Child) -> Result<Option<Work>, BoxError> + Send + Sync;

/// Creates the work of a child from its event.
pub(super) struct ChildRecipe<E>(Arc<Begin<E>>);

impl<E> ChildRecipe<E> {
    /// Creates a recipe that starts a child for every event.
    pub(super) fn always<F, Fut>(recipe: F) -> Self
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: ChildEnd> + Send + 'static,
    {
        Self::deciding(move |event, _| Ok(Some(recipe(event))))
    }

    /// Creates a recipe that may skip events or fail.
    pub(super) fn deciding<F, Fut>(recipe: F) -> Self
    where
        F: Fn(E, Child) -> Result<Option<Fut>, BoxError> + Send + Sync + 'static,
        Fut: Future<Output: ChildEnd> + Send + 'static,
    {
        Self(Arc::new(move |event, child| {
            Ok(recipe(event, child)?.map(|work| async move { work.await.reason() }.boxed()))
        }))
    }

    /// Creates the work for `event`, unless the recipe skips it; a panic counts as a failure.
    pub(super) fn begin(&self, event: impl FnOnce() -> E, child: Child) -> Result<Option<Work>, ExitReason> {
        match catch_unwind(AssertUnwindSafe(|| (self.0)(event(), child))) {
            Ok(begun) => begun.map_err(ExitReason::from),
            Err(payload) => Err(ExitReason::from_panic(&*payload)),
        }
    }
}

impl<E> Clone for ChildRecipe<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Runs `work` to its end; a panic counts as a failure.
pub(super) async fn work_off(mut work: Work) -> ExitReason {
    catch_panic(work.as_mut()).await.unwrap_or_else(|payload| ExitReason::from_panic(&*payload))
}
