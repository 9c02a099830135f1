//! The events: persons, auctions and bids. Times are in milliseconds since 1970.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An event of the stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Event {
    /// A person has registered.
    #[serde(serialize_with = "owned", deserialize_with = "shared")]
    Person(Arc<Person>),
    /// A person offers an item.
    #[serde(serialize_with = "owned", deserialize_with = "shared")]
    Auction(Arc<Auction>),
    /// A person bids for an item.
    Bid(Bid),
}

/// A person, who may sell and bid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the fields say it")]
pub struct Person {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub credit_card: String,
    pub city: String,
    pub state: String,
    pub at: i64,
}

/// An item that a person sells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the fields say it")]
pub struct Auction {
    pub id: u64,
    pub item: String,
    pub description: String,
    pub initial_bid: u64,
    pub reserve: u64,
    pub at: i64,
    /// The time of the last bid that counts.
    pub expires: i64,
    pub seller: u64,
    pub category: u64,
}

/// A bid for an item; the price is in cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the fields say it")]
pub struct Bid {
    pub auction: u64,
    pub bidder: u64,
    pub price: u64,
    pub at: i64,
}

impl Event {
    /// Returns the time at which the event happened.
    #[inline]
    pub fn at(&self) -> i64 {
        match self {
            Self::Person(person) => person.at,
            Self::Auction(auction) => auction.at,
            Self::Bid(bid) => bid.at,
        }
    }

    /// Returns the bid, if the event is one.
    #[inline]
    pub fn bid(&self) -> Option<Bid> {
        if let Self::Bid(bid) = self { Some(*bid) } else { None }
    }

    /// Returns the event, if it is no bid.
    #[inline]
    pub fn listing(&self) -> Option<Self> {
        if let Self::Bid(_) = self { None } else { Some(self.clone()) }
    }

    /// Returns the person, if the event is one.
    #[inline]
    pub fn into_person(self) -> Option<Arc<Person>> {
        if let Self::Person(person) = self { Some(person) } else { None }
    }

    /// Returns the auction, if the event is one.
    #[inline]
    pub fn into_auction(self) -> Option<Arc<Auction>> {
        if let Self::Auction(auction) = self { Some(auction) } else { None }
    }
}

/// Writes a shared value as if it were owned.
fn owned<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
    T::serialize(value, serializer)
}

/// Reads a value that is shared.
fn shared<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(deserializer).map(Arc::new)
}
