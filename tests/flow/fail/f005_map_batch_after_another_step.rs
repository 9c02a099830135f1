//! A batch is what a layer gets: it is there before any step, and not behind a reducer.
use flow::Flow;

fn main() {
    let numbers = Flow::from_items([1, 2, 3]);
    let _ = numbers.clone().map(|number| number + 1).map_batch(|batch| batch);
    let _ = numbers.reduce(|| 0, |sum, number| *sum += number).map_batch(|batch| batch);
}
