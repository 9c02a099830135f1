use stage_core::{consumer, pipeline, producer, producer_consumer};

// These two are the only mistakes, and the only errors.
#[producer_consumer(opiton)]
fn parse(line: String, #[arg] radix: u32) -> Option<u32> {
    u32::from_str_radix(&line, radix).ok()
}

#[producer]
const fn lines() -> String {
    String::new()
}

#[consumer]
fn print(number: u32) {
    println!("{number}");
}

pipeline! {
    Numbers(radix: u32) {
        start  Lines;
        step   Parse::new(radix);
        finish Print;
    }
}

fn main() {
    let numbers = Numbers::new(10);
    let _running = numbers.start();
}
