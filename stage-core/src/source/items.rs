//! A source of the items of an iterator.

use crate::stage::FromIter;

/// A source of the items of `items`, made as they are asked for.
///
/// A demand that takes long to serve is handed on in parts: an iterator that needs ten milliseconds an
/// item delivers every ten milliseconds, and can be drained between two items, whatever the demand. The
/// parts grow while the iterator is fast; one that becomes slow is noticed within eight demands. When it
/// ends, the stage finishes.
///
/// The iterator is advanced on the stage's task: one that blocks its thread or computes for long belongs
/// on a [`Placement`](crate::Placement) of its own. One that waits for others, such as a channel's, keeps
/// what it gave shortly before; the sources for channels do not.
///
/// ```
/// use stage_core::{Pipeline, sink, source};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (all, collected) = sink::collect::<String, _>();
/// let pipeline = Pipeline::builder("letters")
///     .start("letters", || Ok(source::from_iter('a'..='e')))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(collected.await?, "abcde");
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Events are emitted in the order of the iterator.
///
/// # Restart
///
/// The recipe makes a new iterator, which begins anew.
///
/// # Panics
///
/// A panic of the iterator ends the stage, which is then restarted. Items that it made and that were not
/// handed on are counted as discarded.
pub fn from_iter<I>(items: I) -> FromIter<I::IntoIter>
where
    I: IntoIterator<Item: Send + 'static, IntoIter: Send + 'static>,
{
    FromIter::new(items)
}
