//! Plays histories of events, demand and time on a decision.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use crate::step::deciding::{Decide, Output, Settles};
use crate::step::lines::Line;

/// One step of a history.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happens {
    /// An event comes by the line with this place.
    Event(usize),
    /// This many more events are asked for.
    Ask(usize),
    /// This many milliseconds pass.
    Time(u64),
}

use Happens::{Ask, Event, Time};

/// Histories with events by `lines` lines.
pub(super) fn history(lines: usize) -> impl Strategy<Value = Vec<Happens>> {
    let happens = prop_oneof![
        4 => (0..lines).prop_map(Event),
        1 => (1..6_usize).prop_map(Ask),
        3 => (1..80_u64).prop_map(Time),
    ];
    proptest::collection::vec(happens, 0..60)
}

pub(super) fn line(place: usize) -> Line {
    Line::new(place as u64 + 1, place)
}

pub(super) fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A decision that is played a history, as its stage would.
pub(super) struct Play<D: Decide> {
    pub(super) decide: D,
    pub(super) output: Output<D>,
    began: Instant,
    now: Instant,
    pub(super) room: usize,
    pub(super) asked: usize,
    /// The emitted events with their times in milliseconds.
    pub(super) emitted: Vec<(u64, D::Out)>,
}

impl<D: Decide> Play<D> {
    pub(super) fn new(mut decide: D, lines: usize) -> Self {
        let began = Instant::now();
        decide.begin(began);
        (0..lines).for_each(|place| decide.joined(line(place)));
        Self { decide, output: Output::new(), began, now: began, room: 0, asked: 0, emitted: Vec::new() }
    }

    pub(super) fn time(&self) -> u64 {
        u64::try_from((self.now - self.began).as_millis()).unwrap()
    }

    pub(super) fn ask(&mut self, events: usize) {
        self.room += events;
        self.asked += events;
        self.serve();
        if D::SETTLES == Settles::OnDemand {
            self.settle();
        }
    }

    pub(super) fn event(&mut self, event: D::In, place: usize) {
        self.decide.take(event, line(place), self.now, &mut self.output);
        self.serve();
    }

    pub(super) fn serve(&mut self) {
        self.note();
        self.decide.serve(self.now, self.room, &mut self.output);
        self.note();
    }

    fn settle(&mut self) {
        self.decide.settle(self.now, self.room, &mut self.output);
        self.note();
    }

    fn note(&mut self) {
        let now = self.time();
        let emitted = self.output.take_emitted();
        self.room = self.room.saturating_sub(emitted.len());
        self.emitted.extend(emitted.into_iter().map(|event| (now, event)));
    }

    /// Lets time pass, and looks whenever the decision wants to.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.decide.next(self.room).filter(|at| *at > self.now && *at <= until) {
            self.now = next;
            if D::SETTLES == Settles::InTime {
                self.settle();
            }
            self.serve();
        }
        self.now = until;
        self.serve();
    }

    /// Plays a history; events are made of their numbers.
    pub(super) fn play(&mut self, history: &[Happens], mut make: impl FnMut(usize, u32) -> D::In) -> u32 {
        let mut events = 0;
        for happens in history {
            match *happens {
                Event(place) => {
                    self.event(make(place, events), place);
                    events += 1;
                }
                Ask(events) => self.ask(events),
                Time(time) => self.pass(milliseconds(time)),
            }
        }
        events
    }

    /// Ends every line, asks for everything, and lets all time pass that the decision wants.
    pub(super) fn end(&mut self, lines: usize) {
        (0..lines).for_each(|place| self.decide.left(line(place), true, &mut self.output));
        self.decide.end(&mut self.output);
        self.ask(100_000);
        self.pass(Duration::from_secs(100));
    }

    pub(super) fn events(&self) -> Vec<D::Out>
    where
        D::Out: Clone,
    {
        self.emitted.iter().map(|(_, event)| event.clone()).collect()
    }
}
