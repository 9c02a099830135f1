//! Expansion of an attribute on an `impl` block, and the code it leaves alone.

use std::num::ParseIntError;

use stage_core::stage::Reply;
use stage_core::{
    Consumer, Context, Demand, Emitter, Events, ExitReason, Init, Nothing, Pipeline, Producer,
    ProducerConsumer, StageResult, consumer, producer, producer_consumer,
};
use tokio::sync::mpsc::UnboundedSender;

use crate::support::{into, out_of, through};

/// Where the numbers begin.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Even,
    Odd,
}

#[derive(Debug)]
struct Starter {
    next: u64,
    made: u64,
}

#[producer(args(kind: Kind))]
impl Starter {
    const STEP: u64 = 2;
    const SINGLE: bool = true;

    fn prepare_state(kind: Kind) -> Self {
        let next = match kind {
            Kind::Even => 0,
            Kind::Odd => 1,
        };
        Self { next, made: 0 }
    }

    async fn init(&mut self, _cx: &mut Context<'_>) -> Result<Init, stage_core::BoxError> {
        self.made = 100;
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend((0..demand.get()).map(|_| self.take()));
        Ok(())
    }

    /// Answers with the number of events made, counted from 100.
    async fn handle_call(&mut self, _: Made, reply: Reply<u64>, _out: &mut Emitter<'_, u64>) -> StageResult {
        let _ = reply.send(self.made);
        Ok(())
    }

    async fn handle_cast(&mut self, skip: u64, _out: &mut Emitter<'_, u64>) -> StageResult {
        self.next += skip;
        Ok(())
    }

    fn take(&mut self) -> u64 {
        self.made += 1;
        self.next += Self::STEP;
        self.next - Self::STEP
    }
}

#[derive(Debug)]
struct Made;

/// An argument is a field by default.
#[derive(Debug)]
struct Between<T> {
    low: T,
    high: T,
}

#[producer_consumer(args(low: T, high: T))]
impl<T> Between<T>
where
    T: PartialOrd + Send + Sync + 'static,
{
    async fn handle_events(&mut self, events: Events<'_, T>, out: &mut Emitter<'_, T>) -> StageResult {
        let (low, high) = (&self.low, &self.high);
        out.extend(events.into_iter().filter(|event| low <= event && event < high));
        Ok(())
    }
}

type Lent<'a> = Events<'a, String>;

/// Events behind another name.
#[derive(Debug)]
struct Shout;

#[producer_consumer]
impl Shout {
    type In = String;
    type Out = String;

    async fn handle_events(&mut self, events: Lent<'_>, out: &mut Emitter<'_, String>) -> StageResult {
        out.extend(events.into_iter().map(|event| event.to_uppercase()));
        Ok(())
    }
}

#[derive(Debug)]
struct Sum {
    so_far: u64,
    total: UnboundedSender<u64>,
}

#[consumer]
impl Sum {
    /// Begins at what the text says.
    fn prepare_state(begin: &str, total: UnboundedSender<u64>) -> Result<Self, ParseIntError> {
        Ok(Self { so_far: begin.parse()?, total })
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        self.so_far += events.into_iter().sum::<u64>();
        Ok(())
    }

    async fn handle_cast(&mut self, more: u64, _out: &mut Emitter<'_, Nothing>) -> StageResult {
        self.so_far += more;
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.total.send(self.so_far).expect("the test listens");
    }
}

#[tokio::test]
async fn the_constructor_prepares_the_state_from_its_arguments() {
    assert_eq!(out_of(3, || Ok(Starter::new(Kind::Even))).await, [0, 2, 4]);
    assert_eq!(out_of(3, || Ok(Starter::new(Kind::Odd))).await, [1, 3, 5]);
}

#[tokio::test]
async fn arguments_without_preparation_are_the_state() {
    assert_eq!(through(vec![1, 5, 3, 9, 4], || Between::new(3, 6)).await.unwrap(), [5, 3, 4]);
    assert_eq!(through(vec!["a".to_owned()], || Shout).await.unwrap(), ["A"]);
}

#[tokio::test]
async fn the_constructor_fails_as_the_preparation_does() {
    assert!(Sum::new("ten", tokio::sync::mpsc::unbounded_channel().0).is_err());
    let (total, mut sum) = tokio::sync::mpsc::unbounded_channel();
    into(vec![1, 2, 3], move || Sum::new("10", total.clone()).expect("a number")).await.unwrap();
    assert_eq!(sum.recv().await, Some(16));
}

#[tokio::test]
async fn messages_are_traits_of_their_own() {
    let (seen, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let running = Pipeline::builder("messages")
        .start("starter", || Ok(Starter::new(Kind::Odd)))
        .finish_fn("seen", move |event| seen.send(event).expect("the test listens"))
        .start()
        .await
        .unwrap();
    assert_eq!(arrived.recv().await, Some(1));
    let starter = running.producer::<Starter>("starter", 0).unwrap();
    assert!(starter.call(Made).await.unwrap() > 100);
    starter.cast(1_000_000).unwrap();
    while arrived.recv().await.is_some_and(|event| event < 1_000_000) {}
    running.stop().await.unwrap();
}

#[test]
fn constants_and_types_go_to_the_trait() {
    fn assert_types<S: ProducerConsumer<In = String, Out = String>>(_: S) {}
    fn assert_consumes<S: Consumer<Event = u64>>() {}
    const { assert!(<Starter as Producer>::SINGLE) };
    assert_types(Shout);
    assert_consumes::<Sum>();
}
