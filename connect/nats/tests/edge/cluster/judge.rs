//! Judges the file of handled events.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::crew::Crew;
use super::log::{Line, now};
use super::pipeline::Event;
use super::scene::Scene;
use super::{FRAME, PAUSE, SILENCE, Scale, feed};

/// The events handled so far.
pub(super) struct Judge {
    lines: BufReader<std::fs::File>,
    rest: String,
    /// The next number of each key.
    next: BTreeMap<u32, u32>,
    /// The last handling of each key.
    seen: BTreeMap<u32, Duration>,
    /// The number of events that each worker handled.
    by: BTreeMap<String, u32>,
    /// The moment from which the next handling is awaited.
    back: Option<Duration>,
    /// The longest time from such a moment to the next handling.
    pub(super) resumed: Duration,
    scale: Scale,
    /// The event that ends its handler.
    deadly: Option<Event>,
    pub(super) distinct: u32,
    pub(super) repeated: u32,
    pub(super) disordered: Vec<String>,
    /// The longest time between two handled events of a key.
    pub(super) silence: Duration,
    /// The number of times that a partition was taken.
    takes: u32,
    scene: Scene,
}

impl Judge {
    pub(super) fn new(crew: &Crew, scale: Scale) -> Self {
        let lines = BufReader::new(std::fs::File::open(crew.log()).expect("the file of handled events"));
        Self {
            lines,
            rest: String::new(),
            next: BTreeMap::new(),
            seen: BTreeMap::new(),
            by: BTreeMap::new(),
            back: None,
            resumed: Duration::ZERO,
            scale,
            deadly: None,
            distinct: 0,
            repeated: 0,
            disordered: Vec::new(),
            silence: Duration::ZERO,
            takes: 0,
            scene: crew.scene(),
        }
    }

    /// Expects the other events of its key to go on without this one.
    pub(super) fn without(mut self, deadly: Event) -> Self {
        self.deadly = Some(deadly);
        self
    }

    /// Reads the lines that were written since.
    pub(super) fn look(&mut self) {
        while self.lines.read_line(&mut self.rest).expect("the file of handled events") > 0 {
            if !self.rest.ends_with('\n') {
                // The rest of the line is being written.
                return;
            }
            let line = std::mem::take(&mut self.rest);
            let (key, number, worker, at) = match Line::read(&line).expect("a line of a worker") {
                Line::Taken => {
                    self.takes += 1;
                    continue;
                }
                Line::Handled { key, number, worker, at } => (key, number, worker, at),
            };
            *self.by.entry(worker).or_default() += 1;
            if let Some(back) = self.back.filter(|back| *back <= at) {
                self.resumed = self.resumed.max(at.saturating_sub(back));
                self.back = None;
            }
            let next = self.next.entry(key).or_default();
            if self.deadly == Some(Event { key, number: *next }) {
                *next += 1;
            }
            match number.cmp(next) {
                std::cmp::Ordering::Less => self.repeated += 1,
                std::cmp::Ordering::Equal => {
                    *next += 1;
                    self.distinct += 1;
                }
                std::cmp::Ordering::Greater => {
                    self.disordered.push(format!("key {key}: {number} before {next}"));
                }
            }
            if let Some(before) = self.seen.insert(key, at) {
                self.silence = self.silence.max(at.saturating_sub(before));
            }
        }
    }

    /// Begins to measure the time to the next handled event: a server or a network is back.
    pub(super) fn is_back(&mut self) {
        self.back = Some(now());
    }

    /// Returns the number of events that a worker handled.
    pub(super) fn handled_by(&mut self, worker: &str) -> u32 {
        self.look();
        self.by.get(worker).copied().unwrap_or(0)
    }

    /// Waits until `count` different events were handled.
    pub(super) async fn until(&mut self, count: u32) {
        let (mut before, mut progress) = (self.distinct, Instant::now());
        loop {
            self.look();
            assert!(self.disordered.is_empty(), "out of order: {:?}", self.disordered);
            if self.distinct >= count {
                return;
            }
            if self.distinct > before {
                (before, progress) = (self.distinct, Instant::now());
            }
            if progress.elapsed() >= SILENCE {
                let (distinct, all, scene) = (self.distinct, self.all(), self.scene.describe().await);
                panic!("no progress at {distinct} of {all} events\n{}{scene}", self.behind());
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits until every event was handled.
    pub(super) async fn until_all(&mut self) {
        self.until(self.all()).await;
        assert!(self.next.values().all(|next| *next == feed::per_key(self.scale)), "an event is lost");
    }

    /// Describes the keys whose events were not all handled.
    fn behind(&self) -> String {
        let (mut text, all, now) = (String::new(), feed::per_key(self.scale), now());
        for (key, next) in self.next.iter().filter(|(_, next)| **next < all).take(40) {
            let since = self.seen.get(key).map(|at| now.saturating_sub(*at));
            writeln!(text, "key {key}: {next} of {all} handled, the last one {since:?} ago").unwrap();
        }
        text
    }

    pub(super) fn all(&self) -> u32 {
        feed::per_key(self.scale) * self.scale.keys
    }

    pub(super) fn print(&self, what: &str) {
        let Self { distinct, repeated, takes, silence, resumed, .. } = self;
        println!(
            "{what}: {distinct} handled, {repeated} repeated, 0 out of order, {takes} takes, longest silence of a key \
             {silence:?}, went on after {resumed:?}"
        );
    }

    /// Checks that each owner of a partition repeated at most the frame that the one before it had in hand.
    pub(super) fn assert_few_repeated(&self) {
        let most = self.takes * FRAME;
        assert!(self.repeated <= most, "{} repeated, of at most {most}", self.repeated);
    }
}
