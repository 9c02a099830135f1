//! The connection between two stages: link, signal, mailbox and subscription.

pub(crate) mod diagnosis;
pub(crate) mod link;
pub(crate) mod mailbox;
pub(crate) mod operator;
pub(crate) mod producer_ref;
pub(crate) mod protocol;
pub(crate) mod resubscribe;
pub(crate) mod signal;
pub(crate) mod subscribe_options;
pub(crate) mod subscription;

pub use producer_ref::ProducerRef;
pub use subscribe_options::SubscribeOptions;
