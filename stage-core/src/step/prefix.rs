//! The step that reads the first events before it maps the others.

use std::marker::PhantomData;
use std::mem;

use super::held_tokens::HeldTokens;
use super::passing::{Pass, Passing, Verdict};
use crate::policy::{Carry, Plain};
use crate::stage::ProducerConsumer;

/// Collects the first `events` events, makes a function of them, and maps every other event with it: the head of a
/// table tells how to read its rows.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, rows) = sink::collect::<Vec<String>, _>();
/// let pipeline = Pipeline::builder("table")
///     .start_fn("lines", || Ok(["name,age", "Joe,70", "Mike,60"]))
///     .step("rows", || {
///         Ok(step::prefix_and_rest(1, |head: Vec<&str>| {
///             let columns: Vec<_> = head[0].split(',').collect();
///             move |row: &str| format!("{}={}", columns[0], row.split(',').next().unwrap_or_default())
///         }))
///     })
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(rows.await?, ["name=Joe", "name=Mike"]);
/// # Ok(())
/// # }
/// ```
///
/// The events of the prefix are left out. If the input ends earlier, the function gets those that came. Each copy
/// of the step, and each restart, has a prefix of its own. For deliveries, see
/// [`acknowledged::prefix_and_rest`](super::acknowledged::prefix_and_rest).
pub fn prefix_and_rest<T, U, M, F>(events: usize, make: M) -> impl ProducerConsumer<In = T, Out = U>
where
    T: Send + 'static,
    U: Send + 'static,
    M: FnOnce(Vec<T>) -> F + Send + 'static,
    F: FnMut(T) -> U + Send + 'static,
{
    prefixed::<Plain, _, _, _, _>(events, make)
}

pub(super) fn prefixed<C, T, U, M, F>(
    events: usize,
    make: M,
) -> impl ProducerConsumer<In = C::Of<T>, Out = C::Of<U>>
where
    C: Carry,
    T: Send + 'static,
    U: Send + 'static,
    M: FnOnce(Vec<T>) -> F + Send + 'static,
    F: FnMut(T) -> U + Send + 'static,
{
    Passing::new(Prefix::<C, _, _, _, _>::new(events, make))
}

pub(super) struct Prefix<C, T, U, M, F> {
    events: usize,
    reading: Reading<T, M>,
    rest: Option<F>,
    types: PhantomData<fn(T) -> (U, C)>,
}

impl<C, T, U, M, F> Prefix<C, T, U, M, F> {
    pub(super) fn new(events: usize, make: M) -> Self {
        let reading = Reading { prefix: Vec::new(), tokens: HeldTokens::default(), make: Some(make) };
        Self { events, reading, rest: None, types: PhantomData }
    }
}

/// The prefix as far as it came, and the function that takes it.
struct Reading<T, M> {
    prefix: Vec<T>,
    tokens: HeldTokens,
    make: Option<M>,
}

impl<T, M> Reading<T, M> {
    /// Makes the function for the rest, once; the events of the prefix were then handled.
    fn complete<F>(&mut self) -> Option<F>
    where
        M: FnOnce(Vec<T>) -> F,
    {
        let make = self.make.take()?;
        let rest = make(mem::take(&mut self.prefix));
        self.tokens.join().acknowledge();
        Some(rest)
    }
}

impl<C, T, U, M, F> Pass for Prefix<C, T, U, M, F>
where
    C: Carry,
    T: Send + 'static,
    U: Send + 'static,
    M: FnOnce(Vec<T>) -> F + Send + 'static,
    F: FnMut(T) -> U + Send + 'static,
{
    type In = C::Of<T>;
    type Out = C::Of<U>;

    fn judge(&mut self, event: C::Of<T>) -> Verdict<C::Of<T>, C::Of<U>> {
        if self.rest.is_none() && self.events == 0 {
            self.rest = self.reading.complete();
        }
        if let Some(rest) = &mut self.rest {
            return Verdict::Emit(C::map(event, rest));
        }
        let (event, token) = C::open(event);
        self.reading.prefix.push(event);
        self.reading.tokens.add(token);
        if self.reading.prefix.len() >= self.events {
            self.rest = self.reading.complete();
        }
        Verdict::Used
    }

    fn held(&self) -> usize {
        self.reading.prefix.len()
    }

    fn end(&mut self) {
        if self.rest.is_none() {
            self.rest = self.reading.complete();
        }
    }
}
