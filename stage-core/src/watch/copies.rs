//! The number of copies of a step, as an operator sets it.

use super::steering::Steering;
use super::steering_error::SteeringError;
use crate::base::copies::Copies;
use crate::pipeline::handle::Running;
use crate::supervise::Command;

impl Steering {
    /// Sets the number of copies of an elastic step, in each lane: a number, which is fixed from then on, or a range
    /// within which it follows the load.
    ///
    /// The step was declared with a range, such as `count: 1..=8`, and the new one lies within it. Copies that join are
    /// built by the recipe of the step. A copy that leaves asks for no more events, handles what it was sent, hands its
    /// output over and ends; nothing is lost, and its deliveries are settled like any others. A step that is paused
    /// changes once it is resumed.
    ///
    /// # Errors
    ///
    /// Returns [`SteeringError::UnknownStep`]; [`SteeringError::SourceCount`] for a source;
    /// [`SteeringError::FixedCount`] for a step that was declared with one number; [`SteeringError::Count`] for a number
    /// outside of its range; [`SteeringError::Ending`] and [`SteeringError::Ended`].
    pub fn set_count(&self, step: &str, copies: impl Into<Copies>) -> Result<(), SteeringError> {
        self.set_copies(step, copies.into())
    }

    #[inline]
    fn set_copies(&self, step: &str, copies: Copies) -> Result<(), SteeringError> {
        let first = self.copies(step)?[0];
        let (pipeline, name) = (self.owned_name(), step.to_owned());
        let Some(elastic) = &first.elastic else {
            let known = self.steps(|stage| stage.elastic.is_some());
            return Err(if first.is_source() {
                SteeringError::SourceCount { pipeline, step: name, known }
            } else {
                SteeringError::FixedCount { pipeline, step: name, known }
            });
        };
        let range = elastic.declared();
        if !range.contains(copies) {
            return Err(SteeringError::Count { pipeline, step: name, range, got: copies });
        }
        self.change(|| elastic.set_range(copies))?;
        self.monitor.lifecycle.tell(Command::Rescale);
        tracing::info!(pipeline = self.name(), step, %copies, "number of copies set");
        Ok(())
    }
}

impl Running {
    /// Sets the number of copies of an elastic step, as [`Steering::set_count`] does.
    ///
    /// ```
    /// use stage_core::{Pipeline, StepOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let running = Pipeline::builder("upload")
    ///     .start_fn("files", || Ok(0_u64..1_000))
    ///     .finish_fn(StepOptions::named("store").count(1..=8), |_| ())
    ///     .start()
    ///     .await?;
    /// running.set_count("store", 4)?;
    /// running.set_count("store", 2..=6)?;
    /// let refused = running.set_count("store", 9).unwrap_err();
    /// assert_eq!(
    ///     refused.to_string(),
    ///     "the step `store` of the pipeline `upload` may have 1..=8 copies, not 9"
    /// );
    /// let report = running.join().await?;
    /// assert_eq!(report.stages.iter().skip(1).map(|copy| copy.events_in).sum::<u64>(), 1_000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Steering::set_count`].
    pub fn set_count(&self, step: &str, copies: impl Into<Copies>) -> Result<(), SteeringError> {
        self.steering().set_count(step, copies)
    }
}
