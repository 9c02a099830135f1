use stage_core::consumer;

#[consumer(result)]
fn notify(file: u64) -> Result<u64, std::io::Error> {
    Ok(file)
}

fn main() {
    let _ = Notify::new();
}
