use stage_core::pipeline;

pipeline! {
    Numbers() {
        start  ["1", "x"];
        step   |word| word.parse::<u32>(), on_failure: retry(3);
        finish |_: u32| Ok::<(), std::io::Error>(()), on_failure: retry;
    }
}

fn main() {}
