//! The queries as flows, with the windows of demand that the caller chooses. The events of those with windows or
//! deadlines carry their times: see [`timed`].

use std::{sync::Arc, time::Duration};

use flow::{
    Chain, Flow, Origin, Sessions, Window, WindowId,
    join::Inner,
    time::{Timed, Untimed},
};
use rustc_hash::FxHashMap;
use stage_core::Tuning;

pub use super::state::{Hot, Sold};
use super::{
    Bid, Event,
    state::{Counts, LastSales, Panes, Sale, Top, add_counts},
};

/// The length of the windows of q5, q7, q8 and q12, and the gap that ends the sessions of q11.
pub const SPAN: Duration = Duration::from_secs(10);
/// The time between the starts of the windows of q5.
pub const STEP: Duration = Duration::from_secs(2);
/// The number of sales of a seller that q6 averages.
pub const LAST_SALES: usize = 10;
/// The number of rows of the table of q13.
pub const TABLE: u64 = 10_000;

/// The name, city and state of a seller, and an auction.
pub type Local = (String, String, String, u64);
/// A person, its name, and the reserve of an auction of it.
pub type Newcomer = (u64, String, u64);
/// A bidder, and the number of its bids in a session from its start to its end.
pub type Visit = (u64, u64, i64, i64);

/// Returns the events of a slice.
pub fn untimed(
    events: &Arc<[Event]>,
) -> Flow<impl Chain<Out = Event, Origin: Origin<Time = Untimed>> + use<>> {
    Flow::from_slice(Arc::clone(events))
}

/// Returns the events of a slice with their times.
pub fn timed(events: &Arc<[Event]>) -> Flow<impl Chain<Out = Event, Origin: Origin<Time = Timed>> + use<>> {
    Flow::from_slice(Arc::clone(events)).event_time(Event::at, Duration::MAX)
}

/// Returns the bids of a slice.
pub fn bids(events: &Arc<[Event]>) -> Flow<impl Chain<Out = Bid, Origin: Origin<Time = Untimed>> + use<>> {
    picked(events, Event::bid)
}

/// Returns the bids of a slice with their times.
pub fn timed_bids(
    events: &Arc<[Event]>,
) -> Flow<impl Chain<Out = Bid, Origin: Origin<Time = Timed>> + use<>> {
    timed_picked(events, Event::bid)
}

/// Returns what q3 joins of a slice: the persons of three states, and the auctions of category 10.
pub fn local_listings(
    events: &Arc<[Event]>,
) -> Flow<impl Chain<Out = Event, Origin: Origin<Time = Untimed>> + use<>> {
    picked(events, |event| is_local(event).then(|| event.clone()))
}

/// Returns the persons and auctions of a slice with their times.
pub fn timed_listings(
    events: &Arc<[Event]>,
) -> Flow<impl Chain<Out = Event, Origin: Origin<Time = Timed>> + use<>> {
    timed_picked(events, Event::listing)
}

/// Returns what `pick` takes of a slice. The other events are not cloned.
fn picked<T: Send + 'static, F: Fn(&Event) -> Option<T> + Send + Sync + 'static>(
    events: &Arc<[Event]>,
    pick: F,
) -> Flow<impl Chain<Out = T, Origin: Origin<Time = Untimed>> + use<T, F>> {
    Flow::from_slice_with(Arc::clone(events), pick).filter_map(|event| event)
}

/// Returns what `pick` takes of a slice, with the times. The times of the other events count for the watermark.
fn timed_picked<T: Send + 'static, F: Fn(&Event) -> Option<T> + Send + Sync + 'static>(
    events: &Arc<[Event]>,
    pick: F,
) -> Flow<impl Chain<Out = T, Origin: Origin<Time = Timed>> + use<T, F>> {
    Flow::from_slice_with(Arc::clone(events), move |event: &Event| (event.at(), pick(event)))
        .event_time(|(at, _)| *at, Duration::MAX)
        .filter_map(|(_, event)| event)
}

/// Passes all events on.
pub fn q0(events: Flow<impl Chain<Out = Event>>, demand: Tuning) -> Flow<impl Chain<Out = Event>> {
    events.demand(demand)
}

/// Converts the prices of all bids to euros.
pub fn q1(bids: Flow<impl Chain<Out = Bid>>, demand: Tuning) -> Flow<impl Chain<Out = Bid>> {
    bids.demand(demand).map(|bid| Bid { price: euros(bid.price), ..bid })
}

