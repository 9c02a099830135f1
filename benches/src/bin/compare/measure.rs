//! Measurement in alternating rounds: this project, a peer, this project, the peer, …, so that other load
//! affects both.
//!
//! If a round cannot be short, all peers run after one round of this project: this project, a peer, the next,
//! …

use std::error::Error;

use benches::{
    runtime::runtime,
    workload::{Contender, Fit, Peer, Workload},
};
use tokio::runtime::Runtime;

use crate::{
    cli::{Arguments, LEAST_PAIRS},
    report,
    row::{Pair, Row},
};

/// Runs the workloads and reports every row, in the table as it is measured, in JSON at the end.
pub(crate) fn measure(workloads: &[&Workload], arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    let mut report = report::Report::begin(arguments);
    for workload in workloads {
        let measured = Measured { workload, runtime: &runtime, arguments };
        let ours = measured.fit(&workload.us)?;
        // Either all peers follow one round, or each peer is paired separately.
        let long = ours.took > arguments.budget();
        let (together, pairs) =
            if long { (workload.peers.len(), LEAST_PAIRS) } else { (1, arguments.pairs()) };
        for peers in workload.peers.chunks(together.max(1)) {
            measured.rows(ours, peers, pairs)?.into_iter().for_each(|row| report.add(row));
        }
    }
    report.end()?;
    Ok(())
}

/// A workload with its measurements.
struct Measured<'a> {
    workload: &'a Workload,
    runtime: &'a Runtime,
    arguments: &'a Arguments,
}

impl Measured<'_> {
    /// Returns a row for each of the peers, from alternating rounds.
    fn rows(&self, ours: Fit, peers: &[Peer], count: usize) -> Result<Vec<Row>, Box<dyn Error>> {
        let theirs = peers.iter().map(|peer| self.fit(&peer.contender)).collect::<Result<Vec<_>, _>>()?;
        let mut pairs: Vec<_> = peers.iter().map(|_| Vec::with_capacity(count)).collect();
        for _ in 0..count {
            let us = self.figure(&self.workload.us, ours)?;
            for ((peer, fit), pairs) in peers.iter().zip(&theirs).zip(&mut pairs) {
                pairs.push(Pair { us, them: self.figure(&peer.contender, *fit)? });
            }
        }
        Ok(peers.iter().zip(pairs).map(|(peer, pairs)| Row::new(self.workload, peer, &pairs)).collect())
    }

    fn fit(&self, contender: &Contender) -> Result<Fit, Box<dyn Error>> {
        contender.fit(self.runtime, self.arguments.budget(), self.workload.least)
    }

    fn figure(&self, contender: &Contender, fit: Fit) -> Result<f64, Box<dyn Error>> {
        Ok(self.workload.unit.figure(fit.size, contender.round(self.runtime, fit.size)?))
    }
}
