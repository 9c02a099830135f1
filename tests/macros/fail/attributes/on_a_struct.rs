use stage_core::producer;

#[producer]
struct Starter;

fn main() {
    let _ = Starter;
}
