//! A visitor: a stage that subscribes to a running pipeline by hand, takes some of its jobs, and cancels.

use stage_core::ack::Delivery;
use stage_core::spawn::{StageOptions, consumer};
use stage_core::subscribe::{Asking, Subscription};
use stage_core::{
    BoxError, Consumer, Context, Events, ExitReason, Nothing, ProducerRef, StageRef, StageResult,
    SubscribeOptions,
};
use stage_sqlite::Job;

use crate::chance::Chance;
use crate::log::Log;
use crate::stages;

/// Handles jobs as the last stage does, until it has enough.
pub(crate) struct Visitor {
    chance: Chance,
    log: Log,
    /// Number of jobs after which it cancels.
    enough: u64,
    subscription: Option<Subscription>,
}

/// A current or former visitor.
pub(crate) type Visit = StageRef<Visitor, Delivery<Job>, Nothing>;

impl Visitor {
    /// Subscribes a visitor to `producer`. Returns `None` if the producer is about to be restarted.
    pub(crate) async fn come(producer: &ProducerRef<Delivery<Job>>, chance: &Chance, log: &Log) -> Visit {
        let enough = 1 + chance.below(40);
        let visitor = Self { chance: chance.clone(), log: log.clone(), enough, subscription: None };
        let visit = consumer(visitor, StageOptions::named("visitor")).await.unwrap();
        let options = SubscribeOptions::new().max_demand(1 + usize::try_from(chance.below(10)).unwrap());
        // The visitor ends with its only subscription, whatever ends that.
        visit.subscribe(producer, options).await.unwrap();
        visit
    }

    fn leave(&mut self, cx: &mut Context<'_>) {
        match self.subscription.take() {
            Some(subscription) if self.chance.below(2) == 0 => {
                subscription.cancel(ExitReason::Custom("by chance".to_owned()));
            }
            _ => cx.finish(),
        }
    }
}

impl Consumer for Visitor {
    type Event = Delivery<Job>;

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        self.subscription = Some(subscription.clone());
        Ok(Asking::Automatic)
    }

    async fn handle_events(&mut self, jobs: Events<'_, Delivery<Job>>, cx: &mut Context<'_>) -> StageResult {
        for delivery in jobs {
            let (job, token) = delivery.into_parts();
            // A failed job is rejected by the drop of its token.
            if let Ok(job) = stages::handle(job, self.chance.clone()).await {
                self.log.note(&job);
                token.acknowledge();
            }
            self.enough = self.enough.saturating_sub(1);
        }
        if self.enough == 0 {
            self.leave(cx);
        }
        Ok(())
    }
}
