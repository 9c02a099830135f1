//! Contenders of the query: this project, one thread, rayon, and hand-written threads; the rows are compared
//! with those of one thread.

use std::{
    cell::OnceCell,
    error::Error,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use super::{
    data::{Data, Row},
    hand_partitioned, rayon_chunks, single, us,
};
use crate::{
    catalogue::Scale,
    random::index,
    workload::{Contender, Peer, Unit, Workload, as_figure},
};

/// Minimum number of queries per round.
const LEAST: u64 = 20;

/// The data, made at first use, and the answer.
#[derive(Debug)]
struct Input {
    media: u64,
    made: OnceCell<(Data, Vec<Row>)>,
}

/// A contender's rows differ from those of one thread.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the rows differ from those of one thread")]
struct WrongRows;

impl Input {
    fn made(&self) -> &(Data, Vec<Row>) {
        self.made.get_or_init(|| {
            let data = Data::new(index(self.media));
            let rows = single::rows(&data);
            (data, rows)
        })
    }

    fn rounds(
        &self,
        times: u64,
        answer: impl Fn(&Data) -> Result<Vec<Row>, Box<dyn Error>>,
    ) -> Result<Duration, Box<dyn Error>> {
        let (data, expected) = self.made();
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let began = Instant::now();
            let rows = answer(data)?;
            took += began.elapsed();
            if rows != *expected {
                return Err(WrongRows.into());
            }
        }
        Ok(took)
    }
}

/// `usage`.
pub fn workload(scale: Scale) -> Workload {
    let media = match scale {
        Scale::Full => 5_000_000,
        Scale::Tenth => 500_000,
    };
    let input = Rc::new(Input { media, made: OnceCell::new() });
    let by = |name, answer: fn(&Data) -> Vec<Row>, at_least| {
        let input = Rc::clone(&input);
        let contender = Contender::new(name, move |_, times| input.rounds(times, |data| Ok(answer(data))));
        Peer { contender, at_least: Some(at_least) }
    };
    let peers = vec![
        by("rayon-chunks", rayon_chunks::rows, 1.1),
        by("hand-partitioned", hand_partitioned::rows, 0.85),
        by("single", single::rows, 0.85),
        #[cfg(feature = "renoir")]
        by("renoir", super::renoir::rows, 2.0),
    ];
    let us = Contender::new("us", move |runtime: &Runtime, times| {
        input.rounds(times, |data| Ok(runtime.block_on(us::rows(data))?))
    });
    Workload {
        name: "usage".to_owned(),
        unit: Unit::Rate("records/s", as_figure(media)),
        least: LEAST,
        us,
        peers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::runtime;

    #[test]
    fn every_contender_gives_the_same_rows() {
        let runtime = runtime().unwrap();
        let workload = workload(Scale::Tenth);
        workload.us.round(&runtime, 1).unwrap();
        for peer in &workload.peers {
            peer.contender.round(&runtime, 1).unwrap();
        }
    }

    #[test]
    fn the_data_are_those_that_figures_were_published_for() {
        let input = Input { media: 5_000_000, made: OnceCell::new() };
        let (_, rows) = input.made();
        let top = &rows[0];
        assert_eq!(
            (top.name.as_str(), top.usage.bytes, top.usage.files),
            ("Kuokro Dzbosiak", 2_066_473_444_018, 413_825)
        );
        assert_eq!(rows.iter().filter(|row| row.usage.files == 0).count(), 284);
    }
}
