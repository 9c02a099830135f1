//! A measured function is still the function that was written.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;

use stage_core::timed;
use tokio::task::yield_now;

#[timed]
fn longest<'a, T: AsRef<str> + ?Sized>(left: &'a T, right: &'a T) -> &'a str {
    let (left, right) = (left.as_ref(), right.as_ref());
    if left.len() >= right.len() {
        return left;
    }
    right
}

#[timed]
fn evens<const N: usize>(limit: u32) -> impl Iterator<Item = u32> {
    (0..limit).filter(|number| number % 2 == 0).take(N)
}

#[timed(args)]
fn takes<T: Debug>(mut list: Vec<T>, (first, second): (T, T), _: u8) -> Vec<T> {
    list.extend([first, second]);
    list
}

#[timed]
async fn parse(text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
    yield_now().await;
    if text.is_empty() {
        return Err("no text")?;
    }
    let number = text.parse::<u32>()?;
    Ok(number)
}

#[timed]
async fn shown(number: u32) -> Box<dyn Display + Send> {
    if number == 0 { Box::new("none") } else { Box::new(number) }
}

#[timed]
async fn opaque(number: u32) -> impl Display {
    number + 1
}

#[timed]
async fn nothing() {}

struct Counter<T> {
    count: T,
}

impl<T: Copy + std::ops::AddAssign<T>> Counter<T> {
    #[timed]
    fn add(&mut self, more: T) -> &mut Self {
        self.count += more;
        self
    }

    #[timed]
    async fn into_count(self) -> T {
        yield_now().await;
        self.count
    }

    #[timed]
    fn of(count: T) -> Self {
        Self { count }
    }
}

trait Named {
    fn name(&self) -> String;

    #[timed]
    fn greeting(&self) -> String {
        format!("Hello, {}!", self.name())
    }
}

impl Named for str {
    #[timed]
    fn name(&self) -> String {
        self.to_uppercase()
    }
}

#[stage_core::producer_consumer(result)]
#[timed]
async fn checked(number: u32, #[arg] limit: u32) -> Result<u32, String> {
    if number < limit { Ok(number) } else { Err(format!("{number} is too much")) }
}

#[test]
fn borrows_arguments_and_results_are_unchanged() {
    assert_eq!(longest("ab", "a"), "ab");
    assert_eq!(longest("a", "bc"), "bc");
    assert_eq!(evens::<2>(9).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(takes(vec![1], (2, 3), 0), [1, 2, 3]);
    assert_eq!("joe".greeting(), "Hello, JOE!");
}

#[tokio::test]
async fn early_returns_and_conversions_of_an_async_function_are_as_they_were() {
    assert_eq!(parse("12").await.unwrap(), 12);
    assert_eq!(parse("").await.unwrap_err().to_string(), "no text");
    assert!(parse("x").await.unwrap_err().to_string().contains("invalid digit"));
    assert_eq!(format!("{} {}", shown(0).await, shown(7).await), "none 7");
    assert_eq!(opaque(1).await.to_string(), "2");
    nothing().await;
}

#[tokio::test]
async fn methods_are_functions_too() {
    let mut counter = Counter::of(1);
    counter.add(2).add(3);
    assert_eq!(counter.into_count().await, 6);
}

#[tokio::test]
async fn a_stage_s_function_can_be_measured() {
    assert_eq!(checked(1, 2).await, Ok(1));
    assert!(format!("{:?}", Checked::new(2)).starts_with("Checked"));
}

#[test]
fn its_future_goes_from_thread_to_thread_as_before() {
    fn assert_send<F: Future + Send>(_: F) {}
    assert_send(parse("1"));
    assert_send(Counter::of(1_u8).into_count());
}
