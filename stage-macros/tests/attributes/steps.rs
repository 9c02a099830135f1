//! What each shape of `#[producer_consumer]` makes of its events.

use std::fmt::Display;
use std::num::ParseIntError;
use std::sync::Arc;

use stage_core::{Events, ProducerConsumer, producer_consumer};
use tokio::sync::Barrier;
use tokio::task::yield_now;

use crate::support::through;

#[producer_consumer]
fn double(number: u32) -> u32 {
    number * 2
}

#[producer_consumer(name = Scaled)]
async fn scale(number: u32, #[arg] factor: u32, #[arg] offset: &u32) -> u32 {
    yield_now().await;
    number * factor + offset
}

#[producer_consumer]
fn number_lines(line: String, #[arg] prefix: &str, #[arg] last: &mut u32) -> String {
    *last += 1;
    format!("{prefix}{last}: {line}")
}

#[producer_consumer(option)]
fn parse(line: &str) -> Option<i32> {
    line.parse().ok()
}

#[producer_consumer(option)]
async fn parse_slowly(line: String) -> Option<i32> {
    yield_now().await;
    line.parse().ok()
}

#[producer_consumer(many)]
fn count_down(from: u32) -> impl Iterator<Item = u32> {
    (0..from).rev()
}

#[producer_consumer(many, result)]
async fn words(line: &String) -> Result<Vec<String>, std::io::Error> {
    yield_now().await;
    Ok(line.split(' ').map(str::to_owned).collect())
}

#[producer_consumer(batch)]
fn sorted(mut numbers: Vec<u32>) -> Vec<u32> {
    numbers.sort_unstable();
    numbers
}

#[producer_consumer(batch)]
async fn sums(numbers: &[u32]) -> [u32; 1] {
    yield_now().await;
    [numbers.iter().sum()]
}

#[producer_consumer(batch)]
fn reversed(numbers: &mut [u32]) -> Vec<u32> {
    numbers.reverse();
    numbers.to_vec()
}

#[producer_consumer(batch)]
fn passed(numbers: Events<'_, u32>) -> impl IntoIterator<Item = u32> {
    numbers.into_iter().map(|number| number + 1)
}

#[producer_consumer(batch)]
fn first(numbers: &std::collections::BTreeSet<u32>) -> Option<u32> {
    numbers.first().copied()
}

#[producer_consumer(result)]
fn strict(line: String) -> Result<i32, ParseIntError> {
    line.parse()
}

#[producer_consumer(option, result)]
fn strict_lines(line: &mut String) -> Result<Option<i32>, ParseIntError> {
    if line.is_empty() { Ok(None) } else { line.parse().map(Some) }
}

