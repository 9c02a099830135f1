use stage_core::producer_consumer;

#[producer_consumer]
fn first(word: String, #[arg] words: &[String]) -> &str {
    words.first().map_or("", |first| first)
}

fn main() {
    let _ = First::new(Vec::new());
}
