//! The methods that run a flow and pass its results to a function.

use crate::chain::Chain;
use crate::error::FlowError;
use crate::exec::Workers;
use crate::flow::Flow;

impl<C: Chain> Flow<C> {
    /// Runs the flow and calls `function` with each result, in arrival order, on the task of the caller.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let mut sum = 0;
    /// Flow::from_range(0..10_u64).map(|number| number * number).for_each(|square| sum += square).await?;
    /// assert_eq!(sum, 285);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect). `function` may have seen a part of the results then.
    pub async fn for_each(&self, function: impl FnMut(C::Out)) -> Result<(), FlowError> {
        self.for_each_on(function, Workers::Own).await
    }

    /// Passes the results on as [`for_each`](Self::for_each) does, with the flow on these threads.
    ///
    /// ```
    /// use flow::{Flow, Workers};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let mut seen = Vec::new();
    /// Flow::from_range(0..3_u64).for_each_on(|number| seen.push(number), Workers::Current).await?;
    /// seen.sort_unstable();
    /// assert_eq!(seen, [0, 1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`for_each`](Self::for_each).
    pub async fn for_each_on(
        &self,
        mut function: impl FnMut(C::Out),
        workers: Workers,
    ) -> Result<(), FlowError> {
        self.fold_on((), |(), event| function(event), workers).await
    }
}
