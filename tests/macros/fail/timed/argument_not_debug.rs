use stage_core::timed;

struct Key(u64);

#[timed(args)]
fn seal(file: u64, key: Key) -> u64 {
    file ^ key.0
}

fn main() {
    seal(1, Key(2));
}
