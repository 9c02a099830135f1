//! The stage that emits the events of requests.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use stage_core::ack::{AckOptions, Deliveries, Delivery};
use stage_core::stage::Cast;
use stage_core::{
    BoxError, Context, Demand, Emitter, ExitReason, Init, Nothing, Producer, StageRef, StageResult,
};

use super::line::{Line, RunId};
use super::ticket::{Settler, Ticket};

/// The source made by [`requests`](crate::requests). All clones are the same source.
///
/// Requests are refused with 503 until it runs, while it drains, and once its last clone is dropped, which the recipe
/// of a pipeline holds until the pipeline has ended.
///
/// See the example of [`Intake`](crate::Intake).
pub struct Requests<T> {
    owner: Arc<Owner<T>>,
    run: Option<Run<T>>,
}

/// State shared by all clones; dropped with the last one.
struct Owner<T> {
    line: Arc<Line<T>>,
}

/// A running stage. Dropping it without a farewell means that it failed.
struct Run<T> {
    line: Arc<Line<T>>,
    id: RunId,
    deliveries: Deliveries<Arc<Ticket>>,
}

/// A message of the line to the stage: events wait.
struct Arrived;

impl<T> Requests<T> {
    pub(super) fn new(line: &Arc<Line<T>>) -> Self {
        Self { owner: Arc::new(Owner { line: Arc::clone(line) }), run: None }
    }
}

impl<T: Send + 'static> Requests<T> {
    /// Emits the events that wait and are wanted.
    fn serve(&self, out: &mut Emitter<'_, Delivery<T>>) {
        if let Some(run) = &self.run {
            out.extend(run.deliveries.deliver(run.line.take()));
        }
    }
}

impl<T: Send + 'static> Producer for Requests<T> {
    type Event = Delivery<T>;

    /// The line wakes one stage.
    const SINGLE: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let stage = StageRef::<Self, Nothing, Delivery<T>>::current(cx)?;
        // A verdict is one message to a task, so waiting for others would only add to the time of the answer.
        let options = AckOptions::new().linger(std::time::Duration::ZERO);
        let deliveries = cx.acknowledge_by(Settler, options);
        let line = Arc::clone(&self.owner.line);
        let wake = move || {
            // The cast fails if the stage has ended; the line knows of that already.
            let _ = stage.cast(Arrived);
        };
        let id = line.begin(cx.draining().boxed().shared(), Box::new(wake));
        self.run = Some(Run { line, id, deliveries });
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<T>>) -> StageResult {
        if let Some(run) = &self.run {
            run.line.want(demand.get());
        }
        self.serve(out);
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        if let Some(run) = &self.run
            && reason.is_normal()
        {
            run.line.leave(run.id);
        }
    }
}

impl<T: Send + 'static> Cast<Arrived> for Requests<T> {
    type Out = Delivery<T>;

    async fn handle_cast(&mut self, _: Arrived, out: &mut Emitter<'_, Delivery<T>>) -> StageResult {
        self.serve(out);
        Ok(())
    }
}

impl<T> Drop for Run<T> {
    fn drop(&mut self) {
        self.line.lose(self.id);
    }
}

impl<T> Drop for Owner<T> {
    fn drop(&mut self) {
        self.line.end();
    }
}

/// Returns the same source, as a stage that is not running.
impl<T> Clone for Requests<T> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner), run: None }
    }
}

impl<T> fmt::Debug for Requests<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").field("runs", &self.run.is_some()).finish_non_exhaustive()
    }
}