/// Selects the bids for every 123rd auction: the auction and the price.
pub fn q2(bids: Flow<impl Chain<Out = Bid>>, demand: Tuning) -> Flow<impl Chain<Out = (u64, u64)>> {
    bids.demand(demand).filter_map(|bid| is_selected(bid.auction).then_some((bid.auction, bid.price)))
}

/// Joins the sellers of three states with their auctions of category 10. Its input must hold only these.
pub fn q3(
    listings: Flow<impl Chain<Out = Event, Origin: Origin<Time = Untimed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = Local>> {
    let listings = listings.share().demand(demand);
    let sellers = listings.clone().filter_map(Event::into_person);
    let auctions = listings.filter_map(Event::into_auction);
    let pairs = sellers.bounded_join(Inner, auctions, |person| person.id, |auction| auction.seller);
    pairs
        .demand(demand)
        .map(|(person, auction)| (person.name.clone(), person.city.clone(), person.state.clone(), auction.id))
}

/// Finds the average price of the sales in each category.
pub fn q4(
    events: Flow<impl Chain<Out = Event, Origin: Origin<Time = Timed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = (u64, u64)>> {
    let sums = sales(events, demand).demand(demand).combine_by(
        |sale| sale.category,
        || (0, 0),
        |(sum, count), sale| (*sum, *count) = (*sum + sale.price, *count + 1),
        |(sum, count), (more, others)| (*sum, *count) = (*sum + more, *count + others),
    );
    sums.demand(demand).map(|(category, (sum, count)): (u64, (u64, u64))| (category, sum / count))
}

/// Finds the auctions with the most bids, in windows of 10 s every 2 s.
///
/// A bid is counted once, in a pane of 2 s, and not in each of the five windows that contain it.
pub fn q5(
    bids: Flow<impl Chain<Out = Bid, Origin: Origin<Time = Timed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = Hot>> {
    bids.window(Window::fixed(STEP))
        .reduce(Counts::default, |counts, bid| *counts.entry(bid.auction).or_insert(0) += 1)
        .departition(Counts::default, add_counts, |counts, window| (start(window), counts))
        .demand(demand)
        .emit_and_reduce(Panes::default, |panes, (start, counts)| panes.add(start, counts))
        .on_trigger(|mut panes, _| (panes.before(i64::MAX), panes))
}

/// Finds the average price of the last ten sales of each seller, after each sale.
pub fn q6(
    events: Flow<impl Chain<Out = Event, Origin: Origin<Time = Timed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = (u64, u64)>> {
    // The sales of a seller come from several stages: a window puts them in the order of their times.
    sales(events, demand)
        .partition(|sale| sale.seller)
        .demand(demand)
        .window(Window::fixed(Duration::from_secs(1)))
        .reduce(Vec::new, Vec::push)
        .on_trigger(|mut sales: Vec<Sold>, _| {
            sales.sort_unstable_by_key(Sold::order);
            (sales, Vec::new())
        })
        .partition(|sale| sale.seller)
        .demand(demand)
        .emit_and_reduce(FxHashMap::<u64, LastSales>::default, |sellers, sale| {
            Some((sale.seller, sellers.entry(sale.seller).or_default().add(sale.price)))
        })
        .emit_nothing()
}

/// Finds the highest bids of each 10 s.
pub fn q7(
    bids: Flow<impl Chain<Out = Bid, Origin: Origin<Time = Timed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = (i64, Bid)>> {
    bids.window(Window::fixed(SPAN))
        .reduce(Top::default, Top::add)
        .departition(Top::default, Top::merge, |top, window| top.rows(start(window)))
        .demand(demand)
        .flat_map(|rows| rows)
}

/// Finds the persons who opened an auction in the 10 s in which they came.
pub fn q8(
    listings: Flow<impl Chain<Out = Event, Origin: Origin<Time = Timed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = Newcomer>> {
    let listings = listings.share().demand(demand);
    let persons = listings.clone().filter_map(Event::into_person);
    let auctions = listings.filter_map(Event::into_auction);
    let window = Window::fixed(SPAN);
    let pairs = persons.window_join(Inner, window, auctions, |person| person.id, |auction| auction.seller);
    pairs.demand(demand).map(|(person, auction)| (person.id, person.name.clone(), auction.reserve))
}

/// Counts the bids of each bidder, in sessions that end after 10 s without a bid.
pub fn q11(
    bids: Flow<impl Chain<Out = Bid, Origin: Origin<Time = Timed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = Visit>> {
    bids.map(|bid| bid.bidder)
        .partition(|bidder| *bidder)
        .demand(demand)
        .sessions(
            Sessions::new(SPAN),
            |bidder| *bidder,
            || 0,
            |count, _| *count += 1,
            |count, others| *count += others,
        )
        .map(|session| (session.key, session.value, session.start, session.end))
}

/// Counts the bids of each bidder in each 10 s of the wall clock.
pub fn q12(bids: Flow<impl Chain<Out = Bid>>, demand: Tuning) -> Flow<impl Chain<Out = (u64, u64)>> {
    bids.map(|bid| bid.bidder)
        .partition(|bidder| *bidder)
        .demand(demand)
        .window(Window::periodic(SPAN))
        .reduce(Counts::default, |counts, bidder| *counts.entry(bidder).or_insert(0) += 1)
        .emit()
}

/// Adds a value from a table to each bid.
pub fn q13(
    bids: Flow<impl Chain<Out = Bid, Origin: Origin<Time = Untimed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = (Bid, u64)>> {
    let table = Flow::from_items(0..TABLE).map(|key| (key, value_of(key)));
    let found = bids.lookup_join(Inner, table, |bid| bid.auction % TABLE, |row| row.0);
    found.demand(demand).map(|(bid, (_, value))| (bid, value))
}

/// Finds the last bid of each bidder for each auction.
pub fn q18(bids: Flow<impl Chain<Out = Bid>>, demand: Tuning) -> Flow<impl Chain<Out = Bid>> {
    let last = bids.demand(demand).combine_by(
        |bid| (bid.bidder, bid.auction),
        || None,
        |last, bid| *last = (*last).max(Some(age(bid))),
        |last, other| *last = (*last).max(other),
    );
    last.demand(demand).filter_map(|((bidder, auction), last): (_, Option<(i64, u64)>)| {
        last.map(|(at, price)| Bid { auction, bidder, price, at })
    })
}

/// Returns the auctions that have ended with a bid, and the best bid in time.
fn sales(
    events: Flow<impl Chain<Out = Event, Origin: Origin<Time = Timed>>>,
    demand: Tuning,
) -> Flow<impl Chain<Out = Sold, Origin: Origin<Item = (u64, Sale), Time = Timed>>> {
    events
        .filter(|event| !matches!(event, Event::Person(_)))
        .partition(auction_of)
        .demand(demand)
        .deadlines(auction_of, Sale::default, Sale::add)
        .filter_map(|(_, sale)| sale.sold())
}

/// Returns the auction that an event is about.
pub(super) fn auction_of(event: &Event) -> u64 {
    match event {
        Event::Person(person) => person.id,
        Event::Auction(auction) => auction.id,
        Event::Bid(bid) => bid.auction,
    }
}

/// Converts a price to euros.
pub(super) const fn euros(dollars: u64) -> u64 {
    dollars * 908 / 1000
}

/// Returns whether q2 selects the bids for an auction.
pub(super) const fn is_selected(auction: u64) -> bool {
    auction.is_multiple_of(123)
}

/// Returns whether q3 joins an event: a person of one of three states, or an auction of category 10.
pub(super) fn is_local(event: &Event) -> bool {
    match event {
        Event::Person(person) => is_near(&person.state),
        Event::Auction(auction) => auction.category == 10,
        Event::Bid(_) => false,
    }
}

/// Returns whether q3 selects the sellers of a state.
pub(super) fn is_near(state: &str) -> bool {
    matches!(state, "OR" | "ID" | "CA")
}

/// Returns the value of a key in the table of q13.
pub(super) const fn value_of(key: u64) -> u64 {
    key * 31 % 1009
}

/// Orders the bids of one bidder for one auction.
pub(super) const fn age(bid: Bid) -> (i64, u64) {
    (bid.at, bid.price)
}

fn start(window: WindowId) -> i64 {
    match window {
        WindowId::Fixed(start) => start,
        other => unreachable!("the windows are fixed: {other:?}"),
    }
}
