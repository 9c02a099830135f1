//! The queries on one thread, by their definitions: the results that all others are compared with.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{
    Auction, Bid, Event,
    queries::{
        Hot, LAST_SALES, Local, Newcomer, SPAN, STEP, TABLE, Visit, age, euros, is_near, is_selected,
        value_of,
    },
    state::{is_in_time, millis},
};

fn bids(events: &[Event]) -> impl Iterator<Item = Bid> {
    events.iter().filter_map(Event::bid)
}

fn auctions(events: &[Event]) -> impl Iterator<Item = &Auction> {
    events
        .iter()
        .filter_map(|event| if let Event::Auction(auction) = event { Some(&**auction) } else { None })
}

/// All events.
pub fn q0(events: &[Event], each: impl FnMut(&Event)) {
    events.iter().for_each(each);
}

/// All bids, in euros.
pub fn q1(events: &[Event], each: impl FnMut(Bid)) {
    bids(events).map(|bid| Bid { price: euros(bid.price), ..bid }).for_each(each);
}

/// The bids for every 123rd auction.
pub fn q2(events: &[Event], each: impl FnMut((u64, u64))) {
    let selected = bids(events).filter(|bid| is_selected(bid.auction));
    selected.map(|bid| (bid.auction, bid.price)).for_each(each);
}

/// The sellers of three states with their auctions of category 10.
pub fn q3(events: &[Event], mut each: impl FnMut(Local)) {
    let mut persons = FxHashMap::default();
    for event in events {
        if let Event::Person(person) = event
            && is_near(&person.state)
        {
            persons.insert(person.id, person);
        }
    }
    for auction in auctions(events).filter(|auction| auction.category == 10) {
        if let Some(person) = persons.get(&auction.seller) {
            each((person.name.clone(), person.city.clone(), person.state.clone(), auction.id));
        }
    }
}

/// The sales, in the order of the auctions: the auction and the price.
fn sales(events: &[Event]) -> Vec<(&Auction, u64)> {
    let all: FxHashMap<u64, &Auction> = auctions(events).map(|auction| (auction.id, auction)).collect();
    let mut best = FxHashMap::<u64, u64>::default();
    for bid in bids(events) {
        if all.get(&bid.auction).is_some_and(|auction| is_in_time(auction, bid.at)) {
            let best = best.entry(bid.auction).or_insert(0);
            *best = bid.price.max(*best);
        }
    }
    auctions(events).filter_map(|auction| Some((auction, *best.get(&auction.id)?))).collect()
}

/// The average price of the sales of each category.
pub fn q4(events: &[Event], each: impl FnMut((u64, u64))) {
    let mut categories = BTreeMap::<u64, (u64, u64)>::new();
    for (auction, price) in sales(events) {
        let (sum, count) = categories.entry(auction.category).or_default();
        (*sum, *count) = (*sum + price, *count + 1);
    }
    categories.into_iter().map(|(category, (sum, count))| (category, sum / count)).for_each(each);
}

/// The auctions with the most bids in windows of 10 s every 2 s.
pub fn q5(events: &[Event], mut each: impl FnMut(Hot)) {
    let (span, step) = (millis(SPAN), millis(STEP));
    let mut windows = BTreeMap::<i64, FxHashMap<u64, u64>>::new();
    for bid in bids(events) {
        let last = bid.at.div_euclid(step) * step;
        for start in (0..span / step).map(|before| last - before * step) {
            *windows.entry(start).or_default().entry(bid.auction).or_insert(0) += 1;
        }
    }
    for (start, counts) in windows {
        let most = counts.values().copied().max().unwrap_or(0);
        let hot = counts.into_iter().filter(|(_, count)| *count == most);
        hot.for_each(|(auction, count)| each((start, auction, count)));
    }
}

/// The average price of the last ten sales of each seller, after each sale.
pub fn q6(events: &[Event], mut each: impl FnMut((u64, u64))) {
    let mut sales = sales(events);
    sales.sort_by_key(|(auction, _)| (auction.expires, auction.id));
    let mut sellers = FxHashMap::<u64, Vec<u64>>::default();
    for (auction, price) in sales {
        let prices = sellers.entry(auction.seller).or_default();
        prices.push(price);
        let last = &prices[prices.len().saturating_sub(LAST_SALES)..];
        each((auction.seller, last.iter().sum::<u64>() / last.len() as u64));
    }
}

/// The highest bids of each 10 s.
pub fn q7(events: &[Event], mut each: impl FnMut((i64, Bid))) {
    let span = millis(SPAN);
    let mut windows = BTreeMap::<i64, Vec<Bid>>::new();
    for bid in bids(events) {
        let top = windows.entry(bid.at.div_euclid(span) * span).or_default();
        let highest = top.first().map_or(0, |highest| highest.price);
        if bid.price > highest {
            top.clear();
        }
        if bid.price >= highest {
            top.push(bid);
        }
    }
    for (start, top) in windows {
        for bid in top {
            each((start, bid));
        }
    }
}

