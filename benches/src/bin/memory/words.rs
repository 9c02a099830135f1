//! Memory and time for the words of a large file, counted once by a flow, from the page cache.

use std::{error::Error, time::Instant};

use benches::{
    runtime::runtime,
    words::{Key, Packed, Text, count_by_flow},
};

use crate::resident;

/// Counts the words of a text of `bytes` bytes.
pub(crate) fn run(bytes: u64) -> Result<(), Box<dyn Error>> {
    let text = Text::write(bytes)?;
    println!("before: {} KiB", resident::now()?);
    count::<Packed>("inline", &text)?;
    count::<Box<[u8]>>("str", &text)
}

fn count<K: Key>(name: &str, text: &Text) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let counts = runtime()?.block_on(count_by_flow::<K>(text.path()))?;
    let took = began.elapsed().as_secs_f64();
    text.check_all(&counts)?;
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    let rate = text.size as f64 / took / 1e6;
    println!(
        "words/{name}: {} bytes, {} different words in {took:.2} s ({rate:.0} MB/s); at most {} KiB",
        text.size,
        counts.len(),
        resident::peak()?,
    );
    Ok(())
}
