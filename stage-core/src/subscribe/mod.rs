//! What a subscription is made from: the producer's address, and the options of the consumer.

mod options;
mod producer_ref;

pub use options::SubscribeOptions;
pub use producer_ref::ProducerRef;
