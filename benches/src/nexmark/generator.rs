//! The generator: the event with any number, by the rules of the published generator and a seed.
//!
//! The rules are those of Apache Beam's and Flink's Nexmark with their default options: 10,000 events per second of
//! event time, in order; of each 50 events, the first is a person, the next three are auctions, the rest bids. The
//! random numbers of an event depend on its number and the seed only, so the stream can be generated in parts.

use std::{ops::Range, sync::Arc};

use super::{Auction, Bid, Event, Person};
use crate::random::SplitMix;

/// Generates the events of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    seed: u64,
}

/// Number of persons, of auctions and of all events in each epoch.
const PERSONS: u64 = 1;
const AUCTIONS: u64 = 3;
const EPOCH: u64 = 50;

/// The number of the first person and of the first auction.
const FIRST_ID: u64 = 1000;
const FIRST_CATEGORY: u64 = 10;
const CATEGORIES: u64 = 5;
/// The time of the first event.
const BASE_TIME: i64 = 1_436_918_400_000;
/// Number of events in each millisecond of event time.
const EVENTS_PER_MILLI: u64 = 10;
/// Ids that are not known yet, of persons and of auctions, that an event may refer to.
const LEAD: u64 = 10;
/// Number of the youngest persons that sell and bid, apart from hot ones.
const ACTIVE: u64 = 1000;
/// Number of auctions before the youngest that get bids, apart from hot ones.
const IN_FLIGHT: u64 = 100;
/// Of that many persons or auctions, one is hot.
const HOT_EVERY: u64 = 100;
/// One in two bids is for a hot auction; three in four auctions have a hot seller, three in four bids a hot bidder.
const HOT_AUCTION: u64 = 2;
const HOT_SELLER: u64 = 4;
const HOT_BIDDER: u64 = 4;

const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const FIRST_NAMES: [&str; 11] =
    ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];

impl Generator {
    /// Creates the generator of a seed.
    pub const fn seeded(seed: u64) -> Self {
        Self { seed }
    }

    /// Returns the events with these numbers.
    pub fn events(self, numbers: Range<u64>) -> impl Iterator<Item = Event> + Clone + Send + Sync + 'static {
        numbers.map(move |number| self.event(number))
    }

    /// Returns the event with this number.
    pub fn event(self, number: u64) -> Event {
        // Hashed, as the numbers of neighbouring seeds overlap.
        let random = &mut SplitMix::seeded(SplitMix::seeded(self.seed ^ number.rotate_left(20)).next());
        let at = time_of(number);
        match number % EPOCH {
            place if place < PERSONS => Event::Person(Arc::new(person(random, number, at))),
            place if place < PERSONS + AUCTIONS => Event::Auction(Arc::new(auction(random, number, at))),
            _ => Event::Bid(bid(random, number, at)),
        }
    }
}

/// Returns the time of the event with this number.
fn time_of(number: u64) -> i64 {
    BASE_TIME + signed(number / EVENTS_PER_MILLI)
}

/// Returns the number of persons up to the event with this number, itself included.
const fn persons_by(number: u64) -> u64 {
    number / EPOCH + PERSONS
}

/// Returns the number of auctions up to the event with this number, itself included.
fn auctions_by(number: u64) -> u64 {
    number / EPOCH * AUCTIONS + (number % EPOCH + 1).saturating_sub(PERSONS).min(AUCTIONS)
}

/// Returns the last hot one of that many persons or auctions, from 0.
const fn hot_of(count: u64) -> u64 {
    count.saturating_sub(1) / HOT_EVERY * HOT_EVERY
}

fn person(random: &mut SplitMix, number: u64, at: i64) -> Person {
    let id = FIRST_ID + persons_by(number) - 1;
    let name = format!("{} {}", one_of(random, &FIRST_NAMES), one_of(random, &LAST_NAMES));
    let email = format!("{}@{}.com", text(random, 7), text(random, 5));
    let credit_card = [(); 4].map(|()| format!("{:04}", random.below(10_000))).join(" ");
    let city = one_of(random, &CITIES).to_owned();
    let state = one_of(random, &STATES).to_owned();
    Person { id, name, email, credit_card, city, state, at }
}

