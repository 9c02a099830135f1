//! The laws of pools, for the server in memory.

use stage_edge::laws::PoolServer;
use stage_edge::memory::MemoryEdge;

struct Memory(MemoryEdge);

impl PoolServer for Memory {
    type Edge = MemoryEdge;

    async fn start() -> Option<Self> {
        Some(Self(MemoryEdge::new()))
    }

    async fn client(&self) -> MemoryEdge {
        self.0.machine("client")
    }
}

stage_edge::pool_laws!(Memory);
