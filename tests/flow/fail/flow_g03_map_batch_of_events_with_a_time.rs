//! Windows by the time of events need events that keep their time: a batch is made of them before.
use std::time::Duration;

use flow::Flow;

fn main() {
    let numbers = Flow::from_items([1, 2, 3]).event_time(|number| *number, Duration::MAX);
    let _ = numbers.map_batch(|batch| batch);
}
