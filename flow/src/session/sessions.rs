//! The method of a flow that finds sessions.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Sessions;
use super::operator::SessionLayer;
use crate::chain::Start;
use crate::flow::Flow;
use crate::options::LayerOptions;
use crate::plan::{Origin, Staged};
use crate::time::Timed;

/// A flow of sessions.
pub type SessionFlow<O, T, F, I, G, H> = Flow<Start<Staged<O, SessionLayer<T, F, I, G, H>>>>;

impl<O: Origin<Time = Timed>> Flow<Start<O>> {
    /// Finds the sessions of each key in this stage, and folds the events of each into a value; `merge`
    /// merges the values of two sessions that an event joins. A session is emitted when the watermark shows
    /// that it has ended, or at the end of the input, in the order of their ends. Partition by the same key
    /// first.
    ///
    /// An event behind the watermark is accepted if an open session of its key is within the gap. It is late
    /// if there is none and a session of the event alone would have ended; [`late`](Flow::late) gets the late
    /// events. A flow with a window or a trigger before the sessions does not start.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::Sessions;
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let seconds = |at: &i64| at * 1000;
    /// let visits = Flow::from_items([1, 2, 3, 60, 61]).event_time(seconds, Duration::MAX).stages(1);
    /// let gap = Sessions::new(Duration::from_secs(10));
    /// let lengths = visits
    ///     .sessions(gap, |_| "visitor", || 0, |count, _| *count += 1, |count, other| *count += other)
    ///     .map(|session| ((session.end - session.start) / 1000, session.value));
    /// assert_eq!(lengths.collect::<Vec<_>>().await?, [(2, 3), (1, 2)]);
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::type_complexity, reason = "a flow names its functions")]
    pub fn sessions<Q, A, F, I, G, H>(
        self,
        sessions: Sessions,
        key: F,
        init: I,
        fold: G,
        merge: H,
    ) -> SessionFlow<O, O::Item, F, I, G, H>
    where
        Q: Clone + Eq + Hash + Send + 'static,
        A: Send + 'static,
        F: Fn(&O::Item) -> Q + Send + Sync + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        G: Fn(&mut A, O::Item) + Send + Sync + 'static,
        H: Fn(&mut A, A) + Send + Sync + 'static,
    {
        let windowed = self.is_windowed();
        let Self { chain: Start { origin }, mut options, late, .. } = self;
        options.refuse(sessions.refused.clone());
        let first = SessionLayer {
            windowed,
            sessions,
            key: Arc::new(key),
            init: Arc::new(init),
            fold: Arc::new(fold),
            merge: Arc::new(merge),
            late,
            options: LayerOptions::default(),
            takes: PhantomData,
        };
        let mut flow = Flow::at(Staged { origin, first, what: "sessions" });
        flow.options = options;
        flow
    }
}
