//! A sink that calls a function with each event.

use crate::stage::ForEach;

/// Creates a sink that calls `function` with each event, in order.
///
/// Equivalent to [`finish_fn`](crate::Chain::finish_fn), for use in recipes.
///
/// ```
/// use std::sync::mpsc;
/// use stage_core::{Pipeline, sink};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = mpsc::channel();
/// let pipeline = Pipeline::builder("each").start_fn("numbers", || Ok(1..=3)).finish("send", move || {
///     let sender = sender.clone();
///     Ok(sink::for_each(move |number| sender.send(number).expect("the receiver is alive")))
/// });
/// pipeline.start().await?.join().await?;
/// assert_eq!(receiver.iter().sum::<i32>(), 6);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// A panic of `function` ends the stage, which is then restarted; the current batch is counted as discarded.
pub fn for_each<F, E>(function: F) -> ForEach<F, E>
where
    F: FnMut(E) + Send + 'static,
    E: Send + 'static,
{
    ForEach::new(function)
}