/// The persons who opened an auction in the 10 s in which they came.
pub fn q8(events: &[Event], mut each: impl FnMut(Newcomer)) {
    let span = millis(SPAN);
    let mut persons = FxHashMap::default();
    for event in events {
        if let Event::Person(person) = event {
            persons.insert((person.at.div_euclid(span), person.id), person);
        }
    }
    for auction in auctions(events) {
        if let Some(person) = persons.get(&(auction.at.div_euclid(span), auction.seller)) {
            each((person.id, person.name.clone(), auction.reserve));
        }
    }
}

/// The bids of each bidder in sessions that end after 10 s.
pub fn q11(events: &[Event], mut each: impl FnMut(Visit)) {
    let mut open = FxHashMap::<u64, (u64, i64, i64)>::default();
    for bid in bids(events) {
        let (count, start, end) = open.entry(bid.bidder).or_insert((0, bid.at, bid.at));
        if bid.at > *end + millis(SPAN) {
            each((bid.bidder, *count, *start, *end));
            (*count, *start) = (0, bid.at);
        }
        (*count, *end) = (*count + 1, bid.at);
    }
    for (bidder, (count, start, end)) in open {
        each((bidder, count, start, end));
    }
}

/// The bids of each bidder, all in the same window of the wall clock.
pub fn q12(events: &[Event], each: impl FnMut((u64, u64))) {
    let mut counts = FxHashMap::<u64, u64>::default();
    bids(events).for_each(|bid| *counts.entry(bid.bidder).or_insert(0) += 1);
    counts.into_iter().for_each(each);
}

/// All bids with a value from a table.
pub fn q13(events: &[Event], each: impl FnMut((Bid, u64))) {
    let table: FxHashMap<u64, u64> = (0..TABLE).map(|key| (key, value_of(key))).collect();
    bids(events).filter_map(|bid| Some((bid, *table.get(&(bid.auction % TABLE))?))).for_each(each);
}

/// The last bid of each bidder for each auction.
pub fn q18(events: &[Event], each: impl FnMut(Bid)) {
    let mut last = FxHashMap::<(u64, u64), Bid>::default();
    for bid in bids(events) {
        let known = last.entry((bid.bidder, bid.auction)).or_insert(bid);
        if age(bid) > age(*known) {
            *known = bid;
        }
    }
    last.into_values().for_each(each);
}

#[cfg(test)]
mod tests {
    use std::{fmt::Debug, sync::Arc};

    use flow::{Chain, Flow};
    use proptest::prelude::*;
    use stage_core::Tuning;

    use super::{
        super::{
            Generator,
            queries::{self, bids, local_listings, timed, timed_bids, timed_listings, untimed},
        },
        *,
    };

    /// Compares the rows of a flow with those of one thread, in any order.
    fn compare<R, C>(name: &str, rows: &Flow<C>, fill: impl FnOnce(&mut Vec<R>)) -> Result<(), TestCaseError>
    where
        R: Debug + Ord + Send + 'static,
        C: Chain<Out = R>,
    {
        let mut expected = Vec::new();
        fill(&mut expected);
        expected.sort_unstable();
        let mut given: Vec<R> = rows.collect_blocking().unwrap();
        given.sort_unstable();
        prop_assert_eq!(given, expected, "{}", name);
        Ok(())
    }

    macro_rules! compare {
        ($events:ident: $($name:ident of $timed:ident),*) => {
            $(compare(stringify!($name), &queries::$name($timed(&$events), Tuning::default()), |rows| {
                $name(&$events, |row| rows.push(row.to_owned()));
            })?;)*
        };
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_query_gives_the_rows_of_one_thread(
            seed in any::<u64>(),
            first in 0..1_000_000_u64,
            count in 0..4000_u64,
            // With a longer stride, few events are in many windows; with one, auctions have bids.
            stride in prop_oneof![Just(1_u64), Just(37), Just(1009)],
        ) {
            let numbers = (0..count).map(|number| first + number * stride);
            let events: Arc<[Event]> = numbers.map(|number| Generator::seeded(seed).event(number)).collect();
            compare!(
                events: q0 of untimed, q1 of bids, q2 of bids, q3 of local_listings, q4 of timed, q5 of timed_bids,
                q6 of timed, q7 of timed_bids, q8 of timed_listings, q11 of timed_bids, q12 of bids, q13 of bids, q18 of bids
            );
        }
    }
}
