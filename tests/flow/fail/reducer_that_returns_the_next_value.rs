//! A reducer changes its value in place, and returns nothing.
use std::collections::HashSet;

use flow::Flow;

fn add(sum: &mut u32, number: u32) -> u32 {
    *sum + number
}

fn main() {
    let _ = Flow::from_items([1, 2, 3]).reduce(|| 0, |sum, number| *sum + number);
    let _ = Flow::from_items([1, 2, 3]).reduce(|| 0, add);
    let _ = Flow::from_items([1, 2, 3]).reduce(HashSet::new, |seen, number| seen.insert(number));
    let _ = Flow::from_items([1, 2, 3]).reduce(Vec::new, |all, number| {
        all.push(number);
        all
    });
}
