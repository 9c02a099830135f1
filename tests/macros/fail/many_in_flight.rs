#![deny(deprecated)]

use stage_core::batch::Limits;
use stage_core::pipeline;

pipeline! {
    Wide() {
        max_demand: 30_000,

        start  0..10_u32;
        step   |number| number, count: 4;
        step   |number| number, name: "inherits", count: 1, min_demand: 0;
        step   |number| number, name: "own", max_demand: 100_001;
        finish |_: Vec<u32>| (), name: "batches", batch: Limits::count(500), max_demand: 1000;
    }
}

pipeline! {
    Inherited() {
        max_demand: 200_000,

        start  0..10_u32;
        step   |number| number;
        finish |_: Vec<u32>| (), batch: Limits::count(500);
    }
}

fn main() {
    let _ = (Wide::new(), Inherited::new());
}
