//! A random flow, and a plain loop over the same input.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use flow::join::{FullOuter, Inner};
use flow::time::Untimed;
use flow::{Flow, LayerFlow};
use proptest::collection::vec;
use proptest::prelude::*;

type Numbers = LayerFlow<Untimed, i64>;

/// An operation on all events.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Map(i64),
    Filter(i64),
    FlatMap(i64),
    FilterMap(i64),
    MapBatch,
    Shuffle,
    /// By the remainder of a division; 1 sends everything to one partition.
    Partition(i64),
    /// Most events go to one partition.
    Skew(usize),
    Uniq,
    SumOfEach(i64),
    SumBy(i64),
    CountBy(i64),
    Total,
    First(usize),
    Sort,
    JoinInner(i64),
    JoinFull(i64),
    MergeWith(i64),
}

/// The execution options of the layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) stages: usize,
    pub(super) max_demand: usize,
    /// In percent of `max_demand`.
    pub(super) min_demand: usize,
}

/// A flow.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) sources: Vec<Vec<i64>>,
    pub(super) ops: Vec<(Op, Layout)>,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (-3..4_i64).prop_map(Op::Map),
        (1..5_i64).prop_map(Op::Filter),
        (0..4_i64).prop_map(Op::FlatMap),
        (1..5_i64).prop_map(Op::FilterMap),
        Just(Op::MapBatch),
        Just(Op::Shuffle),
        (1..9_i64).prop_map(Op::Partition),
        (0..4_usize).prop_map(Op::Skew),
        Just(Op::Uniq),
        (1..9_i64).prop_map(Op::SumOfEach),
        (1..9_i64).prop_map(Op::SumBy),
        (1..9_i64).prop_map(Op::CountBy),
        Just(Op::Total),
        (0..20_usize).prop_map(Op::First),
        Just(Op::Sort),
        (1..9_i64).prop_map(Op::JoinInner),
        (1..9_i64).prop_map(Op::JoinFull),
        (-3..4_i64).prop_map(Op::MergeWith),
    ]
}

pub(super) fn layout() -> impl Strategy<Value = Layout> {
    (1..5_usize, 1..30_usize, 0..100_usize).prop_map(|(stages, max_demand, min_demand)| Layout {
        stages,
        max_demand,
        min_demand,
    })
}

pub(super) fn program() -> impl Strategy<Value = Program> {
    let sources = vec(vec(-20..50_i64, 0..60), 1..4);
    (sources, vec((op(), layout()), 0..6)).prop_map(|(sources, ops)| Program { sources, ops })
}

impl Layout {
    pub(super) fn of<C: flow::Chain>(self, flow: Flow<C>) -> Flow<C> {
        let min = self.max_demand * self.min_demand / 100;
        flow.stages(self.stages).max_demand(self.max_demand).min_demand(min.min(self.max_demand - 1))
    }
}

/// Keeps numbers small, so that nothing overflows.
fn scaled(number: i64, by: i64) -> i64 {
    (number * by + 1) % 100_003
}

fn small_side() -> std::ops::Range<i64> {
    0..6
}

