//! G01 to G20: cases that the original's suite leaves out; G10 to G13 are in a separate file.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::{Flow, FlowError, TriggerName, Window, WindowId, Workers};
use futures_util::StreamExt;
use stage_core::dispatch::stable_hash;

use crate::support::{
    Tokens, begins, collect, fails, first, gives, gives_in_order, in_any_order, no_task_is_left,
};

#[test]
fn flow_g01_a_key_has_the_same_hash_for_every_number_of_stages() {
    for stages in [1_usize, 2, 3, 7] {
        let places = Flow::from_items(0..50_u64)
            .partition(|number| number / 2)
            .stages(stages)
            .reduce(Vec::new, Vec::push)
            .on_trigger(|numbers, trigger| {
                let index = trigger.place.index;
                (numbers.into_iter().map(move |number: u64| (number, index)).collect::<Vec<_>>(), Vec::new())
            });
        let place = |number: u64| usize::try_from(stable_hash(&(number / 2)) % stages as u64).unwrap();
        gives(&places, (0..50).map(|number| (number, place(number))).collect::<Vec<_>>());
    }
}

#[test]
fn flow_g01_a_route_is_asked_for_every_number_of_stages() {
    for stages in [1, 2, 3] {
        let routed = Flow::from_items(1..=4_u64)
            .partition_with(|number| (number != 3).then_some((number * 10, 0)))
            .stages(stages)
            .map(|number| number);
        gives(&routed, [10, 20, 40]);
    }
}

#[test]
fn flow_g02_uniq_streams_in_order() {
    let endless = Flow::from_items(0_u64..).stages(1).map(|number| number / 3).uniq();
    begins(&endless, [0, 1, 2, 3, 4]);
}

#[test]
fn flow_g03_map_batch_goes_with_every_window_that_needs_no_time() {
    let windows = [
        (Window::global(), vec![55]),
        (Window::global().trigger_every(1), vec![15, 55, 55]),
        (Window::count(1), vec![15, 40, 0]),
        (Window::periodic(Duration::from_secs(1)), vec![55]),
    ];
    for (window, expected) in windows {
        let sums = Flow::from_items(1..=10_u64)
            .stages(1)
            .max_demand(5)
            .min_demand(0)
            .map_batch(|batch| vec![batch.iter().sum::<u64>()])
            .window(window)
            .reduce(|| 0, |sum, number| *sum += number)
            .emit_state();
        gives_in_order(&sums, expected);
    }
}

