use stage_core::consumer;

#[consumer]
fn notify(file: u64) -> Result<(), std::io::Error> {
    let _ = file;
    Ok(())
}

fn main() {
    let _ = Notify::new();
}
