//! Measurement in alternating rounds: this project, a peer, this project, the peer, …, so that other load
//! affects both.
//!
//! If a round cannot be short, all peers run after one round of this project: this project, a peer, the next,
//! … A peer beside itself, before and after the others, shows the noise.

use std::error::Error;

use crate::{
    runtime::runtime,
    workload::{Contender, Fit, Peer, Workload},
};
use tokio::runtime::Runtime;

use super::{
    cli::{Arguments, LEAST_PAIRS},
    report,
    row::{Pair, Row},
};

/// Runs the workloads and reports every row, in the table as it is measured, in JSON at the end.
pub(crate) fn measure(
    workloads: &[&Workload],
    arguments: &Arguments,
    program: &str,
) -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    let mut report = report::Report::begin(arguments, program);
    let measured = |workload| Measured { workload, runtime: &runtime, arguments };
    let control = workloads.iter().find(|workload| !workload.peers.is_empty()).copied().map(measured);
    if let Some(row) = control.as_ref().map(Measured::control).transpose()? {
        report.add(row);
    }
    for workload in workloads {
        let measured = measured(*workload);
        let ours = measured.fit(&workload.us)?;
        // Either all peers follow one round, or each peer is paired separately.
        let pairs = measured.pairs(ours);
        let together = if measured.is_long(ours) { workload.peers.len() } else { 1 };
        for peers in workload.peers.chunks(together.max(1)) {
            measured.rows(ours, peers, pairs)?.into_iter().for_each(|row| report.add(row));
        }
    }
    if let Some(row) = control.as_ref().map(Measured::control).transpose()? {
        report.add(row);
    }
    report.end(control.map(|control| control.workload))?;
    Ok(())
}

/// A workload with its measurements.
struct Measured<'a> {
    workload: &'a Workload,
    runtime: &'a Runtime,
    arguments: &'a Arguments,
}

impl Measured<'_> {
    /// Returns a row of the first peer beside itself.
    ///
    /// # Panics
    ///
    /// If the workload has no peer.
    fn control(&self) -> Result<Row, Box<dyn Error>> {
        let Peer { contender, .. } = &self.workload.peers[0];
        let fit = self.fit(contender)?;
        let figure = || self.figure(contender, fit);
        let pairs = (0..self.pairs(fit)).map(|_| Ok(Pair { us: figure()?, them: figure()? }));
        let pairs = pairs.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        Ok(Row::new(report::CONTROL, self.workload.unit, (contender.name, None), &pairs))
    }

    /// Returns whether a round takes longer than the budget.
    fn is_long(&self, fit: Fit) -> bool {
        fit.took > self.arguments.budget()
    }

    /// Returns the number of pairs of rounds.
    fn pairs(&self, fit: Fit) -> usize {
        if self.is_long(fit) { LEAST_PAIRS } else { self.arguments.pairs() }
    }

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
        let Workload { name, unit, .. } = self.workload;
        let row = |(peer, pairs): (&Peer, Vec<_>)| {
            Row::new(name, *unit, (peer.contender.name, peer.at_least), &pairs)
        };
        Ok(peers.iter().zip(pairs).map(row).collect())
    }

    fn fit(&self, contender: &Contender) -> Result<Fit, Box<dyn Error>> {
        contender.fit(self.runtime, self.arguments.budget(), self.workload.least)
    }

    fn figure(&self, contender: &Contender, fit: Fit) -> Result<f64, Box<dyn Error>> {
        Ok(self.workload.unit.figure(fit.size, contender.round(self.runtime, fit.size)?))
    }
}
