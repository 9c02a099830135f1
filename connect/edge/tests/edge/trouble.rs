//! Faults of machines that read an edge.

use std::time::Duration;

use stage_edge::memory::{MemoryEdge, Network};
use tokio::time::sleep;

use crate::chance::Chance;
use crate::machine::Machine;

/// A fault of a machine, or of the server that it reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Crash,
    Leave,
    Zombie,
    Still,
    Cut,
    LostAnswers,
    Redelivery,
}

impl Trouble {
    pub(crate) const ALL: [Self; 7] =
        [Self::Crash, Self::Leave, Self::Zombie, Self::Still, Self::Cut, Self::LostAnswers, Self::Redelivery];

    /// Makes it happen to a machine, which `next` replaces if it ends.
    pub(crate) async fn happen(
        self,
        server: &MemoryEdge,
        machine: &mut Machine,
        chance: &mut Chance,
        next: impl AsyncFnOnce() -> Machine,
    ) {
        let edge = machine.edge.clone();
        match self {
            Self::Crash | Self::Leave => {
                let old = std::mem::replace(machine, next().await);
                if self == Self::Crash { old.crash() } else { old.leave_soon() }
            }
            Self::Zombie => troubled(edge, Network::SilentLeases, chance.millis(10_000)),
            Self::Still => troubled(edge, Network::Silent, chance.millis(10_000)),
            Self::Cut => troubled(edge, Network::Down, chance.millis(10_000)),
            Self::LostAnswers => edge.lose_answers(chance.some(4)),
            Self::Redelivery => server.redeliver(),
        }
    }
}

/// Changes the network of a machine for some time.
pub(crate) fn troubled(edge: MemoryEdge, network: Network, time: Duration) {
    edge.set_network(network);
    tokio::spawn(async move {
        sleep(time).await;
        edge.set_network(Network::Up);
    });
}
