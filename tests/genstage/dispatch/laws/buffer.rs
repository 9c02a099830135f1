//! The buffer compared with the simplest equivalent queue.

use std::collections::VecDeque;

use proptest::prelude::*;
use stage_core::testing::Buffer;
use stage_core::{Capacity, Keep};

use super::super::support::marker;
use super::history::settings;

#[derive(Clone, Copy, Debug)]
enum Step {
    Store(usize),
    Mark,
    Take(usize),
    /// This many of the events taken last come back.
    PutBack(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    Event(u32),
    Marker(u64),
}

/// Events and markers in one sequence, searched from the front.
struct Reference {
    row: VecDeque<Item>,
    capacity: usize,
    keep: Keep,
}

impl Reference {
    fn events(&self) -> usize {
        self.row.iter().filter(|item| matches!(item, Item::Event(_))).count()
    }

    /// Takes the markers at the front.
    fn fire(&mut self) -> Vec<u64> {
        let mut fired = Vec::new();
        while let Some(Item::Marker(number)) = self.row.front() {
            fired.push(*number);
            self.row.pop_front();
        }
        fired
    }

    fn store(&mut self, event: u32) -> (usize, Vec<u64>) {
        let full = self.events() >= self.capacity;
        match self.keep {
            Keep::First if full => (1, vec![]),
            Keep::Last if full => {
                self.row.push_back(Item::Event(event));
                self.row.pop_front();
                (1, self.fire())
            }
            Keep::First | Keep::Last => {
                self.row.push_back(Item::Event(event));
                (0, vec![])
            }
        }
    }

    fn take(&mut self, most: usize) -> (Vec<u32>, Vec<u64>) {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(Item::Event(event)) = self.row.front()
        {
            taken.push(*event);
            self.row.pop_front();
        }
        (taken, self.fire())
    }
}

fn check(capacity: Option<usize>, keep: Keep, steps: &[Step]) {
    let bound = capacity.map_or(Capacity::Unbounded, Capacity::Bounded);
    let mut buffer = Buffer::new(bound, keep);
    let mut reference = Reference { row: VecDeque::new(), capacity: capacity.unwrap_or(usize::MAX), keep };
    let (mut next, mut markers, mut last) = (0, 0, Vec::new());
    let numbers = |fired: Vec<stage_core::dispatch::Marker>| -> Vec<u64> {
        fired.into_iter().map(stage_core::dispatch::Marker::number).collect()
    };
    for step in steps {
        match *step {
            Step::Store(count) => {
                let end = next + u32::try_from(count).expect("a small number");
                let (discarded, fired) = buffer.store(next..end);
                let mut expected = (0, vec![]);
                for event in next..end {
                    let (one, fired) = reference.store(event);
                    expected.0 += one;
                    expected.1.extend(fired);
                }
                assert_eq!((discarded, numbers(fired)), expected);
                next = end;
            }
            Step::Mark => {
                markers += 1;
                let fired = buffer.mark(marker(markers));
                assert_eq!(fired, reference.row.is_empty().then_some(marker(markers)));
                if fired.is_none() {
                    reference.row.push_back(Item::Marker(markers));
                }
            }
            Step::Take(most) => {
                let (taken, fired) = buffer.take(most);
                last.clone_from(&taken);
                assert_eq!((taken, numbers(fired)), reference.take(most));
            }
            Step::PutBack(count) => {
                let back = last.split_off(last.len().saturating_sub(count));
                back.iter().rev().for_each(|event| reference.row.push_front(Item::Event(*event)));
                buffer.put_back(back);
                last.clear();
            }
        }
        assert_eq!(buffer.len(), reference.events());
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<u8>(), 1..24)
        .prop_map(|numbers| numbers.into_iter().map(Step::from).collect())
}

impl From<u8> for Step {
    fn from(number: u8) -> Self {
        let (count, kind) = (usize::from(number / 8), number % 8);
        match kind {
            0..3 => Self::Store(count % 7 + 1),
            3..5 => Self::Mark,
            5..7 => Self::Take(count % 7 + 1),
            _ => Self::PutBack(count % 4),
        }
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn it_keeps_the_last(capacity in prop::option::of(0..10_usize), steps in steps()) {
        check(capacity, Keep::Last, &steps);
    }

    #[test]
    fn it_keeps_the_first(capacity in prop::option::of(0..10_usize), steps in steps()) {
        check(capacity, Keep::First, &steps);
    }
}
