//! A source that emits the items of an iterator.

use crate::stage::FromIter;

/// Creates a source that emits the items of `items`, computed on demand.
///
/// If serving a demand takes long, it is served in parts: an iterator that needs ten milliseconds per item
/// delivers one every ten milliseconds and can be drained between two items, whatever the demand. The parts
/// grow while the iterator is fast; an iterator that becomes slow is noticed within eight demands. When the
/// iterator ends, the stage finishes.
///
/// The iterator runs on the stage's task: one that blocks its thread or computes for long belongs on a
/// [`Placement`](crate::Placement) of its own. An iterator that blocks on others, such as a channel's, delays
/// the items it has just returned; the sources for channels do not.
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
/// The recipe makes a new iterator, which starts from the beginning.
///
/// # Panics
///
/// A panic of the iterator ends the stage, which is then restarted. Items produced but not yet handed on are
/// counted as discarded.
pub fn from_iter<I>(items: I) -> FromIter<I::IntoIter>
where
    I: IntoIterator<Item: Send + 'static, IntoIter: Send + 'static>,
{
    FromIter::new(items)
}
