//! Events for everybody who is interested: a broadcaster, and subscribers that say what they want to hear.
//!
//! A [`source::queue`] takes what is pushed and broadcasts it. A selector is asked before an event is sent:
//! what it rejects costs its subscriber no demand. The broadcaster holds demand back until all are there.
#![forbid(unsafe_code)]

use stage_core::dispatch::{BroadcastDispatcher, SubscriberOptions};
use stage_core::spawn::{self, StageOptions};
use stage_core::{BoxError, DemandMode, ProducerRef, SubscribeOptions, sink, source};

/// What happens in a shop.
#[derive(Clone, Debug)]
enum Event {
    Ordered(&'static str),
    Paid(&'static str),
    Complained(&'static str),
}

impl Event {
    /// Whose doing it was.
    fn by(&self) -> &'static str {
        match self {
            Self::Ordered(by) | Self::Paid(by) | Self::Complained(by) => by,
        }
    }
}

/// Everything a subscriber hears, when the broadcast is over.
type Heard = sink::Collected<Vec<Event>>;

/// Subscribes a listener to what it selects.
async fn listen(
    to: &ProducerRef<Event>,
    selects: impl Fn(&Event) -> bool + Send + Sync + 'static,
) -> Result<Heard, BoxError> {
    let (all, heard) = sink::collect();
    let listener = spawn::consumer(all, StageOptions::named("listener")).await?;
    let share = SubscriberOptions::new().selector(selects);
    listener.subscribe(to, SubscribeOptions::new().max_demand(10).share(share)).await?;
    Ok(heard)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (push, queue) = source::queue(100)?;
    let options =
        StageOptions::named("shop").dispatcher(BroadcastDispatcher::new()).demand(DemandMode::Accumulate);
    let shop = spawn::producer(queue, options).await?;
    let everything = listen(&shop.producer(), |_| true).await?;
    let orders = listen(&shop.producer(), |event| matches!(event, Event::Ordered(_))).await?;
    let of_mike = listen(&shop.producer(), |event| event.by() == "Mike").await?;
    shop.set_demand_mode(DemandMode::Forward);

    for by in ["Joe", "Mike", "Robert"] {
        push.push(Event::Ordered(by)).await?;
        push.push(Event::Paid(by)).await?;
    }
    push.push(Event::Complained("Mike")).await?;
    push.close();

    for (name, heard) in [("everything", everything), ("orders", orders), ("of Mike", of_mike)] {
        let heard = heard.await?;
        println!("{name}: {}", heard.len());
        for event in heard {
            println!("  {event:?}");
        }
    }
    Ok(())
}
