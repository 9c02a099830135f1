//! The output of a trigger is declared on a reducer.
use flow::Flow;

fn main() {
    let numbers = Flow::from_items([1, 2, 3]).map(|number| number + 1);
    let _ = numbers.on_trigger(|sum, _| ([sum], sum));
}
