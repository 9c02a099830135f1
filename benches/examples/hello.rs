//! A pipeline of three stages, as in the first minute of a new user.
use stage_core::pipeline;

pipeline! {
    Squares(last: u64) {
        start  1..=last;
        step   |number: u64| number * number, name: "square";
        finish |square: u64| println!("{square}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Squares::new(10).start().await?.join().await?;
    Ok(())
}
