//! Functions that take the events that no stage handled.

use std::sync::mpsc::{Sender, channel};

use stage_core::{Report, pipeline};

pipeline! {
    /// Has a function at each place where events can be left over.
    Stopped(unhandled: Sender<(&'static str, usize)>) {
        start  0_u64..;
        start  || 1000_u64.., rejected: |numbers| send(&unhandled, "sources", &numbers);
        step   |number| number * 2, name: "double", count: 2, rejected: |numbers| {
            assert!(numbers.iter().all(|number| number % 2 == 0));
            send(&unhandled, "double", &numbers);
        };
        step   |number| number + 1, name: "odd", rejected: move |texts: Vec<String>| send(&unhandled, "odd", &texts);
        then   |number| number.to_string();
        finish drop;
    }
}

fn send<E>(unhandled: &Sender<(&'static str, usize)>, from: &'static str, events: &[E]) {
    unhandled.send((from, events.len())).expect("the receiver is alive");
}

fn counted(report: &Report, step: &str) -> u64 {
    let of_step = report.rejected.iter().filter(|rejected| rejected.stage.split('/').next() == Some(step));
    of_step.map(|rejected| rejected.events).sum()
}

#[tokio::test]
async fn every_event_that_is_rejected_at_a_stop_is_handed_to_the_function_of_its_step() {
    let (to, unhandled) = channel();
    let running = Stopped::new(to).start().await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let report = running.stop().await.unwrap();
    let unhandled: Vec<_> = unhandled.iter().collect();
    for step in ["double", "odd"] {
        let handed: usize = unhandled.iter().filter(|(of, _)| *of == step).map(|(_, events)| events).sum();
        assert_eq!(handed as u64, counted(&report, step), "{step}: {report}");
    }
}
