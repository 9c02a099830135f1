//! Broadcasts events to several branches, two of them with a selector.
//!
//! A [`source::queue`] broadcasts the events pushed to it. The selector runs before an event is sent, so a
//! rejected event costs its branch no demand.
#![forbid(unsafe_code)]

use stage_core::{BoxError, pipeline, sink, source};

/// An event in a shop.
#[derive(Clone, Debug)]
enum Event {
    Ordered(&'static str),
    Paid(&'static str),
    Complained(&'static str),
}

impl Event {
    /// The person who caused the event.
    fn by(&self) -> &'static str {
        match self {
            Self::Ordered(by) | Self::Paid(by) | Self::Complained(by) => by,
        }
    }
}

/// Collects the events of a listener.
type Heard = sink::Collect<Vec<Event>, Event>;

pipeline! {
    /// Broadcasts all events, and selected ones to two branches.
    Shop(queue: source::PushQueue<Event>, everything: Heard, orders: Heard, of_mike: Heard) {
        start queue;
        broadcast {
            finish everything;
        } and when (|event| matches!(event, Event::Ordered(_))) {
            finish orders;
        } and when (|event| event.by() == "Mike") {
            finish of_mike;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (push, queue) = source::queue(100)?;
    let [(all, everything), (some, orders), (his, of_mike)] = std::array::from_fn(|_| sink::collect());
    let shop = Shop::new(queue, all, some, his).start().await?;

    for by in ["Joe", "Mike", "Robert"] {
        push.push(Event::Ordered(by)).await?;
        push.push(Event::Paid(by)).await?;
    }
    push.push(Event::Complained("Mike")).await?;
    push.close();
    shop.join().await?;

    for (name, heard) in [("everything", everything), ("orders", orders), ("of Mike", of_mike)] {
        let heard = heard.await?;
        println!("{name}: {}", heard.len());
        for event in heard {
            println!("  {event:?}");
        }
    }
    Ok(())
}
