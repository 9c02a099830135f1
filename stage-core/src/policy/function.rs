//! Handlers made of functions.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use super::each_event::EachEvent;
use crate::base::error::BoxError;

/// A function that turns each event into one other event, or fails: see [`each`]. The type has a name so that a field
/// or a signature can have it.
pub struct Each<F, In, Out, E> {
    function: F,
    types: PhantomData<fn(In) -> Result<Out, E>>,
}

/// A function that turns each event into at most one other event, or fails: see [`each_some`]. The type has a name so
/// that a field or a signature can have it.
pub struct EachSome<F, In, Out, E> {
    function: F,
    types: PhantomData<fn(In) -> Result<Out, E>>,
}

/// A synchronous function that turns each event into one other event, or fails: see [`attempt`]. The type has a name
/// so that a field or a signature can have it.
pub struct Attempt<F, In, Out, E> {
    function: F,
    types: PhantomData<fn(In) -> Result<Out, E>>,
}

/// Handles each event with the synchronous `function`, which returns one other event.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::policy::{FailurePolicy, attempt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("words", || Ok(["1", "two", "3"]))
///     .step_each("parse", FailurePolicy::skip(), || Ok(attempt(|word: &str| word.parse::<u64>())))
///     .finish_fn("print", |number| println!("{number}"));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[2].events_in, 2);
/// # Ok(())
/// # }
/// ```
pub fn attempt<F, In, Out, E>(function: F) -> Attempt<F, In, Out, E>
where
    F: FnMut(In) -> Result<Out, E>,
{
    Attempt { function, types: PhantomData }
}

/// Handles each event with the async `function`, which returns one other event.
///
/// ```
/// use stage_core::pipeline;
/// use stage_core::policy::each;
///
/// async fn look_up(id: u32) -> Result<String, std::io::Error> {
///     Ok(format!("customer {id}"))
/// }
///
/// pipeline! {
///     Names(ids: u32) {
///         start  0..ids;
///         step   each(look_up), count: 4, on_failure: skip;
///         finish |name: String| println!("{name}");
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// Names::new(10).start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
pub fn each<F, Run, In, Out, E>(function: F) -> Each<F, In, Out, E>
where
    F: FnMut(In) -> Run,
    Run: Future<Output = Result<Out, E>>,
{
    Each { function, types: PhantomData }
}

/// Handles each event with the async `function`, which returns at most one other event.
///
/// ```
/// use stage_core::pipeline;
/// use stage_core::policy::each_some;
///
/// /// Not every customer has an address.
/// async fn address(id: u32) -> Result<Option<String>, std::io::Error> {
///     Ok((id % 2 == 0).then(|| format!("street {id}")))
/// }
///
/// pipeline! {
///     Addresses(ids: u32) {
///         start  0..ids;
///         step   each_some(address), on_failure: skip;
///         finish |address: String| println!("{address}");
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let report = Addresses::new(10).start().await?.join().await?;
/// assert_eq!(report.stages[2].events_in, 5);
/// # Ok(())
/// # }
/// ```
pub fn each_some<F, Run, In, Out, E>(function: F) -> EachSome<F, In, Out, E>
where
    F: FnMut(In) -> Run,
    Run: Future<Output = Result<Option<Out>, E>>,
{
    EachSome { function, types: PhantomData }
}

impl<F, Run, In, Out, E> EachEvent for Each<F, In, Out, E>
where
    F: FnMut(In) -> Run + Send + 'static,
    Run: Future<Output = Result<Out, E>> + Send,
    In: Send + 'static,
    Out: Send + 'static,
    E: Into<BoxError> + 'static,
{
    type In = In;
    type Out = Out;

    async fn handle(&mut self, event: In) -> Result<Option<Out>, BoxError> {
        (self.function)(event).await.map(Some).map_err(Into::into)
    }
}

impl<F, Run, In, Out, E> EachEvent for EachSome<F, In, Out, E>
where
    F: FnMut(In) -> Run + Send + 'static,
    Run: Future<Output = Result<Option<Out>, E>> + Send,
    In: Send + 'static,
    Out: Send + 'static,
    E: Into<BoxError> + 'static,
{
    type In = In;
    type Out = Out;

    async fn handle(&mut self, event: In) -> Result<Option<Out>, BoxError> {
        (self.function)(event).await.map_err(Into::into)
    }
}

impl<F, In, Out, E> EachEvent for Attempt<F, In, Out, E>
where
    F: FnMut(In) -> Result<Out, E> + Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
    E: Into<BoxError> + 'static,
{
    type In = In;
    type Out = Out;

    async fn handle(&mut self, event: In) -> Result<Option<Out>, BoxError> {
        (self.function)(event).map(Some).map_err(Into::into)
    }
}

impl<F, In, Out, E> fmt::Debug for Attempt<F, In, Out, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}

impl<F, In, Out, E> fmt::Debug for Each<F, In, Out, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Each").finish_non_exhaustive()
    }
}

impl<F, In, Out, E> fmt::Debug for EachSome<F, In, Out, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EachSome").finish_non_exhaustive()
    }
}
