//! Recipes after `start`, `step` and `finish`, and the number of their runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use stage_core::{
    BoxError, Consumer, Context, Emitter, Events, ProducerConsumer, StageResult, StartError, pipeline,
};

/// Sends its events.
struct Collect<T> {
    into: Sender<T>,
}

impl<T> Collect<T> {
    fn new(into: Sender<T>) -> Self {
        Self { into }
    }

    fn counted(into: Sender<T>, built: &AtomicUsize) -> Self {
        built.fetch_add(1, Ordering::Relaxed);
        Self { into }
    }
}

impl<T: Send + Sync + 'static> Consumer for Collect<T> {
    type Event = T;

    async fn handle_events(&mut self, events: Events<'_, T>, _cx: &mut Context<'_>) -> StageResult {
        for event in events {
            self.into.send(event)?;
        }
        Ok(())
    }
}

/// Passes events on; fails at the first batch of any of its copies.
struct FailsOnce {
    failed: Arc<AtomicBool>,
}

impl FailsOnce {
    fn new(failed: Arc<AtomicBool>, built: &AtomicUsize) -> Self {
        built.fetch_add(1, Ordering::Relaxed);
        Self { failed }
    }
}

impl ProducerConsumer for FailsOnce {
    type In = u32;
    type Out = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
        if !self.failed.swap(true, Ordering::Relaxed) {
            return Err("the first batch".into());
        }
        out.extend(events);
        Ok(())
    }
}

fn numbers() -> std::ops::Range<u32> {
    0..5
}

fn double(number: u32) -> u32 {
    number * 2
}

pipeline! {
    /// Functions and closures all the way.
    Functions(add: u32, into: Sender<String>) {
        start numbers;
        step double;
        step |number| number + add;
        step |number: u32| format!("{number}+{add}");
        finish |text| into.send(text).expect("the receiver is alive");
    }
}

#[tokio::test]
async fn functions_and_closures_of_one_event_are_steps() -> Result<(), BoxError> {
    let (into, received) = channel();
    Functions::new(1, into).start().await?.join().await?;
    assert_eq!(received.iter().collect::<Vec<_>>(), ["1+1", "3+1", "5+1", "7+1", "9+1"]);
    Ok(())
}

pipeline! {
    /// A generic pipeline: its source is an iterator made by a closure, which may fail.
    Lines<T>(text: Result<T, String>, into: Sender<String>)
    where
        T: AsRef<str> + Clone + Send + 'static,
    {
        start || {
            let text: Vec<String> = text?.as_ref().lines().map(str::to_owned).collect();
            text
        };
        finish Collect::new(into);
    }
}

#[tokio::test]
async fn a_start_is_a_closure_that_makes_an_iterator() -> Result<(), BoxError> {
    let (into, received) = channel();
    Lines::new(Ok("one\ntwo"), into).start().await?.join().await?;
    assert_eq!(received.iter().collect::<Vec<_>>(), ["one", "two"]);
    Ok(())
}

#[tokio::test]
async fn a_recipe_that_fails_is_the_error_of_start() {
    let (into, _received) = channel();
    let failed = Lines::<String>::new(Err("no such text".to_owned()), into).start().await;
    match failed {
        Err(StartError::Stage { pipeline, stage, reason }) => {
            assert_eq!(pipeline, "lines");
            assert!(stage.starts_with("start"), "{stage}");
            assert!(reason.to_string().contains("no such text"), "{reason}");
        }
        other => panic!("expected the recipe's error, got {other:?}"),
    }
}

pipeline! {
    /// Counts how often its recipes run.
    Counted(failed: Arc<AtomicBool>, steps: Arc<AtomicUsize>, finishes: Arc<AtomicUsize>, into: Sender<u32>) {
        start 0..100_u32;
        step FailsOnce, args: [failed, &steps], count: 3;
        finish Collect::counted(into, &finishes), count: 2;
    }
}

#[tokio::test]
async fn a_recipe_runs_once_per_copy() -> Result<(), BoxError> {
    let (into, received) = channel();
    let (steps, finishes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let healthy = Arc::new(AtomicBool::new(true));
    let counted = Counted::new(healthy, Arc::clone(&steps), Arc::clone(&finishes), into);
    assert_eq!(steps.load(Ordering::Relaxed), 0, "nothing is built before the start");
    counted.start().await?.join().await?;
    assert_eq!(steps.load(Ordering::Relaxed), 3);
    assert_eq!(finishes.load(Ordering::Relaxed), 2);
    assert_eq!(received.iter().count(), 100);
    Ok(())
}

#[tokio::test]
async fn a_recipe_runs_again_at_a_restart() -> Result<(), BoxError> {
    let (into, received) = channel();
    let (steps, finishes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let failing = Arc::new(AtomicBool::new(false));
    let counted = Counted::new(failing, Arc::clone(&steps), Arc::clone(&finishes), into);
    counted.start().await?.join().await?;
    assert!(steps.load(Ordering::Relaxed) > 3, "the copy that failed is built again");
    assert_eq!(finishes.load(Ordering::Relaxed), 4, "and so is everything after it");
    assert!(received.iter().count() < 100, "the batch that it held is lost");
    Ok(())
}

/// Returns the words of a line.
fn words(line: &'static str) -> impl Iterator<Item = &'static str> {
    line.split_whitespace()
}

/// A function whose name is a word of the language.
fn filter(number: u32) -> u32 {
    number + 1
}

pipeline! {
    /// Sends the numbers in `lines` that are at most `most`.
    Numbers(lines: &'static [&'static str], most: u32, into: Sender<u32>) {
        start  || lines.iter().copied();
        step   many words, name: "words", count: 2;
        step   some |word| word.parse::<u32>().ok(), max_demand: 5;
        step   filter;
        then   filter |number| *number <= most;
        then   many move |number| [number, most];
        finish |number| into.send(number).expect("the receiver is alive");
    }
}

#[tokio::test]
async fn a_function_emits_none_or_many_events() -> Result<(), BoxError> {
    let (into, received) = channel();
    let numbers = Numbers::new(&["1 two", "", "9 99"], 10, into);
    let names: Vec<_> = numbers.topology().steps.iter().map(|step| step.name.clone()).collect();
    assert_eq!(names, ["start", "words", "step_2", "filter", "finish"]);
    numbers.start().await?.join().await?;
    let mut sent: Vec<_> = received.iter().collect();
    sent.sort_unstable();
    assert_eq!(sent, [2, 10, 10, 10]);
    Ok(())
}
