//! Several copies of every step, each fed by all copies of the previous step: the book's `ParallelGenStage`.
//!
//! Events go to whichever copy asks first, so their order is not kept.
#![forbid(unsafe_code)]

use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult, pipeline, sink};

/// Squares numbers, and adds the index of the copy.
struct Square;

impl ProducerConsumer for Square {
    type In = u64;
    type Out = (usize, u64);

    async fn handle_events(
        &mut self,
        numbers: Events<'_, u64>,
        out: &mut Emitter<'_, (usize, u64)>,
    ) -> StageResult {
        let copy = out.copy().index;
        out.extend(numbers.into_iter().map(|number| (copy, number * number)));
        Ok(())
    }
}

/// Collects the results: the index of the copy, and the number.
type Made = sink::Collect<Vec<(usize, u64)>, (usize, u64)>;

pipeline! {
    /// Squares the numbers from 1 to `last`, on four copies of each step.
    Squares(last: u64, all: Made) {
        count: 4,

        start  || 1..=last, count: 1;
        step   |number: u64| number, name: "check";
        step   Square;
        finish all;
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (all, collected) = sink::collect();
    let squares = Squares::new(1_000, all).start().await?;
    print!("{}", squares.topology());
    let made = collected.await?;
    for copy in 0..4 {
        let share = made.iter().filter(|(by, _)| *by == copy).count();
        println!("copy {copy} of the squares handled {share} of {}", made.len());
    }
    println!("their sum is {}", made.iter().map(|(_, square)| square).sum::<u64>());
    squares.join().await?;
    Ok(())
}
