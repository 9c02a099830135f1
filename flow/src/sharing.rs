//! Several results of one flow in one run.

use std::sync::Arc;

use futures_util::StreamExt;

use crate::chain::{Chain, TimeOf};
use crate::collects::Collects;
use crate::error::FlowError;
use crate::exec::Workers;
use crate::flow::{Flow, LayerFlow};
use crate::plan::{Fed, Merged, Origin, Shared};
use crate::time::Time;

/// A result of one of two flows.
enum Either<A, B> {
    One(A),
    Other(B),
}

impl<C: Chain> Flow<C>
where
    <TimeOf<C> as Time>::Of<C::Out>: Clone,
{
    /// Makes the layers so far run once in a run, however many flows continue from clones of the result: each
    /// receives every event. Events are cloned for all but one of them; share `Arc`s if that is expensive. The
    /// slowest one sets the pace.
    ///
    /// Flows continue from the same clone in the same run if they are [merged](Self::merge), joined, or
    /// [collected together](Self::collect_both). Runs do not share anything with each other.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let parsed = Arc::new(AtomicU32::new(0));
    /// let count = Arc::clone(&parsed);
    /// let numbers = Flow::from_items(["1", "2", "3", "4"]).map(move |text: &str| {
    ///     count.fetch_add(1, Ordering::Relaxed);
    ///     text.parse::<u64>().unwrap_or_default()
    /// });
    /// let numbers = numbers.share();
    /// let squares = numbers.clone().map(|number| number * number);
    /// let sum = numbers.partition(|_| ()).reduce(|| 0, |sum, number| *sum += number).emit_state();
    /// let (mut squares, sums): (Vec<_>, Vec<_>) = squares.collect_both(&sum).await?;
    /// squares.sort_unstable();
    /// assert_eq!((squares, sums.iter().sum()), (vec![1, 4, 9, 16], 10));
    /// assert_eq!(parsed.load(Ordering::Relaxed), 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn share(self) -> LayerFlow<TimeOf<C>, C::Out> {
        let node = Shared::<TimeOf<C>, C::Out> { node: self.node() };
        Flow::at(Fed { node: Arc::new(node), routing: None })
    }
}

impl<C: Chain> Flow<C> {
    /// Runs this flow and another in one run, in which they may [share](Self::share) layers, and collects the
    /// results of each in arrival order.
    ///
    /// # Errors
    ///
    /// Returns a [`FlowError`], and no result, if anything failed.
    pub async fn collect_both<D, A, B>(&self, other: &Flow<D>) -> Result<(A, B), FlowError>
    where
        D: Chain,
        D::Origin: Origin<Time = TimeOf<C>>,
        A: Collects<C::Out>,
        B: Collects<D::Out>,
    {
        self.collect_both_on(other, Workers::Own).await
    }

    /// Collects the results as [`collect_both`](Self::collect_both) does, on these threads.
    ///
    /// ```
    /// use flow::{Flow, Workers};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let numbers = Flow::from_items(1..=4_u64).stages(1);
    /// let odd = numbers.clone().filter(|number| number % 2 == 1);
    /// let (all, odd): (Vec<_>, Vec<_>) = numbers.collect_both_on(&odd, Workers::Current).await?;
    /// assert_eq!((all.len(), odd), (4, vec![1, 3]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect_both`](Self::collect_both).
    pub async fn collect_both_on<D, A, B>(
        &self,
        other: &Flow<D>,
        workers: Workers,
    ) -> Result<(A, B), FlowError>
    where
        D: Chain,
        D::Origin: Origin<Time = TimeOf<C>>,
        A: Collects<C::Out>,
        B: Collects<D::Out>,
    {
        let parts = vec![self.clone().map(Either::One).node(), other.clone().map(Either::Other).node()];
        let both: LayerFlow<TimeOf<C>, Either<C::Out, D::Out>> =
            Flow::at(Fed { node: Arc::new(Merged { parts }), routing: None });
        let (mut one, mut another) = (A::default(), B::default());
        let mut events = both.stream_on(workers).await?;
        while let Some(event) = events.next().await {
            match event? {
                Either::One(event) => one.extend([event]),
                Either::Other(event) => another.extend([event]),
            }
        }
        Ok((one, another))
    }
}
