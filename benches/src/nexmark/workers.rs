//! Queries as programs for two workers that fold events, after an exchange by key where one is needed.
//!
//! They know that the input ends: auctions and windows are not closed before, so memory grows with the input.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hash},
    sync::Arc,
};

use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Answer, Auction, Bid, Event, Person,
    queries::{SPAN, STEP, TABLE, age, auction_of, euros, is_near, is_selected, value_of},
    state::{Counts, LastSales, Panes, Sale, Sold, Top, add_counts, millis},
};

/// What one worker can send to another.
pub(super) trait Sent: Clone + Send + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Send + Serialize + DeserializeOwned + 'static> Sent for T {}

/// A way to run two workers.
pub(super) trait Workers {
    /// Folds all events in the workers that take them, without an exchange; returns the state of each worker.
    fn folded<S: Default + Send + 'static>(
        events: &Arc<[Event]>,
        fold: impl Fn(&mut S, &Event) + Send + Sync + 'static,
    ) -> Vec<S>;

    /// Folds what `keep` makes of the events, each in the worker that owns its key; returns what `finish` makes of the state
    /// of each worker, in that worker.
    fn exchanged<T: Sent, Q: Hash, S: Default + 'static, R: Send + 'static>(
        events: &Arc<[Event]>,
        keep: impl Fn(&Event) -> Option<T> + Send + Sync + 'static,
        key: impl Fn(&T) -> Q + Send + Sync + 'static,
        fold: impl Fn(&mut S, T) + Send + Sync + 'static,
        finish: impl Fn(S) -> R + Send + Sync + 'static,
    ) -> Vec<R>;
}

/// Events that a worker takes, or reads, in a row.
pub(super) const PIECE: usize = 4096;

/// Returns the worker of two that owns a key: by the highest bit of the hash, since maps take their buckets from the lowest.
pub(super) fn owner_of<Q: Hash>(key: &Q) -> usize {
    usize::from(FxBuildHasher.hash_one(key) >> 63 == 1)
}

/// Returns the places of the events that a worker reads, if each of the workers reads its part.
#[cfg(any(feature = "peers", feature = "renoir"))]
pub(super) fn places(events: usize, worker: usize, workers: usize) -> impl Iterator<Item = usize> + 'static {
    let pieces = (worker * PIECE..events).step_by(workers * PIECE);
    pieces.flat_map(move |first| first..events.min(first + PIECE))
}

/// Returns the digest of rows.
fn digest<R: Hash>(rows: impl IntoIterator<Item = R>) -> Answer {
    let mut answer = Answer::default();
    rows.into_iter().for_each(|row| answer.add(&row));
    answer
}

fn merged(answers: Vec<Answer>) -> Answer {
    answers.into_iter().fold(Answer::default(), |mut all, answer| {
        all.merge(answer);
        all
    })
}

pub(super) fn q0<W: Workers>(events: &Arc<[Event]>) -> Answer {
    merged(W::folded(events, Answer::add))
}

pub(super) fn q1<W: Workers>(events: &Arc<[Event]>) -> Answer {
    merged(W::folded(events, |answer: &mut Answer, event| {
        if let Some(bid) = event.bid() {
            answer.add(&Bid { price: euros(bid.price), ..bid });
        }
    }))
}

pub(super) fn q2<W: Workers>(events: &Arc<[Event]>) -> Answer {
    merged(W::folded(events, |answer: &mut Answer, event| {
        if let Some(bid) = event.bid()
            && is_selected(bid.auction)
        {
            answer.add(&(bid.auction, bid.price));
        }
    }))
}

/// One side of a join, with what has come of the other side.
#[derive(Default)]
struct Joined<Q> {
    answer: Answer,
    persons: FxHashMap<Q, Arc<Person>>,
    auctions: FxHashMap<Q, Vec<Arc<Auction>>>,
}

