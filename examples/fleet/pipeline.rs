//! The pipeline of all machines. Each starts the parts that it is responsible for.

use std::collections::BTreeMap;
use std::time::Duration;

use stage_core::batch::Limits;
use stage_core::pipeline;
use stage_edge::{Edge, EdgeSpec};

use super::click::{Click, Count, enrich, parse};
use super::feed::Feed;
use super::ranking::Ranking;

/// The partitions of the clicks: at least as many as there will ever be workers.
const PARTITIONS: u32 = 16;

/// The time for which counts are collected before they leave.
const TALLY: Duration = Duration::from_millis(20);

pipeline! {
    /// Counts clicks by customer, and ranks the customers.
    pub(crate) Fleet<E: Edge>(feed: Feed, edge: E, ranking: Ranking) {
        max_demand: 1000, min_demand: 500,
        acknowledged,

        start  feed.clicks(), name: "feed";
        step   parse, on_failure: skip;
        step   enrich;
        step   filter |click| click.section != "robots.txt", name: "people";
        across edge, name: "clicks", by: |click: &Click| click.customer.clone(), partitions: PARTITIONS, schema: 1, spec: ours;
        step   many |clicks: Vec<Click>| tally(&ranking, clicks), name: "tally", batch: Limits::count(500).within(TALLY);
        // One partition: one worker ranks all customers, and another takes over when it is gone.
        across edge, name: "ranked", by: |_: &Count| (), partitions: 1, schema: 1, spec: ours;
        finish move |count| ranking.add(&count), name: "rank";
    }
}

/// Returns the specifications of the edges, as `status` asks for them.
#[cfg(feature = "nats")]
pub(crate) fn edges() -> [EdgeSpec; 2] {
    let of = |name, partitions| ours(EdgeSpec::new("fleet", name).partitions(partitions));
    [of("clicks", PARTITIONS), of("ranked", 1)]
}

/// Sets what the edges have in common.
fn ours(mut spec: EdgeSpec) -> EdgeSpec {
    "fleet".clone_into(&mut spec.app);
    spec.setup(true).lease(Duration::from_secs(3))
}

/// Adds up clicks by step and customer.
fn tally(ranking: &Ranking, clicks: Vec<Click>) -> Vec<Count> {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for Click { at, customer, .. } in clicks {
        *counts.entry((ranking.step_of(at), customer)).or_default() += 1;
    }
    counts.into_iter().map(|((step, customer), clicks)| Count { step, customer, clicks }).collect()
}
