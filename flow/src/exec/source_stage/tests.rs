//! The laws of a source whose operator drops items, over random operators and demands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use stage_core::spawn::{StageOptions, producer};
use stage_core::testing::{ManualConsumer, settle};
use stage_core::{Capacity, SubscribeOptions};
use tokio::runtime::Builder;

use super::super::ends::Readers;
use super::*;
use crate::error::FirstError;
use crate::source::{Cloned, IterPart, SharedSlice, Source};
use crate::time::Gauges;

const ITEMS: usize = 2000;

/// Emits the items that a pattern picks.
struct Pick {
    pattern: Arc<[bool]>,
    /// Whether it takes all items of a batch first.
    batches: bool,
    taken: Arc<AtomicUsize>,
}

impl Pick {
    fn picks(&self, item: usize) -> bool {
        self.pattern[item % self.pattern.len()]
    }
}

impl Operator for Pick {
    type In = usize;
    type Out = usize;

    fn takes_batches(&self) -> bool {
        self.batches
    }

    fn batch<K: FnMut(usize)>(&mut self, _edge: usize, items: impl Iterator<Item = usize>, sink: &mut K) {
        let taken = Arc::clone(&self.taken);
        let items = items.inspect(|_| _ = taken.fetch_add(1, Ordering::SeqCst));
        if self.batches {
            let items: Vec<_> = items.collect();
            items.into_iter().filter(|item| self.picks(*item)).for_each(sink);
        } else {
            items.filter(|item| self.picks(*item)).for_each(sink);
        }
    }
}

/// A part that implements only what it must.
struct Plain(std::ops::Range<usize>);

impl Part for Plain {
    type Item = usize;

    fn read(&mut self, most: usize, each: &mut impl FnMut(usize)) -> Result<More, BoxError> {
        self.0.by_ref().take(most).for_each(each);
        Ok(if self.0.is_empty() { More::No } else { More::Yes })
    }
}

/// The operator, the demands, and whether the part leaves the items that are not needed.
#[derive(Clone, Debug)]
struct Case {
    pattern: Vec<bool>,
    batches: bool,
    demands: Vec<usize>,
    leaves: bool,
}

/// Checks a source that reads `part` after each demand, and at a drain after the last one.
async fn check(part: impl Part<Item = usize>, case: Case) -> Result<(), TestCaseError> {
    let Case { pattern, batches, demands, leaves } = case;
    let (pattern, taken) = (Arc::<[bool]>::from(pattern), Arc::<AtomicUsize>::default());
    let operator = Pick { pattern: Arc::clone(&pattern), batches, taken: Arc::clone(&taken) };
    let picked = |items: usize| (0..items).filter(|item| pattern[item % pattern.len()]).collect::<Vec<_>>();
    let all = picked(ITEMS);

    let ends = Ends::new(0, (1, Readers::Own), FirstError::default());
    let stage = SourceStage::new(part, operator, ends, Gauges::default().add("source", 0));
    let stage = producer(stage, StageOptions::named("source").buffer(Capacity::Unbounded)).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&stage.producer(), SubscribeOptions::new()).await.unwrap();

    let (mut asked, mut events) = (0, Vec::new());
    for demand in demands {
        if asked >= all.len() {
            break;
        }
        consumer.ask(demand);
        asked += demand;
        settle().await;
        events.extend(consumer.events());
        prop_assert_eq!(&events[..], &all[..asked.min(all.len())], "what was asked for, in order");
        prop_assert_eq!(stage.stats().buffered, 0, "and no more");
        if leaves && !batches && asked <= all.len() {
            prop_assert_eq!(taken.load(Ordering::SeqCst), all[asked - 1] + 1, "nothing is read ahead");
        }
    }
    // The source may have ended by itself.
    stage.cast(Leave).unwrap_or_default();
    settle().await;
    events.extend(consumer.events());
    prop_assert_eq!(events, picked(taken.load(Ordering::SeqCst)), "all that was read has arrived");
    let (_, end) = consumer.next_end().await;
    prop_assert!(end.reason.is_normal());
    Ok(())
}

proptest! {
    #[test]
    fn a_source_emits_what_is_asked_for_in_order_and_loses_nothing_at_a_drain(
        pattern in prop_oneof![
            prop::collection::vec(any::<bool>(), 1..40),
            (1_usize..300).prop_map(|of| (0..of).map(|item| item == of / 2).collect()),
        ],
        batches in any::<bool>(),
        demands in prop::collection::vec(prop_oneof![1_usize..10, 1_usize..600], 1..12),
        part in 0..3,
    ) {
        let case = Case { pattern, batches, demands, leaves: part < 2 };
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            match part {
                0 => {
                    let items = SharedSlice { items: (0..ITEMS).collect(), form: Cloned };
                    check(items.parts(1).unwrap().remove(0), case).await
                }
                1 => check(IterPart { iterator: 0..ITEMS }, case).await,
                _ => check(Plain(0..ITEMS), case).await,
            }
        })?;
    }
}
