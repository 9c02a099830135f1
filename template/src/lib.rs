//! The pipeline of the service: orders come in, prices are looked up, and the result is stored in batches.
#![forbid(unsafe_code)]

use std::time::Duration;

use stage_core::ack::Delivery;
use stage_core::batch::Limits;
use stage_core::policy::{DeadLetter, each};
use stage_core::{Backoff, pipeline};
use tokio::sync::mpsc::UnboundedSender;

/// An order, as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The number of the order.
    pub id: u64,
    /// The number of its items.
    pub items: u32,
}

/// An order with its price in cents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The number of the order.
    pub id: u64,
    /// The price in cents.
    pub cents: u64,
}

/// Looks the price up. Put the call to your service here.
///
/// # Errors
///
/// If the order has no items.
pub async fn price(order: Order) -> Result<Priced, String> {
    if order.items == 0 {
        return Err(format!("order {} has no items", order.id));
    }
    Ok(Priced { id: order.id, cents: 250 * u64::from(order.items) })
}

/// Stores a batch. Put the statement for your database here.
pub fn store(orders: Vec<Priced>) {
    tracing::info!(orders = orders.len(), "stored");
}

const PATIENTLY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5)).attempts(3);

pipeline! {
    /// Prices and stores the orders of a channel.
    ///
    /// Names, counts and windows of the steps can be set in `service.toml`.
    pub Orders(
        orders: stage_core::source::FromChannel<Order>,
        stored: fn(Vec<Priced>),
        letters: UnboundedSender<Delivery<DeadLetter<Order>>>,
    ) {
        name: "orders",

        /// the orders of the channel
        start  orders;
        /// looked up by ten copies; tried again after a failure
        step   each(price), name: "price", count: 10, retry: PATIENTLY, on_failure: dead_letter(letters);
        /// in batches
        finish |orders: Vec<Priced>| stored(orders),
               name: "store", batch: Limits::count(500).within(Duration::from_secs(1));
    }
}
