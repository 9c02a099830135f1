//! A program that depends on the umbrella crate alone: the macros find the library through it.
#![forbid(unsafe_code)]

use stagewright::ack::Delivery;
use stagewright::connect::edge::Edge;
use stagewright::prelude::*;
use stagewright::{Report, pipeline};

/// A source of the numbers below its limit, by the attribute of an `impl` block.
#[derive(Debug)]
pub struct Below {
    next: u64,
    limit: u64,
}

#[producer(crate = ::stagewright)]
impl Below {
    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        for _ in 0..demand.get() {
            if self.next == self.limit {
                out.finish();
                break;
            }
            out.emit(self.next);
            self.next += 1;
        }
        Ok(())
    }
}

#[producer_consumer(crate = ::stagewright)]
fn double(number: u64) -> u64 {
    2 * number
}

#[producer_consumer(result, crate = ::stagewright)]
#[stagewright::timed(crate = ::stagewright, unit = "ns")]
async fn halve(number: u64) -> Result<u64, BoxError> {
    Ok(number / 2)
}

#[consumer(crate = ::stagewright, name = Collect)]
fn collect(number: u64, #[arg] into: &std::sync::mpsc::Sender<u64>) {
    let _ = into.send(number);
}

pipeline! {
    /// Doubles every number and adds one to it.
    pub AddOne(by: u64): u64 => u64 {
        step Double::new();
        step Halve::new();
        step move |number| number + by;
    }
}

pipeline! {
    /// Sends the numbers below `limit`, each with one added, on two paths.
    pub Numbers(limit: u64, into: std::sync::mpsc::Sender<u64>) {
        max_demand: 20, min_demand: 10,

        start Below { next: 0, limit };
        through AddOne::new(1);
        broadcast {
            step Double::new(), count: 2, by: |number: &u64| *number;
        } and {
            step |number: u64| number;
        }
        merge;
        finish Collect::new(into.clone());
    }
}

/// A source that delivers nothing.
#[derive(Debug)]
pub struct Nothing;

impl Producer for Nothing {
    type Event = Delivery<u64>;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        out.finish();
        Ok(())
    }
}

pipeline! {
    /// Crosses an edge.
    pub Crossing<E: Edge>(edge: E) {
        acknowledged,
        start  Nothing;
        across edge, name: "far", by: |number: &u64| *number, partitions: 4;
        finish drop;
    }
}

/// Runs the pipeline.
///
/// # Errors
///
/// If the pipeline fails.
pub async fn run(limit: u64, into: std::sync::mpsc::Sender<u64>) -> Result<Report, BoxError> {
    Ok(Numbers::new(limit, into).start().await?.join().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pipeline_and_stages_by_attributes_run() {
        let (into, numbers) = std::sync::mpsc::channel();
        run(10, into).await.unwrap();
        let mut numbers: Vec<_> = numbers.iter().collect();
        numbers.sort_unstable();
        let mut expected: Vec<_> = (1..=10).chain((1..=10).map(|number| 2 * number)).collect();
        expected.sort_unstable();
        assert_eq!(numbers, expected);
    }

    #[tokio::test]
    async fn a_pipeline_with_an_edge_starts_one_part() {
        let edge = stagewright::connect::edge::memory::MemoryEdge::new();
        let running =
            Crossing::new(edge).only(stagewright::pipeline::Parts::before("far")).start().await.unwrap();
        let names: Vec<_> = running.topology().steps.iter().map(|step| step.name.clone()).collect();
        assert_eq!(names, ["nothing", "far.out"]);
        running.join().await.unwrap();
    }

    #[test]
    fn a_query_runs() {
        let counts: std::collections::HashMap<bool, u64> = stagewright::flow::Flow::from_items(0..10)
            .count_by(|number| number % 2 == 0)
            .collect_blocking()
            .unwrap();
        assert_eq!(counts[&true], 5);
    }
}