#[tokio::test]
async fn flow_g06_run_keeps_no_results() {
    let tokens = Tokens::default();
    let made = tokens.clone();
    Flow::from_items(0..100_000_u64)
        .stages(2)
        .max_demand(100)
        .map(move |number| made.make(number))
        .run()
        .await
        .unwrap();
    assert!(tokens.most() <= 4000, "{} of 100,000 lived at once", tokens.most());
    let running = Flow::from_items(0_u64..).stages(2).max_demand(100).map({
        let made = tokens.clone();
        move |number| made.make(number)
    });
    let running = running.start().await.unwrap();
    while tokens.most() == 0 {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
    assert!(running.join().await.is_err());
    assert!(tokens.most() <= 4000, "{} lived at once", tokens.most());
}

/// Returns the sum of the numbers to 10, which fails at seven.
fn failing(triggers: &Arc<AtomicUsize>, stages: usize) -> Flow<impl flow::Chain<Out = u64>> {
    let triggers = Arc::clone(triggers);
    Flow::from_items(1..=10_u64)
        .named("picky")
        .stages(stages)
        .map(|number| {
            assert_ne!(number, 7, "no seven");
            number
        })
        .partition(|number| *number)
        .stages(2)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(move |sum, _| {
            triggers.fetch_add(1, Ordering::SeqCst);
            ([sum], 0)
        })
}

#[test]
fn flow_g07_partial_results_of_a_failure_are_not_emitted() {
    let triggers = Arc::new(AtomicUsize::new(0));
    for stages in [1, 2] {
        let flow = failing(&triggers, stages);
        in_any_order(async || {
            let error = collect(&flow).await.unwrap_err().to_string();
            assert!(error.contains("picky") && error.contains("no seven"), "{error}");
            no_task_is_left().await;
        });
    }
    assert_eq!(triggers.load(Ordering::SeqCst), 0);
}

/// Takes events one by one, with a second of the clock between them.
async fn slowly<C: flow::Chain>(flow: &Flow<C>) -> Vec<C::Out> {
    let mut events = flow.stream_on(Workers::Current).await.unwrap();
    let mut taken = Vec::new();
    while let Some(event) = events.next().await {
        taken.push(event.unwrap());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    taken
}

#[test]
fn flow_g08_nothing_fires_after_the_last_trigger() {
    let sums = |window| {
        Flow::from_items(1..=10_u64)
            .stages(1)
            .window(window)
            .reduce(Vec::new, |all: &mut Vec<u64>, number| all.push(number))
            .on_trigger(|all, trigger| {
                let name = trigger.name.clone();
                let told: Vec<_> = all.iter().map(|number| (*number, name.clone())).collect();
                (told, all)
            })
    };
    let window = Window::global().trigger_periodically(Duration::from_millis(300));
    let all = sums(window);
    in_any_order(async || {
        let told = slowly(&all).await;
        assert_eq!(told, (1..=10).map(|number| (number, TriggerName::Done)).collect::<Vec<_>>());
    });
    let late = Flow::from_items([0_i64, 1000, 2000, 3000])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .window(
            Window::fixed(Duration::from_secs(1))
                .allowed_lateness(Duration::from_millis(300))
                .trigger_periodically(Duration::from_millis(300)),
        )
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| ([(count, trigger.window, trigger.is_done())], count));
    in_any_order(async || {
        let told = slowly(&late).await;
        let done = told.iter().filter(|told| told.2).map(|told| told.1);
        assert_eq!(done.collect::<Vec<_>>(), [0, 1000, 2000, 3000].map(WindowId::Fixed));
        assert!(told.last().unwrap().2);
    });
}

#[test]
fn flow_g15_the_outputs_of_one_event_are_reduced_in_order() {
    let all = Flow::from_items([1_u64, 2])
        .stages(1)
        .flat_map(|number| [number, number * 10, number * 100])
        .emit_and_reduce(|| (), |(), number| [number])
        .emit_nothing();
    gives_in_order(&all, [1, 10, 100, 2, 20, 200]);
}

#[test]
fn flow_g16_the_output_of_a_trigger_follows_the_emissions_of_the_reducer() {
    let all = Flow::from_items(1..=4_u64)
        .stages(1)
        .window(Window::global().trigger_every(2))
        .emit_and_reduce(
            || 0,
            |sum, number| {
                *sum += number;
                [("event", number)]
            },
        )
        .on_trigger(|sum, trigger| ([(if trigger.is_done() { "done" } else { "sum" }, sum)], sum));
    let expected =
        [("event", 1), ("event", 2), ("sum", 3), ("event", 3), ("event", 4), ("sum", 10), ("done", 10)];
    gives_in_order(&all, expected);
}

#[test]
fn flow_g17_a_source_may_end_before_its_flow_is_wired() {
    for stages in [1, 4] {
        gives(
            &Flow::from_iters([vec![], vec![1], vec![], vec![2_u64]]).stages(stages).map(|number| number),
            [1, 2],
        );
        gives(&Flow::from_iters([Vec::<u64>::new()]), []);
        gives(&Flow::from_slice(Vec::<u64>::new()).stages(stages).map(|number| number), []);
        gives(
            &Flow::from_slice([1_u64, 2]).stages(stages).partition(|number| *number).stages(stages),
            [1, 2],
        );
    }
}

#[test]
fn flow_g17_a_flow_of_no_source_is_empty() {
    gives(&Flow::from_iters(Vec::<Vec<u64>>::new()).stages(2).map(|number| number), []);
}

#[test]
fn flow_g18_a_hot_partition_neither_starves_the_others_nor_piles_up() {
    let tokens = Tokens::default();
    let made = tokens.clone();
    // Every hundredth event belongs to another partition.
    let flow = Flow::from_items(0..20_000_u64)
        .map(move |number| made.make(number))
        .stages(1)
        .max_demand(100)
        .partition_with(|token| {
            let partition =
                if token.number % 100 == 99 { 1 + usize::from(token.number % 200 == 99) } else { 0 };
            Some((token, partition))
        })
        .stages(3)
        .max_demand(100)
        .map(|token| token.number);
    in_any_order(async || {
        let mut events = flow.stream_on(Workers::Current).await.unwrap();
        let (mut hot, mut cold) = (0_u64, 0_u64);
        while let Some(number) = events.next().await {
            if number.unwrap() % 100 == 99 {
                cold += 1;
            } else {
                hot += 1;
            }
        }
        assert_eq!((hot, cold), (19_800, 200));
        assert!(tokens.most() <= 2000, "{} lived at once", tokens.most());
        assert_eq!(tokens.living(), 0);
    });
}

#[test]
fn flow_g19_taking_a_few_does_no_more_than_a_bounded_part() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let endless = move |demand, stages| {
        let count = Arc::clone(&count);
        Flow::from_items(0_u64..).stages(stages).max_demand(demand).map(move |number| {
            count.fetch_add(1, Ordering::SeqCst);
            number
        })
    };
    for (demand, stages, most) in [(1, 1, 2000), (10, 2, 2000), (1000, 4, 8000)] {
        let flow = endless(demand, stages);
        in_any_order(async || {
            made.store(0, Ordering::SeqCst);
            assert_eq!(first(&flow, 1).await.len(), 1);
            no_task_is_left().await;
            let made = made.load(Ordering::SeqCst);
            assert!(made <= most, "{made} were mapped with demand {demand} and {stages} stages");
        });
    }
}

