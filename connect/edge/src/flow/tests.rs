//! The state of a partition: its place in each way, its snapshots, and their notes.

use std::time::Duration;

use flow::Window;
use flow::persist::{KeyedWindows, WindowResult};
use proptest::prelude::*;

use super::bytes::{Times, timed, to_header};
use super::fold::{Fold, Refused};
use super::numbered::Numbered;
use super::snapshot::StateId;
use crate::format::Format;
use crate::frame::{Frame, FrameId, FrameKind, FrameWriter, Header};
use crate::schema::SchemaId;

type Counts = Fold<u32, u32, u64>;

fn windows() -> KeyedWindows<u32, u32, u64> {
    let window = Window::fixed(Duration::from_millis(10));
    KeyedWindows::new(window, |key: &u32| *key, || 0, |count, _| *count += 1).unwrap()
}

fn counts() -> Counts {
    Fold::new(&windows(), 2)
}

fn format() -> Format<u32> {
    Format::postcard(SchemaId::new("Key", 1))
}

/// Returns a frame of a way whose events, each a time and a key, have numbers from `first` on.
fn frame(way: u64, epoch: u64, first: u64, kind: FrameKind, reached: i64, events: &[(i64, u32)]) -> Frame {
    let mut writer = FrameWriter::new();
    for (at, key) in events {
        let mut bytes = Vec::new();
        Times { at: *at, watermark: *at }.write(&mut bytes);
        format().encode(key, &mut bytes).unwrap();
        writer.push(0, &bytes);
    }
    let id = FrameId { writer: way, epoch, sequence: first };
    let codec = timed(format().codec());
    let header = Header { kind, codec, schema: 1, fingerprint: 0, id, reached: Some(to_header(reached)) };
    Frame::read(writer.finish(&header)).unwrap()
}

fn take(counts: &mut Counts, frame: &Frame) -> Vec<(i64, u32, u64)> {
    let taken = counts.take(frame, &format(), 3).unwrap_or_else(|refused| panic!("{refused:?}"));
    assert!(taken.unreadable.is_empty(), "{:?}", taken.unreadable);
    let of = |Numbered { result, .. }| {
        let WindowResult { start, key, value, .. } = result;
        (start, key, value)
    };
    taken.results.into_iter().map(of).collect()
}

use FrameKind::{End, Events, Idle, Mark};

#[test]
fn the_events_of_a_way_count_once_whatever_is_repeated_and_however_they_are_framed() {
    let mut counts = counts();
    take(&mut counts, &frame(0, 1, 0, Events, 2, &[(1, 7), (2, 7)]));
    take(&mut counts, &frame(0, 1, 0, Events, 2, &[(1, 7), (2, 7)]));
    // The way began again: its first frame is longer.
    take(&mut counts, &frame(0, 5, 0, Events, 3, &[(1, 7), (2, 7), (3, 7)]));
    take(&mut counts, &frame(0, 6, 2, Events, 3, &[(3, 7)]));
    take(&mut counts, &frame(1, 1, 0, Events, 50, &[(50, 8)]));
    assert_eq!(take(&mut counts, &frame(0, 7, 3, Mark, 20, &[])), [(0, 7, 3)]);
}

#[test]
fn a_frame_before_which_events_are_missing_and_one_of_no_way_are_refused() {
    let mut counts = counts();
    let refused = |counts: &mut Counts, frame| counts.take(&frame, &format(), 3).err();
    let missing = refused(&mut counts, frame(1, 1, 4, Events, 2, &[(1, 7)]));
    assert_eq!(missing, Some(Refused::Missing { way: 1, next: 0, first: 4 }));
    assert_eq!(refused(&mut counts, frame(2, 1, 0, Events, 2, &[(1, 7)])), Some(Refused::NoWay(2)));
}

#[test]
fn an_old_mark_of_a_pause_has_no_effect() {
    let mut counts = counts();
    take(&mut counts, &frame(0, 1, 0, Events, 5, &[(5, 7)]));
    let pause = frame(1, 1, 0, Idle, i64::MIN, &[]);
    take(&mut counts, &pause);
    take(&mut counts, &frame(1, 2, 0, Mark, 1, &[]));
    // Without the second way, the window of the first one would end here.
    assert_eq!(take(&mut counts, &frame(0, 2, 1, Mark, 30, &[])), []);
    assert_eq!(take(&mut counts, &pause), []);
    assert_eq!(take(&mut counts, &frame(1, 3, 0, Idle, 1, &[])), [(0, 7, 1)]);
}

