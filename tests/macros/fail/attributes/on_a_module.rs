use stage_core::consumer;

#[consumer]
mod stages {
    fn notify(file: u64) {
        let _ = file;
    }
}

fn main() {}
