//! Contenders of the queries: this project, one thread, hand-written threads, and the peers; the result of each is
//! compared with that of one thread.

use std::{
    cell::OnceCell,
    error::Error,
    hash::Hash,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use flow::{Chain, Flow, FlowError};
use stage_core::Tuning;
use tokio::runtime::Runtime;

#[cfg(feature = "renoir")]
use super::renoir;
use super::{
    Answer, Event, Generator,
    hand::Hand,
    queries::{self, bids, local_listings, timed, timed_bids, timed_listings, untimed},
    reference, workers,
};
use crate::{
    catalogue::Scale,
    workload::{Contender, Peer, Unit, Workload, as_figure},
};

/// Computes the answer of a query on one thread, or on its own.
type Answers = fn(&Arc<[Event]>) -> Answer;

/// Computes the answer of a query by a flow.
type ByFlow = fn(Arc<[Event]>, Tuning, &Runtime) -> Result<Answer, FlowError>;

/// A peer and its answers.
type Answering = (&'static str, Answers);

/// A query, and who answers it.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// The name, such as `q4`.
    pub name: &'static str,
    us: ByFlow,
    single: Answers,
    /// The peers.
    peers: &'static [Answering],
}

/// Runs a flow, and returns the digest of its results.
async fn digest<C: Chain<Out: Hash>>(rows: Flow<C>) -> Result<Answer, FlowError> {
    let parts = rows.reduce(Answer::default, |answer, row| answer.add(&row)).emit_state();
    let merged = |mut all: Answer, part| {
        all.merge(part);
        all
    };
    parts.fold(Answer::default(), merged).await
}

macro_rules! query {
    ($name:ident, $events:ident $(, $renoir:path)?) => {
        Query {
            name: stringify!($name),
            us: |events, demand, runtime| runtime.block_on(digest(queries::$name($events(&events), demand))),
            single: |events| {
                let mut answer = Answer::default();
                reference::$name(events, |row| answer.add(&row));
                answer
            },
            peers: &[
                ("hand", workers::$name::<Hand>),
                #[cfg(feature = "peers")]
                ("timely", workers::$name::<super::timely::Timely>),
                $(
                    #[cfg(feature = "renoir")]
                    ("renoir", $renoir),
                )?
            ],
        }
    };
}

impl Query {
    /// All queries, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        query!(q0, untimed, renoir::q0),
        query!(q1, bids, renoir::q1),
        query!(q2, bids, renoir::q2),
        query!(q3, local_listings, renoir::q3),
        query!(q4, timed, renoir::q4),
        query!(q5, timed_bids, renoir::q5),
        query!(q6, timed, renoir::q6),
        query!(q7, timed_bids, renoir::q7),
        query!(q8, timed_listings, renoir::q8),
        query!(q11, timed_bids),
        query!(q12, bids),
        query!(q13, bids),
        query!(q18, bids),
    ];

    /// Answers the query by a flow whose layers have windows of demand of this kind.
    ///
    /// # Errors
    ///
    /// If the flow fails.
    pub fn by_flow(
        &self,
        events: &Arc<[Event]>,
        demand: Tuning,
        runtime: &Runtime,
    ) -> Result<Answer, FlowError> {
        (self.us)(Arc::clone(events), demand, runtime)
    }

    /// Answers the query by the contender of this name, other than a flow: `single`, or a peer. `None` if the query has
    /// no such contender.
    pub fn by_peer(&self, name: &str, events: &Arc<[Event]>) -> Option<Answer> {
        if name == "single" {
            return Some((self.single)(events));
        }
        let (_, answers) = self.peers.iter().find(|(peer, _)| *peer == name)?;
        Some(answers(events))
    }
}

/// A contender's answer differs from that of one thread.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer is {0:?}, and {1:?} on one thread")]
struct WrongAnswer(Answer, Answer);

/// The events, made at first use.
#[derive(Debug)]
struct Input {
    count: u64,
    events: OnceCell<Arc<[Event]>>,
}

impl Input {
    fn events(&self) -> &Arc<[Event]> {
        self.events.get_or_init(|| Generator::seeded(1).events(0..self.count).collect())
    }
}

/// The input of a query and its answer.
#[derive(Debug)]
struct Asked {
    query: Query,
    input: Rc<Input>,
    expected: OnceCell<Answer>,
}

impl Asked {
    fn rounds(
        &self,
        times: u64,
        answer: impl Fn(&Arc<[Event]>) -> Result<Answer, Box<dyn Error>>,
    ) -> Result<Duration, Box<dyn Error>> {
        let events = self.input.events();
        let expected = *self.expected.get_or_init(|| (self.query.single)(events));
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let began = Instant::now();
            let answer = answer(events)?;
            took += began.elapsed();
            if answer != expected {
                return Err(WrongAnswer(answer, expected).into());
            }
        }
        Ok(took)
    }
}

/// Returns `nexmark/q0` to `nexmark/q18`.
pub fn workloads(scale: Scale) -> Vec<Workload> {
    let count = match scale {
        Scale::Full => 1_000_000,
        Scale::Tenth => 100_000,
    };
    workloads_of(count)
}

fn workloads_of(count: u64) -> Vec<Workload> {
    let input = Rc::new(Input { count, events: OnceCell::new() });
    Query::ALL.into_iter().map(|query| workload(query, &input)).collect()
}

fn workload(query: Query, input: &Rc<Input>) -> Workload {
    let asked = Rc::new(Asked { query, input: Rc::clone(input), expected: OnceCell::new() });
    let peer = |(name, answers): Answering| {
        let asked = Rc::clone(&asked);
        let contender =
            Contender::new(name, move |_, times| asked.rounds(times, |events| Ok(answers(events))));
        Peer { contender, at_least: None }
    };
    let single = [("single", query.single)];
    let peers = single.into_iter().chain(query.peers.iter().copied()).map(peer).collect();
    let us = Contender::new("us", move |runtime: &Runtime, times| {
        asked.rounds(times, |events| Ok(query.by_flow(events, Tuning::default(), runtime)?))
    });
    Workload {
        name: format!("nexmark/{}", query.name),
        unit: Unit::Rate("events/s", as_figure(input.count)),
        least: 1,
        us,
        peers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::runtime;

    #[test]
    fn every_contender_gives_the_answer_of_one_thread() {
        let runtime = runtime().unwrap();
        // Less than a piece, a few pieces, and enough for several windows.
        for count in [0, 1, 49, 5000, 120_000] {
            for workload in workloads_of(count) {
                workload.us.round(&runtime, 1).unwrap();
                for peer in &workload.peers {
                    peer.contender.round(&runtime, 1).unwrap();
                }
            }
        }
    }
}
