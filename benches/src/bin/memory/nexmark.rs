//! The peak of memory of each query of Nexmark over a number of events, and over a quarter of it.

use std::{error::Error, sync::Arc};

use benches::{
    nexmark::{Event, Generator, Query},
    runtime::runtime,
};
use stage_core::Tuning;

use crate::{apart, resident};

/// The queries whose state follows the input: q3 joins over all time, q6 keeps prices of each seller, q12 counts in
/// 10 s of the wall clock, in which a run may end, and q18 keeps a bid for each pair.
const GROWING: [&str; 4] = ["q3", "q6", "q12", "q18"];

/// Runs each query over `events` events and a quarter of them, or only one over `events`, in this process.
pub(crate) fn run(events: u64, only: Option<&str>) -> Result<(), Box<dyn Error>> {
    if let Some(name) = only {
        let query = Query::ALL.into_iter().find(|query| query.name == name);
        println!("{}", peak(&query.ok_or_else(|| format!("there is no query `{name}`"))?, events)?);
        return Ok(());
    }
    let few = events / 4;
    println!("| query | KiB, {few} events | KiB, {events} events |\n|---|---|---|");
    let mut grown = Vec::new();
    for Query { name, .. } in Query::ALL {
        let peak = |events: u64| {
            let arguments = ["nexmark", "--query", name, "--events", &events.to_string()];
            Ok::<u64, Box<dyn Error>>(apart::printed(&arguments)?.trim().parse()?)
        };
        let (early, late) = (peak(few)?, peak(events)?);
        println!("| {name} | {early} | {late} |");
        // What queues and allocators may add by chance.
        if !GROWING.contains(&name) && late > early + early / 10 + 8 * 1024 {
            grown.push(name);
        }
    }
    if grown.is_empty() { Ok(()) } else { Err(format!("memory grew: {}", grown.join(", ")).into()) }
}

/// Returns the most memory that the query takes beside its events, in KiB.
fn peak(query: &Query, events: u64) -> Result<u64, Box<dyn Error>> {
    let events: Arc<[Event]> = Generator::seeded(1).events(0..events).collect();
    let runtime = runtime()?;
    let before = resident::now()?;
    resident::forget_peak()?;
    query.by_flow(&events, Tuning::default(), &runtime)?;
    Ok(resident::peak()?.saturating_sub(before))
}
