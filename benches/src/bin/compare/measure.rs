//! How is it measured? Us, a peer, us, the peer, …, so that what the machine does meanwhile meets both.

use std::error::Error;

use benches::{
    runtime::runtime,
    workload::{Contender, Peer, Workload},
};
use tokio::runtime::Runtime;

use crate::{
    cli::Arguments,
    report,
    row::{Pair, Row},
};

/// Pairs of rounds a row; odd, so that the median is one of them.
const PAIRS: usize = 7;

/// Runs the workloads and reports every row, as it comes in the table, at the end in JSON.
pub(crate) fn measure(workloads: &[&Workload], arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    let mut report = report::Report::begin(arguments, PAIRS);
    for workload in workloads {
        for peer in &workload.peers {
            report.add(row(workload, peer, &runtime, arguments)?);
        }
    }
    report.end()?;
    Ok(())
}

fn row(
    workload: &Workload,
    peer: &Peer,
    runtime: &Runtime,
    arguments: &Arguments,
) -> Result<Row, Box<dyn Error>> {
    let sized = |contender: &Contender| contender.fit(runtime, arguments.budget(), workload.least);
    let (ours, theirs) = (sized(&workload.us)?, sized(&peer.contender)?);
    let figure = |contender: &Contender, size| -> Result<f64, Box<dyn Error>> {
        Ok(workload.unit.figure(size, contender.round(runtime, size)?))
    };
    let mut pairs = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let us = figure(&workload.us, ours)?;
        pairs.push(Pair { us, them: figure(&peer.contender, theirs)? });
    }
    Ok(Row::new(workload, peer, &pairs))
}
