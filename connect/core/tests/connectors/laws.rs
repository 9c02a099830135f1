//! The servers in memory keep all laws.

mod queue {
    use stage_connect::memory::MemoryServer;

    stage_connect::laws!(MemoryServer<u64>);
}

mod log {
    use stage_connect::memory::MemoryLog;

    stage_connect::laws!(MemoryLog<u64>);
}