impl<Q: Copy + Eq + Hash> Joined<Q> {
    fn add(&mut self, key: Q, event: Event, row: impl Fn(&mut Answer, &Person, &Auction)) {
        match event {
            Event::Person(person) => {
                for auction in self.auctions.get(&key).into_iter().flatten() {
                    row(&mut self.answer, &person, auction);
                }
                self.persons.insert(key, person);
            }
            Event::Auction(auction) => {
                if let Some(person) = self.persons.get(&key) {
                    row(&mut self.answer, person, &auction);
                }
                self.auctions.entry(key).or_default().push(auction);
            }
            Event::Bid(_) => {}
        }
    }
}

pub(super) fn q3<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let keep = |event: &Event| match event {
        Event::Person(person) if is_near(&person.state) => Some(event.clone()),
        Event::Auction(auction) if auction.category == 10 => Some(event.clone()),
        _ => None,
    };
    let key = |event: &Event| match event {
        Event::Auction(auction) => auction.seller,
        other => auction_of(other),
    };
    let fold = move |joined: &mut Joined<u64>, event| {
        joined.add(key(&event), event, |answer, person, auction| {
            answer.add(&(person.name.clone(), person.city.clone(), person.state.clone(), auction.id));
        });
    };
    merged(W::exchanged(events, keep, key, fold, |joined| joined.answer))
}

/// Returns the auctions that have ended with a bid, and the best bid in time.
fn sales<W: Workers>(events: &Arc<[Event]>) -> impl Iterator<Item = Sold> {
    let keep = |event: &Event| {
        let is_person = matches!(event, Event::Person(_));
        (!is_person).then(|| event.clone())
    };
    let fold = |sales: &mut FxHashMap<u64, Sale>, event| {
        sales.entry(auction_of(&event)).or_default().add(event);
    };
    let sold =
        |sales: FxHashMap<u64, Sale>| -> Vec<Sold> { sales.into_values().filter_map(Sale::sold).collect() };
    W::exchanged(events, keep, auction_of, fold, sold).into_iter().flatten()
}

pub(super) fn q4<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let sales = sales::<W>(events);
    let mut categories = BTreeMap::<u64, (u64, u64)>::new();
    for sold in sales {
        let (sum, count) = categories.entry(sold.category).or_default();
        (*sum, *count) = (*sum + sold.price, *count + 1);
    }
    let mut answer = Answer::default();
    for (category, (sum, count)) in categories {
        answer.add(&(category, sum / count));
    }
    answer
}

/// Returns the answer of q5, of the counts of all panes in their order.
pub(super) fn hot(counts: impl IntoIterator<Item = (i64, Counts)>) -> Answer {
    let (mut answer, mut panes) = (Answer::default(), Panes::default());
    for (start, counts) in counts {
        panes.add(start, counts).iter().for_each(|row| answer.add(row));
    }
    panes.before(i64::MAX).iter().for_each(|row| answer.add(row));
    answer
}

pub(super) fn q5<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let step = millis(STEP);
    let panes = W::folded(events, move |panes: &mut BTreeMap<i64, Counts>, event| {
        if let Some(bid) = event.bid() {
            let pane = panes.entry(bid.at.div_euclid(step) * step).or_default();
            *pane.entry(bid.auction).or_insert(0) += 1;
        }
    });
    let mut all = BTreeMap::<i64, Counts>::new();
    for (start, counts) in panes.into_iter().flatten() {
        add_counts(all.entry(start).or_default(), counts);
    }
    hot(all)
}

pub(super) fn q6<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let mut sales: Vec<Sold> = sales::<W>(events).collect();
    sales.sort_unstable_by_key(Sold::order);
    let (mut answer, mut sellers) = (Answer::default(), FxHashMap::<u64, LastSales>::default());
    for sale in sales {
        answer.add(&(sale.seller, sellers.entry(sale.seller).or_default().add(sale.price)));
    }
    answer
}

