use stage_core::producer_consumer;

struct Cipher {
    key: u64,
}

impl Cipher {
    #[producer_consumer]
    fn encrypt(&self, file: u64) -> u64 {
        file ^ self.key
    }
}

fn main() {
    let _ = Cipher { key: 1 }.encrypt(2);
}
