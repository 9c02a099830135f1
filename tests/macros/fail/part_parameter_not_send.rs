use std::rc::Rc;

use stage_core::pipeline;

pipeline! {
    /// Adds what is in the box.
    pub Add(by: Rc<u32>): u32 => u32 {
        step |number| number + *by;
    }
}

fn main() {
    let _ = Add::new(Rc::new(1));
}
