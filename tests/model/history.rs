//! A random history: the actions on a topology while it runs.

use stage_core::spawn::DemandMode;
use stage_core::testing::{settle, turn};
use stage_core::{Demand, ExitReason, Window};

use super::random::Random;
use super::stages::Order;
use super::topology::{Address, Topology, window};

/// Performs random actions, releases everything in the end, and waits until nothing moves; returns the
/// actions.
pub(crate) async fn play(topology: &mut Topology, random: &mut Random) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..random.between(5, 40) {
        let did = match random.between(0, 19) {
            0..6 => emit(topology, random),
            6..9 => ask(topology, random),
            9..11 => {
                let to = random.between(0, topology.nodes.len() - 1);
                topology.subscribe(to, random).await
            }
            11..15 => change(topology, random),
            15 => Some(set_mode(topology, random)),
            16 if random.one_in(2) => end(topology, random).await,
            _ => {
                settle().await;
                Some("settle".to_owned())
            }
        };
        told.extend(did);
        for _ in 0..random.between(0, 3) {
            turn().await;
        }
    }
    for link in &topology.links {
        link.subscription.resume();
    }
    for node in &topology.nodes {
        node.address.set_demand_mode(DemandMode::Forward);
    }
    settle().await;
    told
}

fn emit(topology: &Topology, random: &mut Random) -> Option<String> {
    let stage = random.between(0, topology.nodes.len() - 1);
    let events = random.between(1, 30);
    match &topology.nodes[stage].address {
        Address::Sink(..) => return None,
        emits @ (Address::Source(_) | Address::Step(_)) => emits.order(Order::Emit(events)),
    }
    Some(format!("{stage} emits {events}"))
}

fn ask(topology: &mut Topology, random: &mut Random) -> Option<String> {
    let number = random.between(0, topology.links.len().checked_sub(1)?);
    let events = random.between(1, 20);
    let link = &mut topology.links[number];
    link.asked += events;
    link.subscription.ask(Demand::new(events)?);
    Some(format!("link {number} asks for {events}"))
}

fn change(topology: &mut Topology, random: &mut Random) -> Option<String> {
    let number = random.between(0, topology.links.len().checked_sub(1)?);
    let link = &mut topology.links[number];
    let what = match random.between(0, 7) {
        0 | 1 => {
            link.subscription.pause();
            "pauses"
        }
        2 | 3 => {
            link.subscription.resume();
            "resumes"
        }
        4 => {
            link.subscription.detach();
            link.detached = true;
            "detaches"
        }
        5 => {
            let reason =
                if random.one_in(2) { ExitReason::Normal } else { ExitReason::Custom("enough".into()) };
            link.subscription.cancel(reason);
            link.cancelled = true;
            "is cancelled"
        }
        _ => {
            let (max, min) = window(random);
            link.subscription.set_window(Window::new(max, min).ok()?);
            if let Some(chunk) = &mut link.chunk {
                link.window = link.window.max(max);
                *chunk = (*chunk).max(max - min);
            }
            return Some(format!("link {number} has the window {max}/{min}"));
        }
    };
    Some(format!("link {number} {what}"))
}

fn set_mode(topology: &Topology, random: &mut Random) -> String {
    let stage = random.between(0, topology.nodes.len() - 1);
    let mode = if random.one_in(2) { DemandMode::Accumulate } else { DemandMode::Forward };
    topology.nodes[stage].address.set_demand_mode(mode);
    format!("{stage} has the mode {mode:?}")
}

async fn end(topology: &mut Topology, random: &mut Random) -> Option<String> {
    let stage = random.between(0, topology.nodes.len() - 1);
    let node = &mut topology.nodes[stage];
    node.killed = true;
    let how = match random.between(0, 3) {
        0 => {
            node.address.order(Order::Panic);
            "panics"
        }
        1 => {
            node.address.abort();
            "is aborted"
        }
        2 => {
            node.address.stop(ExitReason::Custom("enough".to_owned())).await;
            "is stopped"
        }
        _ => {
            node.address.order(Order::Finish);
            "finishes"
        }
    };
    Some(format!("{stage} {how}"))
}
