//! The states of the queries: an auction with its bids, the highest bids, the counts of panes, the last sales.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{
    Auction, Bid, Event,
    queries::{LAST_SALES, SPAN, STEP},
};

/// The start of a window, an auction, and its number of bids.
pub type Hot = (i64, u64, u64);

/// The number of bids of each auction.
pub(super) type Counts = FxHashMap<u64, u64>;

/// Adds the counts of another part.
pub(super) fn add_counts(counts: &mut Counts, mut others: Counts) {
    if counts.len() < others.len() {
        std::mem::swap(counts, &mut others);
    }
    for (auction, count) in others {
        *counts.entry(auction).or_insert(0) += count;
    }
}

/// An auction that has ended with a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the fields say it")]
pub struct Sold {
    pub auction: u64,
    pub seller: u64,
    pub category: u64,
    pub expires: i64,
    pub price: u64,
}

impl Sold {
    /// Orders the sales of a seller.
    pub const fn order(&self) -> (i64, u64) {
        (self.expires, self.auction)
    }
}

/// An auction and its best bid, in any order of their arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct Sale {
    auction: Option<Arc<Auction>>,
    best: Option<u64>,
    /// Bids that came before the auction did: their times and prices.
    early: Vec<(i64, u64)>,
    /// The time after the last of them.
    early_until: i64,
}

impl Sale {
    /// Adds an event; returns the time by which the auction, or one for the early bids, must have come.
    pub(super) fn add(&mut self, event: Event) -> i64 {
        match (event, &self.auction) {
            (Event::Bid(bid), Some(auction)) => {
                if is_in_time(auction, bid.at) {
                    self.best = self.best.max(Some(bid.price));
                }
                auction.expires + 1
            }
            (Event::Bid(bid), None) => {
                self.early.push((bid.at, bid.price));
                self.early_until = self.early_until.max(bid.at + 1);
                self.early_until
            }
            (Event::Auction(auction), _) => {
                let bids = self.early.drain(..).filter(|(at, _)| is_in_time(&auction, *at));
                self.best = bids.map(|(_, price)| price).max();
                let deadline = auction.expires + 1;
                self.auction = Some(auction);
                deadline
            }
            (Event::Person(person), _) => person.at,
        }
    }

    /// Returns the sale, if the auction has a bid.
    pub(super) fn sold(self) -> Option<Sold> {
        let (Auction { id, seller, category, expires, .. }, price) = (&*self.auction?, self.best?);
        Some(Sold { auction: *id, seller: *seller, category: *category, expires: *expires, price })
    }
}

/// Returns whether a bid of this time counts for an auction.
pub(super) fn is_in_time(auction: &Auction, at: i64) -> bool {
    (auction.at..=auction.expires).contains(&at)
}

/// The highest bids of a window: several, if they have the same price.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Top {
    bids: Vec<Bid>,
}

impl Top {
    pub(super) fn add(&mut self, bid: Bid) {
        let highest = self.bids.first().map_or(0, |highest| highest.price);
        if bid.price > highest {
            self.bids.clear();
        }
        if bid.price >= highest {
            self.bids.push(bid);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        other.bids.into_iter().for_each(|bid| self.add(bid));
    }

    pub(super) fn rows(self, start: i64) -> impl Iterator<Item = (i64, Bid)> + Send {
        self.bids.into_iter().map(move |bid| (start, bid))
    }
}

/// The counts of consecutive panes of q5, and their sum: those of the next window.
#[derive(Clone, Debug, Default)]
pub(super) struct Panes {
    kept: VecDeque<(i64, Counts)>,
    sum: Counts,
    /// The end of the next window.
    end: i64,
}

impl Panes {
    /// Adds the pane that starts at `start`, after all earlier ones; returns the rows of the windows before it.
    pub(super) fn add(&mut self, start: i64, counts: Counts) -> Vec<Hot> {
        let rows = self.before(start);
        if self.kept.is_empty() {
            self.end = start + millis(STEP);
        }
        for (auction, count) in &counts {
            *self.sum.entry(*auction).or_insert(0) += count;
        }
        self.kept.push_back((start, counts));
        rows
    }

    /// Returns the rows of the windows that end by `time`.
    pub(super) fn before(&mut self, time: i64) -> Vec<Hot> {
        let mut rows = Vec::new();
        while !self.kept.is_empty() && self.end <= time {
            let start = self.end - millis(SPAN);
            let most = self.sum.values().copied().max().unwrap_or(0);
            let hot = self.sum.iter().filter(|(_, count)| **count == most);
            rows.extend(hot.map(|(auction, count)| (start, *auction, *count)));
            while let Some((_, counts)) = self.kept.pop_front_if(|(first, _)| *first <= start) {
                self.subtract(counts);
            }
            self.end += millis(STEP);
        }
        rows
    }

    fn subtract(&mut self, counts: Counts) {
        for (auction, count) in counts {
            if let Some(sum) = self.sum.get_mut(&auction) {
                *sum -= count;
                if *sum == 0 {
                    self.sum.remove(&auction);
                }
            }
        }
    }
}

/// The prices of the last sales of a seller.
#[derive(Clone, Debug, Default)]
pub(super) struct LastSales {
    prices: VecDeque<u64>,
}

impl LastSales {
    /// Adds a sale; returns the average price of the last ones.
    pub(super) fn add(&mut self, price: u64) -> u64 {
        if self.prices.len() == LAST_SALES {
            self.prices.pop_front();
        }
        self.prices.push_back(price);
        self.prices.iter().sum::<u64>() / self.prices.len() as u64
    }
}

pub(super) fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).expect("the windows are short")
}
