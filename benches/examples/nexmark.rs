//! Answers a query of Nexmark a number of times, for a profiler that counts instructions. The generation of the events
//! and the start of the process are in each count, so subtract that of one round from that of several.
//!
//! `cargo build --release -p benches --example nexmark`
//! `valgrind --tool=callgrind target/release/examples/nexmark q8 fixed 1000000 3`
//!
//! `us` is a flow as users have it. Its windows of demand hold the events of a millisecond, so they are small under a
//! profiler, where all takes long. Those of `fixed` do not depend on time: compare its counts only.

use std::{env, error::Error, sync::Arc};

use benches::{
    nexmark::{Event, Generator, Query},
    runtime::runtime,
};
use stage_core::Tuning;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [query, contender, events, rounds] = arguments.as_slice() else {
        return Err("usage: nexmark QUERY us|fixed|single|hand EVENTS ROUNDS".into());
    };
    let query = Query::ALL.into_iter().find(|known| known.name == query).ok_or("there is no such query")?;
    let events: Arc<[Event]> = Generator::seeded(1).events(0..events.parse()?).collect();
    let runtime = runtime()?;
    for _ in 0..rounds.parse()? {
        let answer = match contender.as_str() {
            "us" => query.by_flow(&events, Tuning::Auto, &runtime)?,
            "fixed" => query.by_flow(&events, Tuning::Fixed, &runtime)?,
            peer => query.by_peer(peer, &events).ok_or("the query has no such contender")?,
        };
        println!("{answer:?}");
    }
    Ok(())
}