#[test]
fn events_behind_the_end_of_their_way_are_refused_and_known_ones_are_skipped() {
    let mut counts = counts();
    let first = frame(1, 1, 0, Events, 5, &[(5, 7)]);
    take(&mut counts, &first);
    take(&mut counts, &frame(1, 2, 1, End, 5, &[]));
    assert_eq!(take(&mut counts, &first), []);
    for number in [1, 2] {
        let refused = counts.take(&frame(1, 3, number, Events, 9, &[(9, 7)]), &format(), 3).err();
        assert_eq!(refused, Some(Refused::Ended { way: 1 }));
    }
    assert_eq!(take(&mut counts, &frame(1, 4, 3, Mark, 9, &[])), []);
    assert_eq!(take(&mut counts, &frame(1, 5, 3, End, 9, &[])), []);
    assert_eq!(take(&mut counts, &frame(0, 1, 0, End, i64::MIN, &[])), [(0, 7, 1)]);
}

#[test]
fn with_the_ends_of_all_ways_all_windows_end() {
    let mut counts = counts();
    take(&mut counts, &frame(0, 1, 0, Events, 5, &[(5, 7)]));
    take(&mut counts, &frame(0, 2, 1, End, 5, &[]));
    assert_eq!(take(&mut counts, &frame(1, 1, 0, End, i64::MIN, &[])), [(0, 7, 1)]);
    assert_eq!(take(&mut counts, &frame(1, 9, 0, End, i64::MIN, &[])), []);
}

#[test]
fn what_cannot_be_decoded_is_reported_and_counted_as_taken() {
    let mut counts = counts();
    let mut writer = FrameWriter::new();
    writer.push(0, b"short");
    let id = FrameId { writer: 0, epoch: 1, sequence: 0 };
    let header = Header { codec: timed(1), schema: 1, id, ..Header::default() };
    let damaged = Frame::read(writer.clone().finish(&header)).unwrap();
    let untimed = Header { codec: 1, id: FrameId { sequence: 1, ..id }, ..header };
    let untimed = Frame::read(writer.finish(&untimed)).unwrap();
    let mut unreadable = |frame: &Frame| match counts.take(frame, &format(), 0) {
        Ok(taken) => taken.unreadable,
        Err(refused) => panic!("{refused:?}"),
    };
    let causes: Vec<_> = [damaged, untimed].iter().flat_map(&mut unreadable).collect();
    let causes: Vec<_> = causes.iter().map(|(index, cause)| (*index, cause.as_str())).collect();
    assert_eq!(causes, [(0, "the event has no time"), (0, "the frame was not sent by a way of a flow")]);
    assert_eq!(take(&mut counts, &frame(0, 2, 2, Events, 5, &[(5, 7)])), []);
}

#[test]
fn a_state_of_another_program_is_refused_with_both_descriptions() {
    let (mine, other) = (id(1), id(2));
    let bytes = counts().save(&other).unwrap();
    let Err(refused) = Counts::load(&bytes, &mine, &windows()) else { panic!("a refusal") };
    let windows = "windows of 10 ms every 10 ms, lateness 0 ms, 2 ways, format 1";
    let expected = format!("it has version 2, {windows}; this program has version 1, {windows}");
    assert_eq!(refused.to_string(), expected);
    assert!(Counts::load(&bytes[..bytes.len() - 1], &other, &self::windows()).is_err());
}

fn id(version: u32) -> StateId {
    StateId::new(version, 2, windows().describe())
}

proptest! {
    /// After each frame, the process may end: the next one has the snapshot, and gets earlier frames again.
    #[test]
    fn a_state_that_moves_has_the_results_of_one_that_stays(
        sizes in prop::collection::vec((0..2_u64, 0..4_usize, any::<bool>(), 0..3_usize), 1..40),
    ) {
        let (mut ends, mut times) = ([0_u64; 2], 0);
        let (mut log, mut back) = (Vec::new(), Vec::new());
        for (epoch, (way, size, idle, replayed)) in sizes.into_iter().enumerate() {
            let events: Vec<_> = (0..size).map(|_| { times += 3; (times, u32::try_from(times % 4).unwrap()) }).collect();
            let kind = if !events.is_empty() { Events } else if idle { Idle } else { Mark };
            let first = ends[usize::try_from(way).unwrap()];
            log.push(frame(way, epoch as u64 + 1, first, kind, times, &events));
            ends[usize::try_from(way).unwrap()] += events.len() as u64;
            back.push(replayed);
        }
        let (mut stays, mut moves) = (counts(), counts());
        for (place, next) in log.iter().enumerate() {
            let expected = take(&mut stays, next);
            prop_assert_eq!(take(&mut moves, next), expected);
            let bytes = moves.save(&id(1)).unwrap();
            prop_assert_eq!(&bytes, &stays.save(&id(1)).unwrap());
            moves = Counts::load(&bytes, &id(1), &windows()).unwrap();
            for again in &log[place + 1 - back[place].min(place + 1)..=place] {
                prop_assert_eq!(take(&mut moves, again), []);
            }
        }
    }
}

