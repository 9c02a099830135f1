//! Deadlines that move, in any order, and the entries that they leave.

use super::*;

/// A deadline behind all events.
const FAR: i64 = 1_000_000;

/// An event of a key with the deadline that it sets, at a time.
fn event(at: i64, key: u8, deadline: i64) -> Stamped<(u8, i64)> {
    Stamped { stamp: Stamp { at, watermark: at, reached: at }, event: (key, deadline) }
}

/// Returns the deadline, key and number of events of each emitted value.
fn emitted(events: impl IntoIterator<Item = Stamped<(u8, i64)>>) -> Vec<(i64, u8, u32)> {
    emitted_by_most(usize::MAX, &Tally::new(), events)
}

/// Counts the events of each key; the latest one sets the deadline.
fn counting(
    most: usize,
    evicted: &Tally,
) -> impl Operator<In = Stamped<(u8, i64)>, Out = Stamped<(u8, u32)>> + Kept {
    let layer = DeadlineLayer {
        key: Arc::new(|(key, _): &(u8, i64)| *key),
        init: Arc::new(|| 0_u32),
        fold: Arc::new(|count: &mut u32, (_, deadline): (u8, i64)| {
            *count += 1;
            deadline
        }),
        most,
        evicted: evicted.clone(),
        windowed: false,
        options: LayerOptions::default(),
        takes: PhantomData,
    };
    layer.operator(Place { index: 0, of: 1 })
}

/// The keys and entries that an operator keeps.
trait Kept {
    /// Returns the number of open values, and the entries in the order of their numbers.
    fn kept(&self) -> (usize, Vec<u64>);
}

impl<F, I, G> Kept for DeadlineOperator<(u8, i64), u8, u32, F, I, G> {
    fn kept(&self) -> (usize, Vec<u64>) {
        let mut numbers: Vec<_> = self.due.iter().map(|entry| entry.number).collect();
        numbers.sort_unstable();
        (self.open.len(), numbers)
    }
}

fn emitted_by_most(
    most: usize,
    evicted: &Tally,
    events: impl IntoIterator<Item = Stamped<(u8, i64)>>,
) -> Vec<(i64, u8, u32)> {
    let mut operator = counting(most, evicted);
    let (mut all, mut told) = (Vec::new(), i64::MIN);
    let mut take = |Stamped { stamp, event: (key, count) }: Stamped<(u8, u32)>| {
        assert!(stamp.reached >= told && stamp.watermark == stamp.reached);
        told = stamp.reached;
        all.push((stamp.at, key, count));
    };
    for event in events {
        operator.batch(0, std::iter::once(event), &mut take);
        let (open, entries) = operator.kept();
        assert!(open <= most && (open..=2 * open + 64).contains(&entries.len()), "{open}, {entries:?}");
        assert!(entries.is_sorted_by(|one, next| one < next), "{entries:?}");
    }
    operator.finish(&mut take);
    assert_eq!(operator.kept().0, 0);
    all
}

#[test]
fn a_deadline_that_moves_counts_where_it_was_last() {
    // The deadline of 1 moves later twice, that of 2 earlier.
    let events = [event(0, 1, 10), event(1, 2, 40), event(9, 1, 20), event(11, 1, 30), event(12, 2, 25)];
    assert_eq!(emitted(events), [(25, 2, 2), (30, 1, 3)]);
}

#[test]
fn a_deadline_in_the_past_is_emitted_at_once_and_starts_anew() {
    let events = [event(100, 1, 50), event(100, 1, 60), event(101, 1, 200)];
    assert_eq!(emitted(events), [(50, 1, 1), (60, 1, 1), (200, 1, 1)]);
}

#[test]
fn the_value_that_ends_first_is_emitted_before_its_deadline_if_there_are_too_many() {
    let evicted = Tally::new();
    // The deadline of 1 moves later, so 2 is the first to end; a second value of 2 is again the first.
    let events = [event(0, 1, 10), event(1, 2, 40), event(2, 1, 50), event(3, 3, 60), event(4, 2, 41)];
    let all = emitted_by_most(2, &evicted, events);
    assert_eq!((all, evicted.get()), (vec![(40, 2, 1), (41, 2, 1), (50, 1, 2), (60, 3, 1)], 2));
}

#[test]
fn a_deadline_that_moves_to_and_fro_leaves_no_more_entries_than_values() {
    // All keys wait for a far time; one at a time is expected soon, and then far away again.
    let mut now = 0;
    let mut events: Vec<_> = (0..200).map(|key| event(now, key, FAR)).collect();
    for _ in 0..5 {
        for key in 0..200 {
            now += 10;
            events.extend([event(now, key, now + 5), event(now, key, FAR)]);
        }
    }
    let all = emitted(events);
    assert!(all.iter().all(|(at, _, count)| (*at, *count) == (FAR, 11)) && all.len() == 200, "{all:?}");
}

#[test]
fn values_that_ended_early_leave_few_entries() {
    let mut operator = counting(usize::MAX, &Tally::new());
    let mut all = 0;
    let mut take = |_| all += 1;
    for deadline in [FAR, 5] {
        for key in 0..200 {
            operator.batch(0, std::iter::once(event(0, key, deadline)), &mut take);
        }
    }
    operator.batch(0, std::iter::once(event(10, 0, 20)), &mut take);
    let (open, entries) = operator.kept();
    assert!(all == 200 && open == 1 && entries.len() <= 66, "{open}, {}", entries.len());
}

proptest::proptest! {
    #[test]
    fn every_event_is_in_one_value_and_values_end_in_order(
        steps in proptest::collection::vec(
            (0..5_i64, 0..4_u8, proptest::option::weighted(0.7, 1..30_i64)),
            0..300,
        ),
    ) {
        let mut now = 0;
        let mut events = Vec::new();
        for (step, key, open) in steps {
            now += step;
            events.push(event(now, key, open.map_or(FAR, |open| now + open)));
        }
        let count = u32::try_from(events.len()).unwrap();
        let all = emitted(events);
        proptest::prop_assert!(all.is_sorted_by_key(|(at, ..)| *at), "{:?}", all);
        proptest::prop_assert_eq!(all.iter().map(|(.., events)| events).sum::<u32>(), count);
    }
}
