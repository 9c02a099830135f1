//! Tests of the pipeline without servers and without sleeps.
#![forbid(unsafe_code)]

use {{crate_name}}::{Order, Orders, Priced, price};
use stage_core::source;
use tokio::sync::mpsc;

#[tokio::test]
async fn the_price_depends_on_the_items() {
    assert_eq!(price(Order { id: 1, items: 2 }).await, Ok(Priced { id: 1, cents: 500 }));
    assert!(price(Order { id: 1, items: 0 }).await.is_err());
}

/// Paused time: the delays between the attempts pass at once.
#[tokio::test(start_paused = true)]
async fn an_order_that_fails_is_set_aside_and_the_others_are_stored() {
    let (sender, receiver) = mpsc::channel(100);
    let (letters, mut set_aside) = mpsc::unbounded_channel();
    let orders = Orders::new(source::from_channel(receiver), |_| (), letters);
    let running = orders.start().await.unwrap();
    for id in 0..50 {
        sender.send(Order { id, items: u32::from(id != 7) }).await.unwrap();
    }
    drop(sender);
    let report = running.join().await.unwrap();
    let priced: u64 = report.stages.iter().filter(|stage| stage.step == "price").map(|stage| stage.events_out).sum();
    assert_eq!(priced, 49);
    let letter = set_aside.recv().await.unwrap();
    assert_eq!((letter.event.id, letter.attempts), (7, 4));
}
