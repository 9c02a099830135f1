//! Renoir: the queries 0 to 8 after its own example `nexmark`, with this project's states and a digest of all rows.
//!
//! Its windows of event time begin with the first event of their key, where the queries need windows that begin at the same
//! times for all keys. So q5, q7 and q8 have the start of the window in the key, and no windows. In q6, the sales of a
//! seller are sorted.

use std::sync::Arc;

use renoir::{
    Stream,
    operator::{
        ExchangeData, Operator,
        window::{TransactionOp, TransactionWindow},
    },
    prelude::*,
};

use super::{
    Answer, Event,
    queries::{SPAN, STEP, auction_of, euros, is_local, is_selected},
    state::{Counts, LastSales, Sale, Sold, Top, add_counts, millis},
    workers::{hot, places},
};
use crate::{random::index, runtime::WORKERS};

/// Events of a batch, and events between two watermarks, as in the example.
const BATCH: usize = 16 << 10;
const WATERMARK: usize = 1 << 20;

fn context() -> StreamContext {
    StreamContext::new(RuntimeConfig::local(WORKERS as u64).expect("two threads are legal"))
}

/// Returns what `pick` takes of the events; each worker looks at its part of them.
fn picked<T, F>(
    context: &StreamContext,
    events: &Arc<[Event]>,
    pick: F,
) -> Stream<impl Operator<Out = T> + use<T, F>>
where
    T: Clone + Send + 'static,
    F: Fn(&Event) -> Option<T> + Clone + Send + 'static,
{
    let events = Arc::clone(events);
    let source = move |worker: u64, workers: u64| {
        let mine = places(events.len(), index(worker), index(workers));
        mine.filter_map(move |place| pick(&events[place]))
    };
    context.stream_par_iter(source).batch_mode(BatchMode::fixed(BATCH))
}

/// Runs the dataflow; returns the digest of the rows.
fn digest<R: std::hash::Hash + Send + Clone + 'static>(
    context: StreamContext,
    rows: Stream<impl Operator<Out = R> + 'static>,
) -> Answer {
    let answer = rows.fold_assoc(Answer::default(), |answer, row| answer.add(&row), Answer::merge);
    collected(context, answer).into_iter().next().unwrap_or_default()
}

/// Runs the dataflow; returns its results.
fn collected<R: ExchangeData>(
    context: StreamContext,
    results: Stream<impl Operator<Out = R> + 'static>,
) -> Vec<R> {
    let results = results.collect_vec();
    context.execute_blocking();
    results.get().unwrap_or_default()
}

pub(super) fn q0(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let rows = picked(&context, events, |event| Some(event.clone()));
    digest(context, rows)
}

pub(super) fn q1(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let bids = picked(&context, events, Event::bid);
    let rows = bids.map(|bid| super::Bid { price: euros(bid.price), ..bid });
    digest(context, rows)
}

pub(super) fn q2(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let bids = picked(&context, events, Event::bid);
    let rows = bids.filter(|bid| is_selected(bid.auction)).map(|bid| (bid.auction, bid.price));
    digest(context, rows)
}

/// Separates the persons from the auctions, by the routes of the example.
fn routed(
    listings: Stream<impl Operator<Out = Event> + 'static>,
) -> [Stream<impl Operator<Out = Event> + 'static>; 2] {
    let routes = listings
        .route()
        .add_route(|event| matches!(event, Event::Person(_)))
        .add_route(|event| matches!(event, Event::Auction(_)))
        .build();
    routes.try_into().unwrap_or_else(|_| unreachable!("there are two routes"))
}

pub(super) fn q3(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let listings = picked(&context, events, |event| is_local(event).then(|| event.clone()));
    let [persons, auctions] = routed(listings);
    let persons = persons.filter_map(Event::into_person);
    let auctions = auctions.filter_map(Event::into_auction).map(|auction| (auction.seller, auction.id));
    let persons =
        persons.map(|person| (person.id, person.name.clone(), person.city.clone(), person.state.clone()));
    let pairs = persons.join(auctions, |person| person.0, |auction| auction.0).drop_key();
    let rows = pairs.map(|((_, name, city, state), (_, auction))| (name, city, state, auction));
    digest(context, rows)
}

