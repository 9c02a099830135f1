use stage_core::{pipeline, producer_consumer};

#[producer_consumer(many, reslut, name = "Sealer")]
const fn encrypt(#[arg] key: &u64, #[arg] salt: &dyn Send, file: u64, other: u64) {
    let _ = (key, salt, file, other);
}

// Correct code stays correct.
#[producer_consumer]
fn double(number: u64) -> u64 {
    number * 2
}

pipeline! {
    Doubled() {
        start  || 0..10_u64;
        step   Double;
        finish drop;
    }
}

fn main() {
    let _ = Doubled::new();
}
