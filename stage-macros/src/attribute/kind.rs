//! The kinds of stages that an attribute can make, with their traits and members.

/// One of the three attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `#[producer]`
    Producer,
    /// `#[producer_consumer]`
    ProducerConsumer,
    /// `#[consumer]`
    Consumer,
}

impl Kind {
    /// Returns the attribute, for messages.
    pub(super) fn attribute(self) -> &'static str {
        match self {
            Self::Producer => "#[producer]",
            Self::ProducerConsumer => "#[producer_consumer]",
            Self::Consumer => "#[consumer]",
        }
    }

    /// Returns the attribute with a word in its parentheses.
    pub(super) fn with(self, word: &str) -> String {
        self.attribute().replace(']', &format!("({word})]"))
    }

    /// Returns the name of the trait.
    pub(super) fn trait_name(self) -> &'static str {
        match self {
            Self::Producer => "Producer",
            Self::ProducerConsumer => "ProducerConsumer",
            Self::Consumer => "Consumer",
        }
    }

    /// Returns the required callback of the trait.
    pub(super) fn required(self) -> &'static str {
        match self {
            Self::Producer => "handle_demand",
            Self::ProducerConsumer | Self::Consumer => "handle_events",
        }
    }

    /// Returns an example of that callback.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Producer => {
                "async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Event>) -> StageResult"
            }
            Self::ProducerConsumer => {
                "async fn handle_events(&mut self, events: Events<'_, In>, out: &mut Emitter<'_, Out>) -> StageResult"
            }
            Self::Consumer => {
                "async fn handle_events(&mut self, events: Events<'_, Event>, cx: &mut Context<'_>) -> StageResult"
            }
        }
    }

    /// Returns all members of the trait: callbacks, types and constants.
    pub(super) fn members(self) -> &'static [&'static str] {
        match self {
            Self::Producer => &[
                "handle_demand",
                "handle_subscribe",
                "handle_cancel",
                "handle_discarded",
                "take_back",
                "init",
                "terminate",
                "Event",
                "SINGLE",
            ],
            Self::ProducerConsumer => &[
                "handle_events",
                "handle_demand",
                "handle_subscribe",
                "handle_cancel",
                "handle_discarded",
                "init",
                "terminate",
                "In",
                "Out",
                "BATCHES",
                "ASKS_BY_ITSELF",
            ],
            Self::Consumer => &[
                "handle_events",
                "handle_subscribe",
                "handle_cancel",
                "init",
                "terminate",
                "Event",
                "ASKS_BY_ITSELF",
            ],
        }
    }
}