#[producer_consumer]
fn show<'a, T, const N: usize>(
    value: T,
    #[arg] words: &'static [&'static str; N],
    #[arg] shared: Arc<str>,
) -> String
where
    T: Display + Clone + Into<i64> + 'a + 'static,
    'static: 'a,
{
    format!("{shared}{value}{}", words.join(""))
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn one_event_in_is_one_event_out() {
    assert_eq!(through(vec![1, 2, 3], || Double).await.unwrap(), [2, 4, 6]);
    assert_eq!(through(vec![1, 2, 3], || Scaled::new(10, 5)).await.unwrap(), [15, 25, 35]);
}

#[tokio::test]
async fn a_mutable_argument_keeps_its_state_between_calls() {
    let numbered = through(lines(&["a", "b", "c"]), || NumberLines::new("no. ".to_owned(), 6)).await;
    assert_eq!(numbered.unwrap(), ["no. 7: a", "no. 8: b", "no. 9: c"]);
}

#[tokio::test]
async fn an_option_without_a_value_emits_no_event() {
    assert_eq!(through(lines(&["1", "x", "3"]), || Parse).await.unwrap(), [1, 3]);
    assert_eq!(through(lines(&["1", "x", "3"]), || ParseSlowly).await.unwrap(), [1, 3]);
}

#[tokio::test]
async fn many_events_come_out_in_the_order_of_their_events() {
    assert_eq!(through(vec![2, 0, 3], || CountDown).await.unwrap(), [1, 0, 2, 1, 0]);
    assert_eq!(through(lines(&["a b", "c"]), || Words).await.unwrap(), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_batch_has_the_type_of_the_parameter() {
    // At 4/1, batches hold three events at most, and the first demand of four is cut into three and one.
    let numbers = vec![3, 2, 1, 9];
    assert_eq!(through(numbers.clone(), || Sorted).await.unwrap(), [1, 2, 3, 9]);
    assert_eq!(through(numbers.clone(), || Sums).await.unwrap(), [6, 9]);
    assert_eq!(through(numbers.clone(), || Reversed).await.unwrap(), [1, 2, 3, 9]);
    assert_eq!(through(numbers.clone(), || Passed).await.unwrap(), [4, 3, 2, 10]);
    assert_eq!(through(numbers, || First).await.unwrap(), [1, 9]);
}

#[tokio::test]
async fn a_result_that_is_an_error_ends_the_stage_with_it() {
    assert_eq!(through(lines(&["1", "2"]), || Strict).await.unwrap(), [1, 2]);
    assert_eq!(through(lines(&["1", "", "2"]), || StrictLines).await.unwrap(), [1, 2]);
    let failed = through(lines(&["1", "two"]), || Strict).await.unwrap_err();
    assert!(failed.to_string().contains("invalid digit"), "{failed}");
}

#[tokio::test]
async fn type_parameters_constants_and_lifetimes_are_carried_over() {
    let shown = through(vec![1_i64, 2], || Show::new(&["a", "b"], Arc::from("<"))).await;
    assert_eq!(shown.unwrap(), ["<1ab", "<2ab"]);
}

#[producer_consumer]
async fn meet(number: u32, #[arg] barrier: &Arc<Barrier>) -> u32 {
    if number == 2 {
        barrier.wait().await;
    }
    number
}

#[tokio::test]
async fn events_emitted_before_an_await_are_sent() {
    let (barrier, step) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let for_step = Arc::clone(&step);
    let opens = tokio::spawn({
        let barrier = Arc::clone(&barrier);
        async move {
            // The second event continues only after the first has left the step.
            barrier.wait().await;
            step.wait().await;
        }
    });
    let (seen, received) = std::sync::mpsc::channel();
    let pipeline = stage_core::Pipeline::builder("meet")
        .start_fn("numbers", || Ok(1..=3_u32))
        .step("meet", move || Ok(Meet::new(Arc::clone(&for_step))))
        .finish("seen", move || Ok(Tell::new(Arc::clone(&barrier), seen.clone())));
    pipeline.start().await.unwrap().join().await.unwrap();
    opens.await.unwrap();
    assert_eq!(received.iter().collect::<Vec<_>>(), [1, 2, 3]);
}

#[stage_core::consumer]
async fn tell(number: u32, #[arg] barrier: &Arc<Barrier>, #[arg] seen: &std::sync::mpsc::Sender<u32>) {
    if number == 1 {
        barrier.wait().await;
    }
    seen.send(number).expect("the test listens");
}

#[test]
fn a_stage_shows_its_name_and_not_its_arguments() {
    assert_eq!(format!("{Double:?}"), "Double");
    assert_eq!(format!("{:?}", Scaled::new(1, 2)), "Scaled { .. }");
    assert_eq!(format!("{:?}", Double::new()), "Double");
}

#[test]
fn the_function_stays_a_function() {
    assert_eq!(double(4), 8);
    assert_eq!(parse("12"), Some(12));
    assert_eq!(show::<i64, 1>(3, &["x"], Arc::from("")), "3x");
}

#[test]
fn the_types_of_the_events_are_those_of_the_function() {
    fn assert_types<S: ProducerConsumer<In = In, Out = Out>, In, Out>(_: S) {}
    assert_types::<_, u32, u32>(CountDown);
    assert_types::<_, String, i32>(Parse);
    assert_types::<_, u32, u32>(Sums);
    assert_types::<_, i64, String>(Show::<i64, 1>::new(&["a"], Arc::from("")));
}
