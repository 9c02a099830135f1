//! Sessions that events join, and the entries that they leave.

use std::time::Duration;

use super::*;

#[test]
fn an_event_between_two_sessions_joins_them() {
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
    for at in [100, 118, 50, 109] {
        operator.take_in(at, 0, at);
    }
    let mut all = Vec::new();
    operator.finish(&mut |session| all.push((session.start, session.end, session.value)));
    assert_eq!(all, [(50, 50, vec![50]), (100, 118, vec![100, 118, 109])]);
    assert!(operator.open.is_empty() && operator.ends.len() == 0);
}

#[test]
fn sessions_that_were_joined_leave_few_entries() {
    let layer = SessionLayer {
        sessions: Sessions::new(Duration::from_millis(10)),
        key: Arc::new(|_: &i64| 0),
        init: Arc::new(|| 0),
        fold: Arc::new(|count: &mut u32, _| *count += 1),
        merge: Arc::new(|count: &mut u32, other| *count += other),
        late: None,
        windowed: false,
        options: LayerOptions::default(),
        takes: PhantomData,
    };
    let mut operator = layer.operator(Place { index: 0, of: 1 });
    let apart = (0..200).map(|number| 18 * number);
    let between = (0..199).map(|number| 18 * number + 9);
    for at in apart.chain(between) {
        operator.take_in(at, 0, at);
        assert!((operator.held..=2 * operator.held + 64).contains(&operator.ends.len()));
    }
    let mut all = Vec::new();
    operator.finish(&mut |session| all.push((session.start, session.end, session.value)));
    assert_eq!(all, [(0, 18 * 199, 399)]);
}
