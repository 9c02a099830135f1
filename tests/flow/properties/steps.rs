//! Flows of any steps and layers, which emit the same events as a plain loop.

use flow::Flow;
use proptest::prelude::*;
use stage_core::testing::Sim;

use super::config;
use super::program::{Op, layout, program};
use crate::support::{collect, sorted};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_flow_gives_the_events_of_a_plain_loop(program in program(), seed in any::<u64>()) {
        let given = Sim::seeded(seed).run(collect(&program.flow())).unwrap();
        if let Some((Op::Sort, _)) = program.ops.last() {
            prop_assert_eq!(given, program.expected());
        } else {
            prop_assert_eq!(sorted(given), sorted(program.expected()));
        }
    }

    #[test]
    fn a_split_slice_gives_each_of_its_events_once(
        numbers in proptest::collection::vec(any::<i64>(), 0..500),
        layout in layout(),
        exchange in layout(),
        seed in any::<u64>(),
    ) {
        let flow = layout.of(Flow::from_slice(numbers.clone())).map(|number| number ^ 1);
        let flow = exchange.of(flow.partition(|number| number % 16)).map(|number| number ^ 1);
        let given = Sim::seeded(seed).run(collect(&flow)).unwrap();
        prop_assert_eq!(sorted(given), sorted(numbers));
    }
}

#[test]
fn the_loop_applies_each_step() {
    let program = |ops: Vec<Op>| {
        let layout = super::program::Layout { stages: 1, max_demand: 10, min_demand: 50 };
        let ops = ops.into_iter().map(|op| (op, layout)).collect();
        super::program::Program { sources: vec![vec![1, 2, 3], vec![4]], ops }
    };
    assert_eq!(program(vec![Op::Map(2)]).expected(), [3, 5, 7, 9]);
    assert_eq!(program(vec![Op::Sort, Op::First(2)]).expected(), [1, 2]);
    assert_eq!(program(vec![Op::JoinInner(8)]).expected(), [4, 8, 12, 16]);
    assert_eq!(sorted(program(vec![Op::JoinFull(8)]).expected()), [-21, -16, 4, 8, 12, 16]);
}
