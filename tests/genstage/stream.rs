//! Section 11: events of stages, pulled as a stream.

use futures_util::{StreamExt, TryStreamExt};
use stage_core::into_stream::EventStream;
use stage_core::registry::Registry;
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::FromIter;
use stage_core::subscribe::{CancelKind, Role, Subscription};
use stage_core::{Demand, Emitter, ExitReason, Nothing, Producer, StageRef, StageResult, SubscribeOptions};
use tokio::sync::oneshot;

use super::support::{
    Book, assert_reason, counter, permanent, range, settle, soon, temporary, transient, window,
};

/// Returns all items of a stream, with an error as its text.
async fn all(stream: EventStream<u64>) -> Vec<Result<u64, String>> {
    soon(stream.map(|item| item.map_err(|error| error.to_string())).collect()).await
}

/// Returns the text of the error of a stream that yields only that error.
async fn only_error(stream: EventStream<u64>) -> String {
    match &all(stream).await[..] {
        [Err(error)] => error.clone(),
        other => panic!("not one error: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn g102_ten_may_be_taken_of_a_thousand_and_nothing_is_left_behind() {
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    let stream = counter.producer().stream(SubscribeOptions::new().max_demand(1000)).unwrap();
    let taken: Vec<u64> = soon(stream.take(10).try_collect()).await.unwrap();
    assert_eq!(taken, range(0..10));
    book.cancelled("counter", Role::Consumer, CancelKind::Cancelled, &ExitReason::Normal).await;
    assert!(counter.inspect().await.unwrap().consumers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn open_demand_is_not_lost() {
    // In GenStage, the next stream begins at 15.
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    let stream = counter.producer().stream(window(10, 5)).unwrap();
    let first: Vec<u64> = soon(stream.take(7).try_collect()).await.unwrap();
    let stream = counter.producer().stream(window(10, 5)).unwrap();
    let second: Vec<u64> = soon(stream.take(7).try_collect()).await.unwrap();
    assert_eq!([first, second].concat(), range(0..14));
    assert_eq!((book.demand("counter").await, book.demand("counter").await), (10, 5));
}

#[tokio::test(start_paused = true)]
async fn g105_a_permanent_stream_of_an_unknown_name_gives_an_error() {
    let unknown = Registry::new().producer("nobody");
    let error = only_error(unknown.stream(permanent()).unwrap()).await;
    assert!(error.contains("nobody") && error.contains(&ExitReason::NotFound.to_string()), "{error}");
    let unknown = Registry::new().producer("nobody");
    let error = only_error(unknown.stream(transient()).unwrap()).await;
    assert!(error.contains(&ExitReason::NotFound.to_string()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn g106_a_permanent_stream_of_an_ended_producer_gives_an_error() {
    let book = Book::new();
    for options in [permanent(), transient()] {
        let counter = counter(&book, "counter").await;
        counter.stop(ExitReason::Normal).await;
        let error = only_error(counter.producer().stream(options).unwrap()).await;
        assert!(error.contains("counter") && error.contains(&ExitReason::NotFound.to_string()), "{error}");
    }
}

/// Cancels every subscription as it is made.
struct Refuser {
    afterwards: Afterwards,
}

#[derive(Clone, Copy)]
enum Afterwards {
    Ends,
    Lives,
}

fn no_thanks() -> ExitReason {
    ExitReason::Custom("no_thanks".to_owned())
}

impl Producer for Refuser {
    type Event = u64;

    async fn handle_demand(&mut self, _demand: Demand, _out: &mut Emitter<'_, u64>) -> StageResult {
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        subscription.cancel(no_thanks());
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        _subscription: &Subscription,
        _cancellation: &stage_core::subscribe::Cancellation,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        match self.afterwards {
            Afterwards::Ends => Err(no_thanks().into()),
            Afterwards::Lives => Ok(()),
        }
    }
}

async fn refuser(afterwards: Afterwards) -> StageRef<Refuser, Nothing, u64> {
    spawn::producer(Refuser { afterwards }, StageOptions::named("refuser")).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn g107_a_refusal_is_an_error_of_a_permanent_stream() {
    for options in [permanent(), transient()] {
        let refuser = refuser(Afterwards::Ends).await;
        let error = only_error(refuser.producer().stream(options).unwrap()).await;
        assert!(error.contains("refuser") && error.contains("no_thanks"), "{error}");
        assert_reason(&soon(refuser.ended()).await, &no_thanks());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_producer_that_lives_is_an_error_of_a_permanent_stream() {
    let refuser = refuser(Afterwards::Lives).await;
    let error = only_error(refuser.producer().stream(permanent()).unwrap()).await;
    assert!(error.contains("no_thanks"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn g109_a_temporary_stream_of_an_unknown_name_is_empty() {
    let unknown = Registry::new().producer("nobody");
    assert_eq!(all(unknown.stream(temporary()).unwrap()).await, []);
}

#[tokio::test(start_paused = true)]
async fn g110_a_temporary_stream_of_an_ended_producer_is_empty() {
    let book = Book::new();
    let counter = counter(&book, "counter").await;
    counter.stop(ExitReason::Normal).await;
    assert_eq!(all(counter.producer().stream(temporary()).unwrap()).await, []);
}

#[tokio::test(start_paused = true)]
async fn g111_a_temporary_stream_that_is_refused_by_a_producer_that_ends_is_empty() {
    let refuser = refuser(Afterwards::Ends).await;
    assert_eq!(all(refuser.producer().stream(temporary()).unwrap()).await, []);
    assert_reason(&soon(refuser.ended()).await, &no_thanks());
}

#[tokio::test(start_paused = true)]
async fn g112_a_temporary_stream_that_is_refused_by_a_producer_that_lives_is_empty() {
    let refuser = refuser(Afterwards::Lives).await;
    assert_eq!(all(refuser.producer().stream(temporary()).unwrap()).await, []);
    assert!(refuser.inspect().await.unwrap().consumers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn g114_a_stream_of_a_finite_producer_ends_with_it() {
    let ten = spawn::producer(FromIter::new(0..10_u64), StageOptions::named("ten")).await.unwrap();
    let taken: Vec<u64> = soon(ten.producer().stream(transient()).unwrap().try_collect()).await.unwrap();
    assert_eq!(taken, range(0..10));
    assert_reason(&soon(ten.ended()).await, &ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn g115_wrong_demand_is_refused_when_a_stream_is_made_and_the_producer_named() {
    let book = Book::new();
    let counter = counter(&book, "counter").await;
    let error = counter.producer().stream(SubscribeOptions::new().max_demand(0)).unwrap_err().to_string();
    assert!(error.contains("counter") && error.contains("max_demand must be at least 1, got 0"), "{error}");
}

/// Emits the demanded events, and then waits.
struct Busy {
    next: u64,
    go: Option<oneshot::Receiver<()>>,
    left: Option<oneshot::Sender<()>>,
}

impl Producer for Busy {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let next = self.next + demand.get() as u64;
        out.extend(self.next..next);
        self.next = next;
        out.flush();
        if let Some(go) = self.go.take() {
            go.await?;
        }
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        _subscription: &Subscription,
        _cancellation: &stage_core::subscribe::Cancellation,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        self.left.take().map_or(Ok(()), |left| left.send(()).map_err(|()| "no task waits".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn uncovered_15_a_stream_can_be_dropped_while_its_producer_is_busy() {
    let ((go, may_go), (left, has_left)) = (oneshot::channel(), oneshot::channel());
    let busy = Busy { next: 0, go: Some(may_go), left: Some(left) };
    let busy = spawn::producer(busy, StageOptions::named("busy")).await.unwrap();
    let stream = busy.producer().stream(window(10, 5)).unwrap();
    let taken: Vec<u64> = soon(stream.take(3).try_collect()).await.unwrap();
    assert_eq!(taken, range(0..3));
    settle().await;
    // The stream is dropped while the producer is busy; its next subscriber is served meanwhile.
    let stream = busy.producer().stream(window(7, 0)).unwrap();
    let taken: Vec<u64> = soon(stream.take(7).try_collect()).await.unwrap();
    assert_eq!(taken, range(3..10));
    go.send(()).unwrap();
    soon(has_left).await.unwrap();
}
