use stage_core::consumer;

#[consumer(parallel)]
fn notify(file: u64) {
    let _ = file;
}

fn main() {
    let _ = Notify::new();
}
