//! A counter that counts only on demand: GenStage's first example.
//!
//! A producer counts, a step doubles, and a consumer prints and finishes after enough numbers. The end
//! travels upstream as demand does, and stops the endless counter.
#![forbid(unsafe_code)]

use stage_core::{BoxError, Consumer, Context, Demand, Emitter, Events, Producer, StageResult, pipeline};

/// Counts upwards without end.
struct Counter {
    next: u64,
}

impl Producer for Counter {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let end = self.next + demand.get() as u64;
        out.extend(self.next..end);
        self.next = end;
        Ok(())
    }
}

/// Prints numbers and finishes after `enough` of them.
struct Print {
    enough: u64,
}

impl Consumer for Print {
    type Event = u64;

    async fn handle_events(&mut self, numbers: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        println!("a batch of {}:", numbers.len());
        for number in numbers {
            println!("  {number}");
            if number >= self.enough {
                cx.finish();
            }
        }
        Ok(())
    }
}

pipeline! {
    /// Prints even numbers up to `enough`.
    Even(enough: u64) {
        start  Counter { next: 0 };
        step   |number| number * 2, name: "double";
        finish Print { enough };
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let report = Even::new(50).start().await?.join().await?;
    println!("printed {} numbers", report.stages[2].events_in);
    Ok(())
}
