//! The unit in which a server takes acknowledgements.

/// How a server takes acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Each receipt by itself, in any order: NATS, SQL, AMQP, Redis.
    Each,
    /// Everything up to a position: Kafka, replication slots. Receipts are settled in the order in which they were
    /// pulled.
    Prefix,
}
