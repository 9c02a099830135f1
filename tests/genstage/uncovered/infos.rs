//! Random histories of messages that travel behind events: each arrives when all events before it have left.

use proptest::prelude::*;
use stage_core::Capacity;
use stage_core::dispatch::{
    BroadcastDispatcher, DemandDispatcher, DispatchOptions, Dispatcher, PartitionDispatcher,
};
use stage_core::spawn::DemandMode;
use stage_core::testing::{Sim, turn};

use crate::support::{Book, Emit, Seen, ask, bare, settle, temporary, told};

/// One step of a history.
#[derive(Clone, Copy, Debug)]
enum Step {
    Emit(u64),
    Ask(usize),
    Info,
    Mode(DemandMode),
    Look,
}

/// The texts of the infos.
const INFOS: [&str; 8] = ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mode = prop_oneof![Just(DemandMode::Accumulate), Just(DemandMode::Forward)];
    let step = prop_oneof![
        3 => (1..6_u64).prop_map(Step::Emit),
        3 => (1..6_usize).prop_map(Step::Ask),
        2 => Just(Step::Info),
        1 => mode.prop_map(Step::Mode),
        2 => Just(Step::Look),
    ];
    prop::collection::vec(step, 1..50)
}

fn dispatcher(number: u32) -> Box<dyn Dispatcher<u64>> {
    match number {
        0 => Box::new(DemandDispatcher::new()),
        1 => Box::new(BroadcastDispatcher::new()),
        _ => Box::new(PartitionDispatcher::routed(1, |event| Some((event, 0))).unwrap()),
    }
}

/// The events emitted before each info, and the progress.
#[derive(Default)]
struct History {
    emitted: u64,
    before: Vec<u64>,
    got: u64,
    fired: Vec<&'static str>,
}

impl History {
    /// After everything has settled, checks that exactly the infos without events before them arrived.
    async fn check(&mut self, book: &mut Book) -> Result<(), TestCaseError> {
        for (_, seen) in book.settled().await {
            match seen {
                Seen::Batch(events) => self.got += events.len() as u64,
                Seen::Note(info) => self.fired.push(info),
                _ => {}
            }
        }
        let due = self.before.iter().take_while(|before| **before <= self.got).count();
        prop_assert_eq!(&self.fired[..], &INFOS[..due], "{} of {} got", self.got, self.emitted);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn uncovered_14_an_info_arrives_only_after_everything_before_it(
        seed: u64,
        steps in steps(),
        number in 0..3_u32,
        bounded: bool,
    ) {
        Sim::seeded(seed).run(async {
            let mut book = Book::new();
            let capacity = if bounded { Capacity::Bounded(10_000) } else { Capacity::Unbounded };
            let told = told(&book, "told", |options| options.buffer(capacity).dispatcher(dispatcher(number))).await;
            let peer = bare(&book, "peer").await;
            let options = temporary().share(DispatchOptions::new().partition(0));
            let subscription = peer.subscribe(&told.producer(), options).await.unwrap();
            let mut history = History::default();
            for step in steps {
                match step {
                    Step::Emit(events) => {
                        let end = history.emitted + events;
                        told.cast(Emit((history.emitted..end).collect())).unwrap();
                        history.emitted = end;
                    }
                    Step::Ask(events) => ask(&subscription, events),
                    Step::Info => {
                        if let Some(info) = INFOS.get(history.before.len()) {
                            told.info_soon(*info).unwrap();
                            history.before.push(history.emitted);
                        }
                    }
                    Step::Mode(mode) => {
                        // A change of mode is taken in before waiting messages.
                        settle().await;
                        told.set_demand_mode(mode);
                    }
                    Step::Look => {
                        settle().await;
                        told.set_demand_mode(DemandMode::Forward);
                        history.check(&mut book).await?;
                    }
                }
                turn().await;
            }
            told.set_demand_mode(DemandMode::Forward);
            ask(&subscription, 10_000);
            history.check(&mut book).await?;
            prop_assert_eq!(history.got, history.emitted);
            Ok(())
        })?;
    }
}
