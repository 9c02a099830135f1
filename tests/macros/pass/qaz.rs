//! The book's Qaz, with the same result as in the book: 11 stages, 26 subscriptions, and the demand of each.

use std::sync::mpsc::{Sender, channel};

use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, Producer, ProducerConsumer, StageResult, pipeline,
};

/// Emits the numbers from `next` to below `end`.
struct StartModule {
    next: u64,
    end: u64,
}

impl StartModule {
    fn new(next: u64, end: u64) -> Self {
        Self { next, end }
    }
}

impl Producer for StartModule {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let wanted = u64::try_from(demand.get())?;
        let upto = self.end.min(self.next + wanted);
        out.extend(self.next..upto);
        self.next = upto;
        if self.next == self.end {
            out.finish();
        }
        Ok(())
    }
}

struct Step1Module;

impl ProducerConsumer for Step1Module {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events.into_iter().map(|number| number * 2));
        Ok(())
    }
}

struct Step2Module;

impl ProducerConsumer for Step2Module {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events.into_iter().map(|number| number + 1));
        Ok(())
    }
}

struct FinishModule {
    results: Sender<u64>,
}

impl FinishModule {
    fn new(results: Sender<u64>) -> Self {
        Self { results }
    }
}

impl Consumer for FinishModule {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        for number in events {
            self.results.send(number)?;
        }
        Ok(())
    }
}

pipeline! {
    /// The book's example of the language, with the book's default window.
    Qaz(a: u64, b: u64, results: Sender<u64>) {
        max_demand: 10, min_demand: 1,

        start StartModule, args: [a, b], count: 2;
        step Step1Module, min_demand: 4, max_demand: 6, count: 3;
        step Step2Module, count: 5;
        finish FinishModule, args: [results];
    }
}

#[test]
fn qaz_has_the_stages_subscriptions_and_demand_of_the_book() {
    let (results, _received) = channel();
    let qaz = Qaz::new(0, 1, results);
    let topology = qaz.topology();
    let steps: Vec<_> = topology
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.count, (step.min_demand, step.max_demand)))
        .collect();
    assert_eq!(topology.name, "qaz");
    assert_eq!(
        steps,
        [
            ("start_module", 2, (1, 10)),
            ("step1_module", 3, (4, 6)),
            ("step2_module", 5, (1, 10)),
            ("finish_module", 1, (1, 10)),
        ]
    );
    assert_eq!(topology.stages(), 11);
    assert_eq!(topology.subscriptions(), 26);
}

#[tokio::test]
async fn every_event_of_every_copy_of_qaz_arrives() -> Result<(), BoxError> {
    let (results, received) = channel();
    let report = Qaz::new(0, 1000, results).start().await?.join().await?;
    assert_eq!(report.stages.len(), 11);
    let mut numbers: Vec<u64> = received.iter().collect();
    numbers.sort_unstable();
    let expected: Vec<u64> = (0..1000).flat_map(|number| [number * 2 + 1; 2]).collect();
    assert_eq!(numbers, expected);
    Ok(())
}