fn auction(random: &mut SplitMix, number: u64, at: i64) -> Auction {
    let id = FIRST_ID + auctions_by(number) - 1;
    let persons = persons_by(number);
    let is_hot = random.below(HOT_SELLER) > 0;
    let seller = FIRST_ID + if is_hot { hot_of(persons) } else { active(random, persons) };
    let category = FIRST_CATEGORY + random.below(CATEGORIES);
    let initial_bid = price(random);
    // On average, an auction is open while as many others as are in flight begin.
    let horizon = time_of(number + IN_FLIGHT * EPOCH / AUCTIONS) - at;
    let expires = at + 1 + signed(random.below(u64::try_from(horizon * 2).unwrap_or(1).max(1)));
    let (item, description) = (text(random, 20), text(random, 100));
    let reserve = initial_bid + price(random);
    Auction { id, item, description, initial_bid, reserve, at, expires, seller, category }
}

fn bid(random: &mut SplitMix, number: u64, at: i64) -> Bid {
    let (auctions, persons) = (auctions_by(number), persons_by(number));
    let auction = if random.below(HOT_AUCTION) > 0 {
        hot_of(auctions)
    } else {
        let oldest = auctions.saturating_sub(1 + IN_FLIGHT);
        oldest + random.below(auctions - oldest + LEAD)
    };
    // The person after the hot seller.
    let is_hot = random.below(HOT_BIDDER) > 0;
    let bidder = if is_hot { hot_of(persons) + 1 } else { active(random, persons) };
    Bid { auction: FIRST_ID + auction, bidder: FIRST_ID + bidder, price: price(random), at }
}

/// Returns one of the youngest persons, or one of the next.
const fn active(random: &mut SplitMix, persons: u64) -> u64 {
    let active = if persons < ACTIVE { persons } else { ACTIVE };
    persons - active + random.below(active + LEAD)
}

/// Returns a price from 1 to 1,000,000, in cents; its logarithm is evenly distributed.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 10^8")]
fn price(random: &mut SplitMix) -> u64 {
    (10_f64.powf(random.unit() * 6.0) * 100.0).round() as u64
}

/// Returns 3 to `most` letters and spaces, without spaces at either end.
fn text(random: &mut SplitMix, most: u64) -> String {
    let length = 3 + random.below(most - 3);
    let letter = |_| match random.next() {
        number if number % 13 == 0 => ' ',
        number => char::from(b'a' + u8::try_from((number >> 32) % 26).unwrap_or_default()),
    };
    (0..length).map(letter).collect::<String>().trim().to_owned()
}

