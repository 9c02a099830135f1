//! The consumers of one run of a flow: starts, watches and restarts them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use stage_core::spawn::{StageOptions, consumer};
use stage_core::stats::StageStats;
use stage_core::watch::GroupBuilder;
use stage_core::{CancelMode, Consumer, ExitReason, Nothing, ProducerRef, StageRef};
use tokio::time::Instant;

use super::finish::{ConsumerRestart, FinishOptions};
use super::owned_consumer::{Life, OwnedConsumer};
use super::through::{StageRecipe, made};
use crate::error::FlowError;
use crate::exec::{Ends, Readers};
use crate::plan::{Build, RunningStage};
use crate::sync::lock;

type Running<S> = StageRef<OwnedConsumer<S>, <S as Consumer>::Event, Nothing>;

/// The consumers of one run.
pub(super) struct Crew<S: Consumer> {
    name: String,
    recipe: StageRecipe<S>,
    options: FinishOptions,
    producers: Vec<ProducerRef<S::Event>>,
    build: Build,
    members: Vec<Member<S>>,
    restarts: VecDeque<Instant>,
}

/// The action to take when a consumer has ended.
enum EndAction {
    /// The consumer has finished.
    Done,
    /// The flow continues without the consumer.
    Leave,
    Restart,
}

impl<S: Consumer> Crew<S> {
    /// Creates and starts all consumers; they ask when the flow is released.
    pub(super) async fn start(
        recipe: StageRecipe<S>,
        options: FinishOptions,
        producers: &[ProducerRef<S::Event>],
        build: &Build,
    ) -> Result<Self, FlowError> {
        let name = build.name(options.layer.name.as_deref().unwrap_or("consumers"));
        let (producers, build) = (producers.to_vec(), build.clone());
        let (members, restarts) = (Vec::new(), VecDeque::new());
        let mut crew = Self { name, recipe, options, producers, build, members, restarts };
        for index in 0..crew.options.layer.count() {
            let stage = crew.spawn(index, Life::First).await?;
            let member = Member::new(stage.clone());
            crew.build.keep(member.clone());
            crew.members.push(member);
            for producer in &crew.producers {
                crew.build.wire(&crew.name, &stage, producer, crew.options.layer.demand()).await?;
            }
        }
        Ok(crew)
    }

    async fn spawn(&self, index: usize, life: Life) -> Result<Running<S>, FlowError> {
        let stage = made(&self.recipe, &self.name, index, self.options.layer.count())?;
        // The output of a consumer is not read by any stage.
        let ends = Ends::new(self.producers.len(), (0, Readers::Own), self.build.first_error.clone());
        let options = StageOptions::named(format!("{}/{index}", self.name));
        consumer(OwnedConsumer { stage, ends, life }, options).await.map_err(Build::failed)
    }

    /// Runs until all consumers have ended; if all of them have left without finishing, until everything
    /// `before` them has ended as well.
    pub(super) async fn work(
        mut self,
        before: impl Future<Output = Option<FlowError>>,
    ) -> Result<(), FlowError> {
        let ends: FuturesUnordered<_> = (0..self.members.len()).map(|index| self.end_of(index)).collect();
        let (build, mut ends, mut left) = (self.build.clone(), ends, 0);
        let mut fails = std::pin::pin!(build.fails());
        while let Some((index, reason)) = tokio::select! {
            biased;
            error = &mut fails => return Err(error),
            end = ends.next() => end,
        } {
            match self.end_action(index, reason)? {
                EndAction::Done => {}
                EndAction::Leave => left += 1,
                EndAction::Restart => {
                    self.restart(index).await?;
                    ends.push(self.end_of(index));
                }
            }
        }
        if left < self.members.len() {
            // A stage that failed while there was no consumer could not report its failure downstream.
            return build.failure_beside(&self.name).map_or(Ok(()), Err);
        }
        // External subscribers may come and read the rest.
        tokio::select! {
            biased;
            error = &mut fails => Err(error),
            failed = before => failed.map_or(Ok(()), Err),
        }
    }

    fn end_of(&self, index: usize) -> BoxFuture<'static, (usize, ExitReason)> {
        let stage = self.members[index].now().stage.clone();
        async move { (index, stage.ended().await) }.boxed()
    }

    fn end_action(&mut self, index: usize, reason: ExitReason) -> Result<EndAction, FlowError> {
        let stopped = match (&reason, self.options.restart) {
            (ExitReason::Normal, _) => return Ok(EndAction::Done),
            (_, ConsumerRestart::Temporary) | (ExitReason::Shutdown, ConsumerRestart::Transient) => {
                return Ok(EndAction::Leave);
            }
            (ExitReason::Shutdown, ConsumerRestart::Permanent) => FlowError::Stopped,
            (_, ConsumerRestart::Permanent | ConsumerRestart::Transient) => {
                FlowError::Stage { stage: format!("{}/{index}", self.name), reason }
            }
        };
        let intensity = self.options.intensity;
        let now = Instant::now();
        self.restarts.push_back(now);
        self.restarts.retain(|then| now.duration_since(*then) <= intensity.within);
        if self.restarts.len() > intensity.max_restarts { Err(stopped) } else { Ok(EndAction::Restart) }
    }

    async fn restart(&mut self, index: usize) -> Result<(), FlowError> {
        let stage = self.spawn(index, Life::Again).await?;
        tracing::warn!(stage = stage.name(), "restarting a consumer of a flow");
        self.members[index].replace(stage.clone());
        for producer in &self.producers {
            // A producer that has ended in the meantime is not a failure.
            let demand = self.options.layer.demand().cancel(CancelMode::Temporary);
            self.build.subscribe(&self.name, &stage, producer, demand).await?;
        }
        Ok(())
    }
}

/// A consumer, over all its restarts.
struct Member<S: Consumer> {
    now: Arc<Mutex<Now<S>>>,
}

struct Now<S: Consumer> {
    stage: Running<S>,
    /// The statistics of its previous instances.
    before: StageStats,
}

impl<S: Consumer> Clone for Member<S> {
    fn clone(&self) -> Self {
        Self { now: Arc::clone(&self.now) }
    }
}

impl<S: Consumer> Member<S> {
    fn new(stage: Running<S>) -> Self {
        Self { now: Arc::new(Mutex::new(Now { stage, before: StageStats::default() })) }
    }

    fn now(&self) -> MutexGuard<'_, Now<S>> {
        lock(&self.now)
    }

    fn replace(&self, stage: Running<S>) {
        let before = self.stats();
        let mut now = self.now();
        *now = Now { stage, before };
        now.before.restarts += 1;
    }
}

impl<S: Consumer> RunningStage for Member<S> {
    fn ended(&self) -> BoxFuture<'static, (String, ExitReason)> {
        RunningStage::ended(&self.now().stage)
    }

    /// Consumers do not hold back demand themselves.
    fn release(&self) {}

    fn stop(&self) {
        RunningStage::stop(&self.now().stage);
    }

    fn abort(&self) {
        RunningStage::abort(&self.now().stage);
    }

    fn stats(&self) -> StageStats {
        let now = self.now();
        let mut stats = now.stage.stats();
        stats.events_in += now.before.events_in;
        stats.batches += now.before.batches;
        stats.left_out += now.before.left_out;
        stats.discarded += now.before.discarded;
        stats.busy += now.before.busy;
        stats.restarts += now.before.restarts;
        stats
    }

    /// Adds its first instance; those after a restart are not followed.
    fn watched_in(&self, group: GroupBuilder) -> GroupBuilder {
        group.stage(&self.now().stage)
    }
}