fn oops<T>() -> T {
    panic!("oops")
}

#[test]
fn flow_g20_a_panic_names_its_layer_and_stage() {
    let numbers = || Flow::from_items(1..=10_u64);
    let sum = |sum: &mut u64, number| *sum += number;
    fails(&numbers().named("mine").stages(2).filter(|_| oops()), "mine", "panicked: oops");
    fails(
        &numbers().named("mine").stages(2).reduce(|| 0, |_: &mut u64, _| oops()).emit_state(),
        "mine",
        "panicked: oops",
    );
    fails(
        &numbers().named("mine").reduce(|| 0, sum).on_trigger(|_, _| oops::<([u64; 1], u64)>()),
        "mine",
        "panicked: oops",
    );
    let timed = numbers().event_time(|_| oops(), Duration::MAX).map(|number| number);
    fails(&timed, "iterator#", "panicked: oops");
}

#[test]
fn flow_g20_a_panic_in_a_key_fails_the_flow() {
    // The function runs in the layer that it opens.
    let numbers = || Flow::from_items(1..=10_u64).map(|number| number);
    let by_key = numbers().partition(|_| oops::<u64>()).named("mine").stages(2).map(|number| number);
    fails(&by_key, "mine", "panicked: oops");
    let routed = numbers().partition_with(|_| oops()).named("mine").stages(2).map(|number| number);
    fails(&routed, "mine", "panicked: oops");
}

#[test]
fn a_partition_that_does_not_exist_ends_an_endless_flow() {
    let endless =
        Flow::from_items(0_u64..).partition_with(|number| Some((number, usize::from(number == 7)))).stages(1);
    in_any_order(async || {
        let mut events = endless.stream_on(Workers::Current).await.unwrap();
        let mut given = 0;
        let error = loop {
            given += 1;
            match events.next().await.unwrap() {
                Ok(_) => assert!(given < 10_000, "no error after all these events"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, FlowError::Partition { partition: 1, last: 0, .. }), "{error}");
    });
}

#[test]
fn flow_g20_a_panic_at_the_start_names_its_layer_and_stage() {
    let numbers = || Flow::from_items(1..=10_u64);
    let init = numbers().named("mine").stages(2).on_init(|_| oops()).map(|number| number);
    fails(&init, "mine", "panicked: oops");
    let acc = numbers().named("mine").reduce(oops::<u64>, |sum, number| *sum += number).emit_state();
    fails(&acc, "mine", "panicked: oops");
}

#[test]
fn on_init_is_called_for_the_stages_of_a_split_source() {
    let places = Arc::new(Mutex::new(BTreeSet::new()));
    let noted = Arc::clone(&places);
    let flow = Flow::from_slice((0..100_u64).collect::<Vec<_>>())
        .stages(4)
        .on_init(move |place| _ = noted.lock().unwrap().insert(place.index))
        .map(|number| number);
    gives(&flow, (0..100).collect::<Vec<_>>());
    assert_eq!(*places.lock().unwrap(), (0..4).collect());
}
