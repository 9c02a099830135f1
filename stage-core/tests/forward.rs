//! A batch that is forwarded unchanged keeps its order and its buffer.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use stage_core::{Consumer, Context, Emitter, Events, Pipeline, ProducerConsumer, StageResult, StepOptions};

type Seen = Arc<Mutex<Vec<(usize, Vec<u32>)>>>;

/// Records the batches and their memory addresses.
struct Note(Seen);

impl Consumer for Note {
    type Event = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
        self.0.lock().unwrap().push((events.as_slice().as_ptr().addr(), events.as_slice().to_vec()));
        Ok(())
    }
}

/// Records the same, and forwards the batches, behind its own events.
struct Pass {
    seen: Seen,
    before: Option<u32>,
}

impl ProducerConsumer for Pass {
    type In = u32;
    type Out = u32;

    async fn handle_events(
        &mut self,
        mut events: Events<'_, u32>,
        out: &mut Emitter<'_, u32>,
    ) -> StageResult {
        let at = events.as_slice().as_ptr().addr();
        events.as_mut_slice().iter_mut().for_each(|event| *event += 1);
        self.seen.lock().unwrap().push((at, events.as_slice().to_vec()));
        self.before.into_iter().for_each(|event| out.emit(event));
        out.forward(events);
        Ok(())
    }
}

/// Returns the batches seen by the step and by the sink, for twenty events in batches of five.
async fn batches(before: Option<u32>) -> [Vec<(usize, Vec<u32>)>; 2] {
    let (passed, seen) = (Seen::default(), Seen::default());
    let (step, sink) = (Arc::clone(&passed), Arc::clone(&seen));
    let window = StepOptions::new().max_demand(10).min_demand(5);
    Pipeline::builder("forward")
        .defaults(window)
        .start_fn("numbers", || Ok(0..20))
        .step("pass", move || Ok(Pass { seen: Arc::clone(&step), before }))
        .finish("note", move || Ok(Note(Arc::clone(&sink))))
        .start()
        .await
        .unwrap()
        .join()
        .await
        .unwrap();
    [passed, seen].map(|seen| std::mem::take(&mut *seen.lock().unwrap()))
}

#[tokio::test]
async fn a_forwarded_batch_keeps_its_buffer() {
    let [passed, seen] = batches(None).await;
    assert_eq!(passed.len(), 4);
    assert_eq!(passed, seen);
}

#[tokio::test]
async fn a_forwarded_batch_follows_earlier_emissions() {
    let [passed, seen] = batches(Some(0)).await;
    let expected: Vec<u32> =
        passed.iter().flat_map(|(_, events)| [0].into_iter().chain(events.clone())).collect();
    assert_eq!(seen.into_iter().flat_map(|(_, events)| events).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_function_gives_the_same_in_the_buffer_of_its_input_and_in_another() {
    let seen = Seen::default();
    let sink = Arc::clone(&seen);
    Pipeline::builder("functions")
        .defaults(StepOptions::new().max_demand(10).min_demand(5))
        .start_fn("numbers", || Ok(0..20_u32))
        .step_fn("add", |number| number + 1)
        .step_fn("widen", u64::from)
        .step_fn("narrow", |number| u32::try_from(number).unwrap())
        .finish("note", move || Ok(Note(Arc::clone(&sink))))
        .start()
        .await
        .unwrap()
        .join()
        .await
        .unwrap();
    let events: Vec<u32> = seen.lock().unwrap().drain(..).flat_map(|(_, events)| events).collect();
    assert!(events.into_iter().eq(1..=20));
}