/// Returns the auctions that have ended with a bid, and the best bid in time.
fn sales(context: &StreamContext, events: &Arc<[Event]>) -> Stream<impl Operator<Out = Sold> + use<>> {
    let events = picked(context, events, |event| match event {
        Event::Person(_) => None,
        other => Some(other.clone()),
    });
    let mut count = 0;
    let watermark = move |_: &Event, at: &i64| {
        count = (count + 1) % WATERMARK;
        (count == 0).then_some(*at)
    };
    let ends = TransactionWindow::new(|event: &Event| match event {
        Event::Auction(auction) => TransactionOp::CommitAfter(auction.expires),
        _ => TransactionOp::Continue,
    });
    events
        .add_timestamps(Event::at, watermark)
        .group_by(auction_of)
        .window(ends)
        .fold(Sale::default(), |sale, event| {
            sale.add(event.clone());
        })
        .drop_key()
        .filter_map(Sale::sold)
}

pub(super) fn q4(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let sums = sales(&context, events).group_by_fold(
        |sale| sale.category,
        (0, 0),
        |(sum, count): &mut (u64, u64), sale| (*sum, *count) = (*sum + sale.price, *count + 1),
        |(sum, count), (more, others)| (*sum, *count) = (*sum + more, *count + others),
    );
    let rows = sums.unkey().map(|(category, (sum, count))| (category, sum / count));
    digest(context, rows)
}

pub(super) fn q5(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let step = millis(STEP);
    let bids = picked(&context, events, |event| event.bid().map(|bid| (bid.at, bid.auction)));
    let counts = bids.group_by_fold(
        move |(at, _)| at.div_euclid(step) * step,
        Counts::default(),
        |counts, (_, auction)| *counts.entry(auction).or_insert(0) += 1,
        add_counts,
    );
    let mut counts = collected(context, counts.unkey());
    counts.sort_unstable_by_key(|(start, _)| *start);
    hot(counts)
}

pub(super) fn q6(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let sellers = sales(&context, events).group_by_fold(
        |sale| sale.seller,
        Vec::new(),
        |sales, sale| sales.push((sale.order(), sale.price)),
        |sales, mut others| sales.append(&mut others),
    );
    let rows = sellers.unkey().flat_map(|(seller, mut sales)| {
        sales.sort_unstable();
        let mut last = LastSales::default();
        sales.into_iter().map(move |(_, price)| (seller, last.add(price)))
    });
    digest(context, rows)
}

pub(super) fn q7(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let span = millis(SPAN);
    let bids = picked(&context, events, Event::bid);
    let tops =
        bids.group_by_fold(move |bid| bid.at.div_euclid(span) * span, Top::default(), Top::add, Top::merge);
    let rows = tops.unkey().flat_map(|(start, top)| top.rows(start));
    digest(context, rows)
}

pub(super) fn q8(events: &Arc<[Event]>) -> Answer {
    let context = context();
    let window = |at: i64| at.div_euclid(millis(SPAN));
    let [persons, auctions] = routed(picked(&context, events, Event::listing));
    let persons = persons.filter_map(Event::into_person);
    let persons = persons.map(move |person| ((window(person.at), person.id), person.name.clone()));
    let auctions = auctions.filter_map(Event::into_auction);
    let auctions = auctions.map(move |auction| ((window(auction.at), auction.seller), auction.reserve));
    let pairs = persons.join(auctions, |person| person.0, |auction| auction.0).drop_key();
    let rows = pairs.map(|((key, name), (_, reserve))| (key.1, name, reserve));
    digest(context, rows)
}
