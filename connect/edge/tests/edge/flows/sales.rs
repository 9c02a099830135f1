//! The input of a flow, and the results of one process.

use std::collections::BTreeMap;
use std::time::Duration;

use flow::persist::KeyedWindows;
use flow::{Flow, Window, WindowId};
use serde::{Deserialize, Serialize};
use stage_edge::flow::{Ways, Windowed};
use stage_edge::memory::MemoryEdge;
use stage_edge::{EdgeSpec, Format, SchemaId};

use crate::chance::Chance;
use crate::machine::SECOND;

/// An event of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sale {
    pub(crate) shop: u32,
    pub(crate) pence: u64,
    pub(crate) at: i64,
}

/// The values of the windows, by start and shop: the number of sales and their sum.
pub(crate) type Sums = BTreeMap<(i64, u32), (u64, u64)>;

pub(crate) const WAYS: u32 = 2;
pub(crate) const SPAN: Duration = Duration::from_millis(100);
pub(crate) const MOST_AHEAD: Duration = Duration::from_millis(500);

pub(crate) fn spec() -> EdgeSpec {
    EdgeSpec::new("shop", "sales").partitions(4).lease(4 * SECOND)
}

fn format() -> Format<Sale> {
    Format::postcard(SchemaId::new("Sale", 1))
}

/// Returns the sales of each way. Their times go on with jumps, and some are late.
pub(crate) fn sales(chance: &mut Chance, each: u64) -> Vec<Vec<Sale>> {
    let mut of_way = || {
        let mut now = 0;
        let mut sale = |number| {
            now += i64::try_from(chance.below(20)).expect("small");
            let late = if chance.below(10) == 0 { chance.below(300) } else { chance.below(30) };
            let at = now - i64::try_from(late).expect("small");
            Sale { shop: chance.some(7), pence: 1 + number % 5, at }
        };
        (0..each).map(&mut sale).collect()
    };
    (0..WAYS).map(|_| of_way()).collect()
}

pub(crate) fn ways(edge: MemoryEdge, spec: EdgeSpec) -> Ways<MemoryEdge, Sale> {
    Ways::new(edge, spec, format(), |sale: &Sale| sale.shop, |sale| sale.at, MOST_AHEAD)
        .expect("valid options")
}

pub(crate) fn windowed(edge: MemoryEdge, spec: EdgeSpec) -> Windowed<MemoryEdge, Sale, u32, (u64, u64)> {
    let fold = |sum: &mut (u64, u64), sale: Sale| *sum = (sum.0 + 1, sum.1 + sale.pence);
    let windows = KeyedWindows::new(Window::fixed(SPAN), |sale: &Sale| sale.shop, || (0, 0), fold);
    Windowed::new(edge, spec, format(), windows.expect("valid options"), WAYS)
}

/// Returns the results of a flow in one process.
pub(crate) fn of_one_process(parts: Vec<Vec<Sale>>) -> Sums {
    of_some_in_one_process(parts, |_| true)
}

/// Returns the results of a flow in one process, whose windows get the sales that `is_counted`.
pub(crate) fn of_some_in_one_process(parts: Vec<Vec<Sale>>, is_counted: fn(&Sale) -> bool) -> Sums {
    let flow = Flow::from_iters(parts)
        .event_time(|sale: &Sale| sale.at, MOST_AHEAD)
        .filter(is_counted)
        .partition(|sale| sale.shop)
        .window(Window::fixed(SPAN))
        .reduce(BTreeMap::new, |sums, sale: Sale| {
            let sum: &mut (u64, u64) = sums.entry(sale.shop).or_default();
            *sum = (sum.0 + 1, sum.1 + sale.pence);
        })
        .on_trigger(|sums: BTreeMap<u32, (u64, u64)>, trigger| {
            let WindowId::Fixed(start) = trigger.window else { unreachable!("fixed windows") };
            let results: Vec<_> = sums.iter().map(|(shop, sum)| ((start, *shop), *sum)).collect();
            (results, sums)
        });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(flow.collect()).expect("a flow")
}
