//! The throughput of a connector beside another one, or the same work by hand.

use std::error::Error;
use std::time::Duration;

/// The result of a measurement.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

#[allow(clippy::cast_precision_loss, reason = "counts of messages are small")]
fn per_second(messages: usize, took: Duration) -> f64 {
    messages as f64 / took.as_secs_f64()
}

/// Measures two sides in turn, `rounds` times, and prints a line with the best rate of each, their ratio, and the median of
/// the ratios of the rounds, which other load on the machine changes least. Each function moves `messages` messages, and
/// returns the time that this took.
///
/// The benchmark of a connector, `main` of a file in `benches`; it needs the server:
///
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// use stage_connect::laws::{Outcome, beside, numbers};
///
/// /// Moves the messages by the client library.
/// async fn by_hand(messages: usize) -> Outcome<Duration> {
///     let begun = Instant::now();
///     // …
///     Ok(begun.elapsed())
/// }
///
/// /// Moves them through a pipeline.
/// async fn ours(messages: usize) -> Outcome<Duration> {
///     let begun = Instant::now();
///     // …
///     Ok(begun.elapsed())
/// }
///
/// # async fn run() -> Outcome<()> {
/// let [messages] = numbers([100_000])?;
/// let names = ["by hand", "stage-redis"];
/// beside(names, messages, 5, async || by_hand(messages).await, async || ours(messages).await).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of the functions.
///
/// # Panics
///
/// If `rounds` is zero.
pub async fn beside(
    names: [&str; 2],
    messages: usize,
    rounds: usize,
    mut one: impl AsyncFnMut() -> Outcome<Duration>,
    mut other: impl AsyncFnMut() -> Outcome<Duration>,
) -> Outcome<()> {
    let (mut best, mut ratios) = ([Duration::MAX; 2], Vec::new());
    for round in 0..rounds {
        // The first of a pair changes, so that neither side always finds the caches of the other one.
        let took = if round % 2 == 0 {
            let one = one().await?;
            [one, other().await?]
        } else {
            let other = other().await?;
            [one().await?, other]
        };
        best = [best[0].min(took[0]), best[1].min(took[1])];
        ratios.push(took[0].as_secs_f64() / took[1].as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    let (median, rates) = (ratios[ratios.len() / 2], best.map(|took| per_second(messages, took)));
    let ([name, other_name], [rate, other_rate]) = (names, rates);
    println!(
        "{name}: {rate:.0}/s; {other_name}: {other_rate:.0}/s; ratio {:.2} (median of {rounds} pairs {median:.2})",
        other_rate / rate,
    );
    Ok(())
}

/// Returns the numbers on the command line of a benchmark, or these.
///
/// See the example of [`beside`].
///
/// # Errors
///
/// If one is not a number.
pub fn numbers<const N: usize>(defaults: [usize; N]) -> Outcome<[usize; N]> {
    let mut numbers = defaults;
    let given = std::env::args().skip(1).filter(|argument| argument != "--bench");
    for (number, text) in numbers.iter_mut().zip(given) {
        *number = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    }
    Ok(numbers)
}