fn one_of<'a>(random: &mut SplitMix, all: &[&'a str]) -> &'a str {
    all[crate::random::index(random.below(all.len() as u64))]
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("numbers of a benchmark fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number, from 0, of an id.
    fn place(id: u64) -> u64 {
        id - FIRST_ID
    }

    /// Counts the events of some numbers that `holds` is true for.
    fn count(generator: Generator, numbers: Range<u64>, holds: impl Fn(&Event) -> bool) -> u64 {
        generator.events(numbers).filter(holds).count() as u64
    }

    #[test]
    fn every_epoch_has_a_person_three_auctions_and_46_bids_in_this_order() {
        let kinds = |numbers| {
            let kind = |event| match event {
                Event::Person(_) => 'p',
                Event::Auction(_) => 'a',
                Event::Bid(_) => 'b',
            };
            Generator::seeded(1).events(numbers).map(kind).collect::<String>()
        };
        let epoch = format!("paaa{}", "b".repeat(46));
        assert_eq!(kinds(0..100), epoch.repeat(2));
        assert_eq!(kinds(12_345_650..12_345_700), epoch);
    }

    #[test]
    fn ids_are_consecutive_and_time_advances_by_a_millisecond_every_ten_events() {
        let (mut persons, mut auctions) = (0, 0);
        for (number, event) in Generator::seeded(7).events(0..5000).enumerate() {
            assert_eq!(event.at(), BASE_TIME + i64::try_from(number / 10).unwrap());
            match event {
                Event::Person(person) => {
                    assert_eq!(place(person.id), persons);
                    persons += 1;
                }
                Event::Auction(auction) => {
                    assert_eq!(place(auction.id), auctions);
                    auctions += 1;
                }
                Event::Bid(_) => {}
            }
        }
        assert_eq!((persons, auctions), (100, 300));
    }

    #[test]
    fn hot_auctions_sellers_and_bidders_have_their_shares() {
        let generator = Generator::seeded(3);
        let numbers = 1_000_000..1_100_000;
        let share =
            |of: u64, is_hot: fn(&Event) -> bool| count(generator, numbers.clone(), is_hot) * 1000 / of;
        let auctions = share(92_000, |event| {
            event.bid().is_some_and(|bid| place(bid.auction).is_multiple_of(HOT_EVERY))
        });
        let bidders =
            share(92_000, |event| event.bid().is_some_and(|bid| place(bid.bidder) % HOT_EVERY == 1));
        let sellers = share(
            6000,
            |event| matches!(event, Event::Auction(auction) if place(auction.seller).is_multiple_of(HOT_EVERY)),
        );
        let likely =
            (490..520).contains(&auctions) && (740..765).contains(&bidders) && (730..780).contains(&sellers);
        assert!(likely, "{auctions}, {bidders}, {sellers}");
    }

    #[test]
    fn prices_are_distributed_by_their_logarithm() {
        let cheap = |most| {
            count(Generator::seeded(5), 0..50_000, |event| event.bid().is_some_and(|bid| bid.price < most))
        };
        // Each decade has a sixth of the 46,000 bids.
        for (decade, most) in (1..=6).zip([1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_001]) {
            assert!(cheap(most).abs_diff(46_000 * decade / 6) < 600, "{most}: {}", cheap(most));
        }
    }

    proptest::proptest! {
        #[test]
        fn events_refer_to_what_there_is_or_soon_will_be(seed in 0..u64::MAX, number in 0..1_000_000_000_u64) {
            let event = Generator::seeded(seed).event(number);
            proptest::prop_assert_eq!(&event, &Generator::seeded(seed).event(number), "by its number");
            let (persons, auctions) = (persons_by(number), auctions_by(number));
            let active = persons.saturating_sub(ACTIVE)..persons + LEAD;
            match event {
                Event::Person(person) => {
                    proptest::prop_assert_eq!(place(person.id), persons - 1);
                    proptest::prop_assert_eq!(person.credit_card.len(), 19);
                    proptest::prop_assert!(STATES.contains(&person.state.as_str()));
                }
                Event::Auction(auction) => {
                    proptest::prop_assert_eq!(place(auction.id), auctions - 1);
                    let seller = place(auction.seller);
                    proptest::prop_assert!(active.contains(&seller) || seller.is_multiple_of(HOT_EVERY));
                    proptest::prop_assert!(auction.reserve > auction.initial_bid);
                    // In flight are 100 auctions, which begin within 1667 events: 166 ms, or 167.
                    proptest::prop_assert!((1..=334).contains(&(auction.expires - auction.at)));
                    proptest::prop_assert!((10..15).contains(&auction.category));
                    proptest::prop_assert!(auction.description.len() < 100);
                }
                Event::Bid(bid) => {
                    let auction = place(bid.auction);
                    let flying = auctions.saturating_sub(1 + IN_FLIGHT)..auctions + LEAD;
                    proptest::prop_assert!(flying.contains(&auction) || auction.is_multiple_of(HOT_EVERY));
                    let bidder = place(bid.bidder);
                    proptest::prop_assert!(active.contains(&bidder) || bidder % HOT_EVERY == 1);
                    proptest::prop_assert!((100..=100_000_000).contains(&bid.price));
                }
            }
        }
    }
}
