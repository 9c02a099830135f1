//! A stream as a source: an `async_stream::stream!` block, written as a loop with `yield` and `await`.
//!
//! The block runs only while there is demand; each reading is emitted as soon as it is available.
#![forbid(unsafe_code)]

use std::time::Duration;

use async_stream::stream;
use stage_core::{BoxError, pipeline, source};
use tokio::time::sleep;

/// Reads a thermometer in tenths of a degree: two readings at once, then a pause.
fn readings() -> impl futures_util::Stream<Item = i32> + Send + 'static {
    stream! {
        for hour in 0..6 {
            yield 180 + hour * 5;
            yield 182 + hour * 5;
            sleep(Duration::from_millis(10)).await;
        }
    }
}

pipeline! {
    /// Prints the temperatures.
    Weather() {
        start  source::from_stream(readings()), name: "thermometer";
        step   |tenths| f64::from(tenths) / 10.0, name: "degrees";
        finish |degrees| println!("{degrees:.1} °C");
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let report = Weather::new().start().await?.join().await?;
    println!("{} readings", report.stages[2].events_in);
    Ok(())
}
