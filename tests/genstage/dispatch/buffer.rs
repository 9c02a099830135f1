//! Section 14: the buffer. "Temporary" events are events here, "permanent" ones are markers.

use stage_core::dispatch::DemandDispatcher;
use stage_core::testing::{Buffer, Supply};
use stage_core::{Capacity, Keep};

use super::support::marker;

#[test]
fn g125_markers_do_not_count_as_buffered_events() {
    let mut buffer = Buffer::new(Capacity::Bounded(10), Keep::Last);
    buffer.store(["t1", "t2"]);
    assert_eq!(buffer.mark(marker(1)), None);
    assert_eq!(buffer.mark(marker(2)), None);
    assert_eq!(buffer.len(), 2);
}

#[test]
fn g126_a_full_buffer_that_keeps_the_first_discards_the_excess() {
    let mut buffer = Buffer::new(Capacity::Bounded(3), Keep::First);
    assert_eq!(buffer.store(["a", "b", "c"]).0, 0);
    assert_eq!(buffer.store(["d", "e", "f"]).0, 3);
    assert_eq!(buffer.take(3).0, ["a", "b", "c"]);
}

#[test]
fn g127_an_unbounded_buffer_takes_a_thousand_and_discards_nothing() {
    let mut buffer = Buffer::new(Capacity::Unbounded, Keep::First);
    assert_eq!(buffer.store(0..1000).0, 0);
    assert_eq!(buffer.len(), 1000);
}

#[test]
fn g129_a_displaced_event_hands_out_the_markers_behind_it() {
    let mut buffer = Buffer::new(Capacity::Bounded(3), Keep::Last);
    buffer.store(["t1", "t2"]);
    buffer.mark(marker(1));
    buffer.mark(marker(2));
    assert_eq!(buffer.store(["t3", "t4", "t5"]), (2, vec![marker(1), marker(2)]));
    assert_eq!(buffer.take(3).0, ["t3", "t4", "t5"]);
}

#[test]
fn g130_an_empty_buffer_gives_a_marker_back() {
    let mut buffer = Buffer::<u32>::new(Capacity::Bounded(10), Keep::Last);
    assert_eq!(buffer.mark(marker(1)), Some(marker(1)));
}

#[test]
fn g131_nothing_is_taken_from_an_empty_buffer() {
    let mut buffer = Buffer::<u32>::new(Capacity::Bounded(10), Keep::Last);
    assert_eq!(buffer.take(5), (vec![], vec![]));
    assert!(buffer.is_empty());
}

#[test]
fn g132_taking_stops_at_a_marker_and_gives_it() {
    let mut buffer = Buffer::new(Capacity::Bounded(10), Keep::Last);
    buffer.store(["t1", "t2"]);
    buffer.mark(marker(3));
    buffer.store(["t4"]);
    let (taken, fired) = buffer.take(5);
    assert_eq!((taken.as_slice(), fired), (&["t1", "t2"][..], vec![marker(3)]));
    assert_eq!(5 - taken.len(), 3, "the remaining demand");
    assert_eq!(buffer.len(), 1);
}

#[test]
fn g134_events_and_markers_interleave_as_they_came() {
    let mut buffer = Buffer::new(Capacity::Bounded(10), Keep::Last);
    buffer.store([1, 2]);
    buffer.mark(marker(3));
    buffer.mark(marker(4));
    buffer.store([5, 6, 7]);
    buffer.mark(marker(8));
    buffer.mark(marker(9));
    buffer.store([10]);
    buffer.mark(marker(11));
    assert_eq!(buffer.take(3), (vec![1, 2], vec![marker(3), marker(4)]));
    assert_eq!(buffer.take(4), (vec![5, 6, 7], vec![marker(8), marker(9)]));
    assert_eq!(buffer.take(2), (vec![10], vec![marker(11)]));
}

/// GenStage's unbounded buffer fires at the next ask only, and counts the marker as an event.
#[test]
fn a_marker_fires_with_the_last_event_before_it_in_an_unbounded_buffer_too() {
    for capacity in [Capacity::Bounded(10), Capacity::Unbounded] {
        let mut buffer = Buffer::new(capacity, Keep::Last);
        buffer.store(["a", "b", "c"]);
        buffer.mark(marker(1));
        assert_eq!(buffer.len(), 3);
        assert_eq!(buffer.take(3), (vec!["a", "b", "c"], vec![marker(1)]));
    }
}

#[test]
fn a_stage_receives_a_marker_whose_events_were_displaced() {
    let mut supply = Supply::with_buffer(DemandDispatcher::new(), Capacity::Bounded(2), Keep::Last);
    supply.emit([1, 2]);
    assert_eq!(supply.mark(marker(1)), None);
    supply.emit([3]);
    assert_eq!((supply.fired(), supply.discarded()), (vec![], 1));
    supply.emit([4]);
    assert_eq!((supply.fired(), supply.discarded()), (vec![marker(1)], 1));
}

#[test]
fn a_buffer_of_no_room_discards_and_fires_at_once() {
    let mut supply = Supply::with_buffer(DemandDispatcher::new(), Capacity::Bounded(0), Keep::Last);
    supply.emit([1, 2]);
    assert_eq!((supply.discarded(), supply.waiting()), (2, 0));
    assert_eq!(supply.mark(marker(1)), Some(marker(1)));
}
