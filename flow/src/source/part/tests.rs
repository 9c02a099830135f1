//! The law of all parts: the events that a taker leaves come next.

use std::fmt::Debug;

use proptest::prelude::*;
use tokio::sync::mpsc;

use super::super::decode::Text;
use super::super::packing::Packing;
use super::super::records::{Ending, Records};
use super::super::{Cloned, IterPart, SharedSlice};
use super::*;
use crate::Flow;

/// Takes a number of events at a time.
struct Portion<'a, T> {
    most: usize,
    all: &'a mut Vec<T>,
}

impl<T> Taker<T> for Portion<'_, T> {
    fn wanted(&self) -> usize {
        self.most
    }

    fn take(&mut self, events: impl Iterator<Item = T>) -> usize {
        let before = self.all.len();
        self.all.extend(events.take(self.most));
        self.all.len() - before
    }

    fn take_all(&mut self, events: impl Iterator<Item = T>) {
        self.all.extend(events);
    }
}

/// Reads the parts in turn until all have ended, each time with the next numbers of events to read and to take.
fn read_all<P: Part>(mut parts: Vec<P>, numbers: &[(usize, usize)]) -> Vec<P::Item> {
    let (mut all, mut numbers) = (Vec::new(), numbers.iter().cycle());
    while !parts.is_empty() {
        parts.retain_mut(|part| {
            let (read, take) = *numbers.next().unwrap();
            let before = all.len();
            let more = part.read_in_one(read, &mut Portion { most: take, all: &mut all }).unwrap();
            assert!(all.len() - before <= read.min(take));
            more != More::No
        });
    }
    all
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all
}

fn check<T: Debug + PartialEq>(all: &[T], expected: impl IntoIterator<Item = T>) {
    assert_eq!(all, expected.into_iter().collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn what_is_left_comes_next(
        numbers in prop::collection::vec((1_usize..40, 1_usize..20), 1..30),
        parts in 1_usize..4,
        length in 0_u32..300,
    ) {
        let range = Flow::from_range(0..length).chain.origin.source;
        check(&sorted(read_all(range.parts(parts).unwrap(), &numbers)), 0..length);
        check(&read_all(vec![IterPart { iterator: 0..length }], &numbers), 0..length);
        let slice = SharedSlice { items: (0..length).collect(), form: Cloned };
        check(&sorted(read_all(slice.parts(parts).unwrap(), &numbers)), 0..length);

        let (sender, receiver) = mpsc::channel(300);
        (0..length).for_each(|number| sender.try_send(number).unwrap());
        drop(sender);
        let channel = Flow::from_channel(receiver).chain.origin.source;
        check(&read_all(channel.parts(1).unwrap(), &numbers), 0..length);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let lines: Vec<_> = (0..length).map(|number| number.to_string()).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        let files = Records::new([path].into(), Ending::Line, Packing::None, Text);
        let read = read_all(files.parts(parts).unwrap(), &numbers);
        check(&sorted(read.iter().map(|line| line.parse().unwrap()).collect()), 0..length);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_large_slice_is_shared_whatever_is_left(
        numbers in prop::collection::vec((1_usize..5000, 1_usize..5000), 1..30),
    ) {
        let slice = SharedSlice { items: (0..20_000_u32).collect(), form: Cloned };
        check(&sorted(read_all(slice.parts(2).unwrap(), &numbers)), 0..20_000);
    }
}
