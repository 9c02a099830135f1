//! Sessions that events join, and the entries that they leave.

use std::time::Duration;

use super::*;

/// Returns the sessions of events at these times, with gaps of 10 ms: their starts, ends and events.
fn sessions(times: impl IntoIterator<Item = i64>) -> Vec<(i64, i64, Vec<i64>)> {
    let layer = SessionLayer {
        sessions: Sessions::new(Duration::from_millis(10)),
        key: Arc::new(|_: &i64| 0),
        init: Arc::new(Vec::new),
        fold: Arc::new(Vec::push),
        merge: Arc::new(|all: &mut Vec<i64>, other| all.extend(other)),
        late: None,
        windowed: false,
        options: LayerOptions::default(),
        takes: PhantomData,
    };
    let mut operator = layer.operator(Place { index: 0, of: 1 });
    for at in times {
        operator.take_in(at, 0, at);
        assert!((operator.held..=2 * operator.held + 64).contains(&operator.ends.len()));
    }
    let mut all = Vec::new();
    operator.finish(&mut |session| all.push((session.start, session.end, session.value)));
    assert!(operator.open.is_empty() && operator.ends.len() == 0);
    all
}

#[test]
fn an_event_between_two_sessions_joins_them() {
    let all = sessions([100, 118, 50, 109]);
    assert_eq!(all, [(50, 50, vec![50]), (100, 118, vec![100, 118, 109])]);
}

#[test]
fn sessions_that_were_joined_leave_few_entries() {
    let apart = (0..200).map(|number| 18 * number);
    let between = (0..199).map(|number| 18 * number + 9);
    let all: Vec<_> = sessions(apart.chain(between))
        .into_iter()
        .map(|(start, end, events)| (start, end, events.len()))
        .collect();
    assert_eq!(all, [(0, 18 * 199, 399)]);
}