#[cfg(feature = "memory")]
mod notes {
    use std::sync::Arc;

    use crate::calls::Calls;
    use crate::edge::Edge;
    use crate::flow::stored::{Loaded, Stored};
    use crate::memory::{MemoryEdge, MemoryNotes};
    use crate::notes::Notes;
    use crate::partition::{Epoch, Partition};
    use crate::source::lane::Halt;
    use crate::source::shared::Shared;
    use crate::spec::EdgeSpec;

    fn stored(edge: &MemoryEdge, epoch: u64) -> Stored<MemoryNotes> {
        let notes = Arc::new(edge.notes(&EdgeSpec::new("shop", "sales").partitions(1)));
        Stored::new(notes, "sales", Partition(0), Epoch(epoch))
    }

    async fn load(stored: &mut Stored<MemoryNotes>) -> Option<Vec<u8>> {
        let (mut calls, shared) = (Calls::new("test", 0), Shared::<()>::new());
        match stored.load(&mut calls, &shared).await {
            Ok(Loaded::Nothing) => None,
            Ok(Loaded::Snapshot(bytes)) => Some(bytes),
            Ok(Loaded::Damaged(what)) => panic!("{what}"),
            Err(Halt) => panic!("halted"),
        }
    }

    async fn save(stored: &mut Stored<MemoryNotes>, bytes: Vec<u8>) -> Result<(), Halt> {
        stored.save(bytes, &mut Calls::new("test", 0), &Shared::<()>::new()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_of_any_size_is_read_as_it_was_stored_and_leaves_no_parts() {
        let edge = MemoryEdge::new();
        let mut owner = stored(&edge, 1);
        assert_eq!(load(&mut owner).await, None);
        for size in [0, 100, 63 * 1024, 63 * 1024 + 1, 300_000, 10] {
            let bytes: Vec<_> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            save(&mut owner, bytes.clone()).await.unwrap();
            assert_eq!(load(&mut stored(&edge, 2)).await, Some(bytes));
        }
        let notes = edge.notes(&EdgeSpec::new("shop", "sales"));
        for number in 0..6 {
            assert_eq!(notes.get(&format!("state.sales.0.1-{number}.0")).await.unwrap(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_has_lost_the_partition_stores_nothing() {
        let edge = MemoryEdge::new();
        let (mut old, mut new) = (stored(&edge, 1), stored(&edge, 2));
        save(&mut old, vec![1]).await.unwrap();
        assert_eq!(load(&mut new).await, Some(vec![1]));
        save(&mut new, vec![2]).await.unwrap();
        assert_eq!(save(&mut old, vec![3]).await, Err(Halt));
        assert_eq!(save(&mut old, vec![3; 100_000]).await, Err(Halt));
        assert_eq!(load(&mut stored(&edge, 3)).await, Some(vec![2]));
    }

    #[tokio::test(start_paused = true)]
    async fn parts_without_a_head_are_removed_by_the_next_owner() {
        let edge = MemoryEdge::new();
        let notes = edge.notes(&EdgeSpec::new("shop", "sales"));
        save(&mut stored(&edge, 1), vec![1]).await.unwrap();
        for part in 0..3 {
            notes.put(&format!("state.sales.0.1-1.{part}"), b"part", None).await.unwrap();
        }
        let mut next = stored(&edge, 2);
        assert_eq!(load(&mut next).await, Some(vec![1]));
        assert!(notes.get("state.sales.0.1-1.2").await.unwrap().is_some(), "its process may still name it");
        save(&mut next, vec![2]).await.unwrap();
        for part in 0..3 {
            assert_eq!(notes.get(&format!("state.sales.0.1-1.{part}")).await.unwrap(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_whose_answer_was_lost_is_stored_once() {
        let edge = MemoryEdge::new();
        let mut owner = stored(&edge, 1);
        for bytes in [vec![1], vec![2; 200_000], vec![3]] {
            edge.lose_answers(1);
            save(&mut owner, bytes.clone()).await.unwrap();
            assert_eq!(load(&mut stored(&edge, 2)).await, Some(bytes));
        }
    }
}
