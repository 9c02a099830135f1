//! A step after a reducer belongs to the next layer, which begins with the declared output of the reducer.
use flow::Flow;

fn main() {
    let sums = Flow::from_items([1, 2, 3]).reduce(|| 0, |sum, number| *sum += number);
    let _ = sums.clone().emit_state().map(|sum| sum + 1);
    let _ = sums.map(|sum| sum + 1);
}