pub(super) fn q7<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let span = millis(SPAN);
    let windows = W::folded(events, move |windows: &mut BTreeMap<i64, Top>, event| {
        if let Some(bid) = event.bid() {
            windows.entry(bid.at.div_euclid(span) * span).or_default().add(bid);
        }
    });
    let mut all = BTreeMap::<i64, Top>::new();
    for (start, top) in windows.into_iter().flatten() {
        all.entry(start).or_default().merge(top);
    }
    let mut answer = Answer::default();
    for (start, top) in all {
        top.rows(start).for_each(|row| answer.add(&row));
    }
    answer
}

pub(super) fn q8<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let window = |at: i64| at.div_euclid(millis(SPAN));
    let keep = move |event: &Event| match event {
        Event::Person(person) => Some(((window(person.at), person.id), event.clone())),
        Event::Auction(auction) => Some(((window(auction.at), auction.seller), event.clone())),
        Event::Bid(_) => None,
    };
    let fold = |joined: &mut Joined<(i64, u64)>, (key, event)| {
        joined.add(key, event, |answer, person, auction| {
            answer.add(&(person.id, person.name.clone(), auction.reserve));
        });
    };
    merged(W::exchanged(events, keep, |(key, _)| key.1, fold, |joined| joined.answer))
}

/// A session: its first bid, its last one, and the number of bids.
#[derive(Clone, Copy)]
struct Session {
    start: i64,
    end: i64,
    bids: u64,
}

/// The sessions of a bidder in the order of their times. The bids come from two workers, so not in that order.
#[derive(Default)]
struct Visits(Vec<Session>);

impl Visits {
    fn add(&mut self, at: i64) {
        let gap = millis(SPAN);
        let mut all = Session { start: at, end: at, bids: 1 };
        // The sessions that the bid belongs to: two, if it closes the gap between them.
        let after = self.0.iter().rposition(|session| session.start - gap <= at).map_or(0, |last| last + 1);
        let first =
            self.0[..after].iter().rposition(|session| session.end + gap < at).map_or(0, |last| last + 1);
        if let [session] = &mut self.0[first..after] {
            session.start = session.start.min(at);
            session.end = session.end.max(at);
            session.bids += 1;
            return;
        }
        for session in self.0.drain(first..after) {
            all.start = all.start.min(session.start);
            all.end = all.end.max(session.end);
            all.bids += session.bids;
        }
        self.0.insert(first, all);
    }
}

pub(super) fn q11<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let keep = |event: &Event| event.bid().map(|bid| (bid.bidder, bid.at));
    let fold = |visits: &mut FxHashMap<u64, Visits>, (bidder, at)| visits.entry(bidder).or_default().add(at);
    let rows = |visits: FxHashMap<u64, Visits>| {
        digest(visits.into_iter().flat_map(|(bidder, visits)| {
            visits.0.into_iter().map(move |Session { start, end, bids }| (bidder, bids, start, end))
        }))
    };
    merged(W::exchanged(events, keep, |(bidder, _)| *bidder, fold, rows))
}

pub(super) fn q12<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let counts = W::folded(events, |counts: &mut Counts, event| {
        if let Some(bid) = event.bid() {
            *counts.entry(bid.bidder).or_insert(0) += 1;
        }
    });
    let mut all = Counts::default();
    for counts in counts {
        add_counts(&mut all, counts);
    }
    digest(all)
}

pub(super) fn q13<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let table: FxHashMap<u64, u64> = (0..TABLE).map(|key| (key, value_of(key))).collect();
    merged(W::folded(events, move |answer: &mut Answer, event| {
        if let Some(bid) = event.bid()
            && let Some(value) = table.get(&(bid.auction % TABLE))
        {
            answer.add(&(bid, *value));
        }
    }))
}

pub(super) fn q18<W: Workers>(events: &Arc<[Event]>) -> Answer {
    let fold = |last: &mut FxHashMap<(u64, u64), Bid>, bid: Bid| {
        let known = last.entry((bid.bidder, bid.auction)).or_insert(bid);
        if age(bid) > age(*known) {
            *known = bid;
        }
    };
    let rows = |last: FxHashMap<(u64, u64), Bid>| digest(last.into_values());
    merged(W::exchanged(events, Event::bid, |bid| (bid.bidder, bid.auction), fold, rows))
}