impl Op {
    fn apply(&self, flow: Numbers, layout: Layout) -> Numbers {
        match *self {
            Self::Map(by) => layout.of(flow).map(move |number| scaled(number, by)).boxed(),
            Self::Filter(by) => layout.of(flow).filter(move |number| number.rem_euclid(by) != 1).boxed(),
            Self::FlatMap(copies) => {
                layout.of(flow).flat_map(move |number| (0..copies).map(move |copy| number + copy)).boxed()
            }
            Self::FilterMap(by) => {
                let map = move |number: i64| (number.rem_euclid(by) == 0).then_some(number / by);
                layout.of(flow).filter_map(map).boxed()
            }
            Self::MapBatch => {
                let batch = |batch: Vec<i64>| batch.into_iter().map(|number| number + 1).collect();
                layout.of(flow.map_batch(batch)).boxed()
            }
            Self::Shuffle => layout.of(flow.shuffle()).map(|number| number).boxed(),
            Self::Partition(by) => {
                layout.of(flow.partition(move |number| number.rem_euclid(by))).map(|number| number).boxed()
            }
            Self::Skew(hot) => {
                let route = move |number: i64| {
                    let cold = number.rem_euclid(7) == 0;
                    let partition = if cold { hot + 1 } else { hot };
                    Some((number, partition % layout.stages))
                };
                layout.of(flow.partition_with(route)).map(|number| number).boxed()
            }
            Self::Uniq => layout.of(flow.partition(|number| *number)).uniq().boxed(),
            Self::SumOfEach(by) => {
                let sums = layout.of(flow.partition(move |number| number.rem_euclid(by)));
                let add = move |sums: &mut HashMap<i64, i64>, number: i64| {
                    *sums.entry(number.rem_euclid(by)).or_default() += number;
                };
                sums.reduce(HashMap::new, add).emit().map(|(key, sum)| scaled(sum, 7) + key).boxed()
            }
            Self::SumBy(by) => {
                let sums = layout.of(flow).sum_by(move |number| number.rem_euclid(by), |number| number);
                sums.map(|(key, sum)| scaled(sum, 7) + key).boxed()
            }
            Self::CountBy(by) => {
                let counts = layout.of(flow).count_by(move |number| number.rem_euclid(by));
                counts.map(|(key, count)| i64::try_from(count).unwrap() * 10 + key).boxed()
            }
            Self::Total => {
                let sums = layout.of(flow.shuffle()).reduce(|| 0, |sum, number| *sum += number);
                sums.departition(|| 0, |total, sum| *total += sum, |total, _| total % 100_003).boxed()
            }
            Self::First(most) => layout.of(flow).take_sort(most, i64::cmp).flat_map(|list| list).boxed(),
            Self::Sort => layout.of(flow).sort(|a, b| b.cmp(a)).boxed(),
            Self::JoinInner(by) => {
                let side = Flow::from_items(small_side());
                let joined = layout.of(flow).bounded_join(Inner, side, move |l| l.rem_euclid(by), |r| *r);
                layout.of(joined).map(|(left, right)| left * 3 + right).boxed()
            }
            Self::JoinFull(by) => {
                let side = Flow::from_items(small_side());
                let joined = layout.of(flow).bounded_join(FullOuter, side, move |l| l.rem_euclid(by), |r| *r);
                layout.of(joined).map(|(left, right)| left.unwrap_or(-7) * 3 + right.unwrap_or(-9)).boxed()
            }
            Self::MergeWith(by) => {
                let other = layout.of(flow.clone()).map(move |number| scaled(number, by)).boxed();
                flow.merge([other])
            }
        }
    }

    fn expect(&self, events: Vec<i64>) -> Vec<i64> {
        let keyed = |by: i64| {
            let mut groups: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for number in &events {
                groups.entry(number.rem_euclid(by)).or_default().push(*number);
            }
            groups
        };
        match *self {
            Self::Map(by) => events.into_iter().map(|number| scaled(number, by)).collect(),
            Self::Filter(by) => events.into_iter().filter(|number| number.rem_euclid(by) != 1).collect(),
            Self::FlatMap(copies) => {
                events.into_iter().flat_map(|number| (0..copies).map(move |copy| number + copy)).collect()
            }
            Self::FilterMap(by) => {
                let kept = events.into_iter().filter(|number| number.rem_euclid(by) == 0);
                kept.map(|number| number / by).collect()
            }
            Self::MapBatch => events.into_iter().map(|number| number + 1).collect(),
            Self::Shuffle | Self::Partition(_) | Self::Skew(_) => events,
            Self::Uniq => events.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
            Self::SumOfEach(by) | Self::SumBy(by) => {
                keyed(by).into_iter().map(|(key, group)| scaled(group.iter().sum(), 7) + key).collect()
            }
            Self::CountBy(by) => {
                let count = |group: Vec<i64>| i64::try_from(group.len()).unwrap() * 10;
                keyed(by).into_iter().map(|(key, group)| count(group) + key).collect()
            }
            Self::Total => vec![events.iter().sum::<i64>() % 100_003],
            Self::First(most) => crate::support::sorted(events).into_iter().take(most).collect(),
            Self::Sort => crate::support::sorted(events).into_iter().rev().collect(),
            Self::JoinInner(by) => {
                let paired = events.iter().filter(|left| small_side().contains(&left.rem_euclid(by)));
                paired.map(|left| left * 3 + left.rem_euclid(by)).collect()
            }
            Self::JoinFull(by) => {
                let groups = keyed(by);
                let right = |left: &i64| {
                    let key = left.rem_euclid(by);
                    if small_side().contains(&key) { key } else { -9 }
                };
                let left = events.iter().map(|left| left * 3 + right(left));
                let alone = small_side().filter(|right| !groups.contains_key(right));
                left.chain(alone.map(|right| -21 + right)).collect()
            }
            Self::MergeWith(by) => {
                let other: Vec<_> = events.iter().map(|number| scaled(*number, by)).collect();
                [events, other].concat()
            }
        }
    }
}

impl Program {
    pub(super) fn flow(&self) -> Numbers {
        let sources = Flow::from_iters(self.sources.clone()).boxed();
        self.ops.iter().fold(sources, |flow, (op, layout)| op.apply(flow, *layout))
    }

    pub(super) fn expected(&self) -> Vec<i64> {
        self.ops.iter().fold(self.sources.concat(), |events, (op, _)| op.expect(events))
    }
}
