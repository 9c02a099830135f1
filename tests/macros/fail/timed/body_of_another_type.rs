use stage_core::timed;

#[timed]
async fn seal(file: u64) -> Result<u64, String> {
    file
}

#[timed]
fn open(file: u64) -> String {
    file
}

fn main() {
    let _ = (seal(1), open(1));
}
