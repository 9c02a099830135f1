//! Reference model: invariants that hold once nothing moves, checked with an account of every stage and
//! subscription.

use std::collections::HashSet;

use stage_core::stage::Inspection;
use stage_core::subscribe::{Asking, Cancellation, SubscribeError, Subscription};
use stage_core::testing::settle;
use stage_core::{CancelMode, ExitReason};

use super::stages::Entry;
use super::topology::{Address, Handing, Link, Topology};

/// The final state of a stage.
enum Fate {
    Alive(Inspection),
    /// It finished by itself: everything that it emitted was handed out.
    Finished,
    Dead,
}

/// The journal's entries about one subscription.
#[derive(Default)]
struct Account {
    /// The numbers of the received events, in order.
    received: Vec<usize>,
    ended: Option<Cancellation>,
    left: usize,
}

struct Books<'a> {
    topology: &'a Topology,
    fates: Vec<Fate>,
    accounts: Vec<Account>,
    /// Number of emitted events by stage.
    emitted: Vec<usize>,
}

/// Checks the invariants; returns the one that is broken.
pub(crate) async fn check(topology: &Topology) -> Result<(), String> {
    let mut fates = Vec::new();
    for node in &topology.nodes {
        fates.push(match node.address.inspect().await {
            Ok(inspection) => Fate::Alive(inspection),
            Err(_) => match node.address.ended().await {
                ExitReason::Normal => Fate::Finished,
                _ => Fate::Dead,
            },
        });
    }
    settle().await;
    let books = Books::read(topology, fates)?;
    for number in 0..topology.links.len() {
        books.check_link(number).map_err(|broken| format!("link {number}: {broken}"))?;
    }
    for stage in 0..topology.nodes.len() {
        books.check_stage(stage).map_err(|broken| format!("stage {stage}: {broken}"))?;
    }
    Ok(())
}

impl<'a> Books<'a> {
    fn read(topology: &'a Topology, fates: Vec<Fate>) -> Result<Self, String> {
        let mut accounts: Vec<_> = topology.links.iter().map(|_| Account::default()).collect();
        let mut emitted = vec![0; topology.nodes.len()];
        let number = |subscription: &Subscription| {
            let place = topology.links.iter().position(|link| link.subscription == *subscription);
            place.ok_or("an unknown subscription")
        };
        for entry in &*topology.journal.lock().unwrap() {
            match entry {
                Entry::Emitted { stage, until } => emitted[*stage] = *until,
                Entry::Handled { by, events } => {
                    let number = number(by)?;
                    let (link, account) = (&topology.links[number], &mut accounts[number]);
                    if account.ended.is_some() {
                        return Err(format!("link {number}: events behind its end"));
                    }
                    if link.chunk.is_some_and(|chunk| events.len() > chunk) || events.is_empty() {
                        return Err(format!("link {number}: a batch of {} events", events.len()));
                    }
                    if events.iter().any(|(stage, _)| *stage != link.from) {
                        return Err(format!("link {number}: events of another stage"));
                    }
                    account.received.extend(events.iter().map(|(_, event)| event));
                }
                Entry::Ended { of, how } => {
                    let number = number(of)?;
                    if accounts[number].ended.replace(how.clone()).is_some() {
                        return Err(format!("link {number}: ended twice"));
                    }
                }
                Entry::Left { of } => accounts[number(of)?].left += 1,
            }
        }
        Ok(Self { topology, fates, accounts, emitted })
    }

    fn check_link(&self, number: usize) -> Result<(), String> {
        let (link, account) = (&self.topology.links[number], &self.accounts[number]);
        if account.left > 1 {
            return Err("its producer got its end twice".to_owned());
        }
        // A window asks again for handled events, so only manual demand has a total limit.
        if link.chunk.is_none() && account.received.len() > link.asked {
            return Err(format!("{} events for {} asked", account.received.len(), link.asked));
        }
        self.check_ends(link, account)?;
        let nodes = &self.topology.nodes;
        if let Handing::Partition(partitions) = nodes[link.from].handing
            && account.received.iter().any(|event| Some(event % partitions) != link.partition)
        {
            return Err("an event of another partition".to_owned());
        }
        match nodes[link.from].handing {
            // Everything since the subscription, without a gap.
            Handing::Broadcast if account.received.windows(2).any(|pair| pair[0] + 1 != pair[1]) => {
                Err(format!("a gap in a broadcast: {:?}", account.received))
            }
            // Events left behind by other consumers are handed out late. They may include events that earlier
            // consumers had left, so the order goes back at most once for the first consumer to leave, and
            // twice as often for each further one.
            Handing::Demand | Handing::Partition(_) => {
                let back = account.received.windows(2).filter(|pair| pair[0] >= pair[1]).count();
                let peers = self.links_from(link.from);
                // A stopped producer may have handed out returned events without having been notified of the
                // cause.
                let has_left = |link: &Link, account: &Account| {
                    account.left > 0 || link.detached || !matches!(self.fates[link.to], Fate::Alive(_))
                };
                let left = peers
                    .filter(|(other, link, account)| *other != number && has_left(link, account))
                    .count();
                if back >= 1 << left {
                    return Err(format!("out of order {back} times: {:?}", account.received));
                }
                Ok(())
            }
            Handing::Broadcast => Ok(()),
        }
    }

    /// Checks that both stages agree on whether the subscription exists, and that the consumer obeyed its
    /// cancel mode.
    fn check_ends(&self, link: &Link, account: &Account) -> Result<(), String> {
        let (from, to) = (&self.fates[link.from], &self.fates[link.to]);
        let served =
            matches!(from, Fate::Alive(inspection) if inspection.consumers.contains(&link.subscription));
        let taken =
            matches!(to, Fate::Alive(inspection) if inspection.producers.contains(&link.subscription));
        if served && !taken {
            return Err("its producer serves a consumer that has left".to_owned());
        }
        if taken && !served && !self.holds(link) {
            return Err("its consumer waits for a producer that has left".to_owned());
        }
        if taken && account.ended.is_some() {
            return Err("it stands, and has ended".to_owned());
        }
        if matches!(to, Fate::Alive(_)) && !taken && account.ended.is_none() && !self.is_ending(link.to) {
            return Err("it ended, and its consumer was not told".to_owned());
        }
        // The consumer is already served: the second subscription is refused, and no event is lost.
        let served_already = |how: &Cancellation| match &how.reason {
            ExitReason::Error(error) => {
                error.downcast_ref::<SubscribeError>() == Some(&SubscribeError::AlreadySubscribed)
            }
            _ => false,
        };
        let ended = account.ended.as_ref().filter(|how| !served_already(how));
        let ends = ended.is_some_and(|how| match link.mode {
            CancelMode::Permanent => true,
            CancelMode::Transient => !how.reason.is_normal(),
            CancelMode::Temporary => false,
        });
        let is_sink = matches!(self.topology.nodes[link.to].address, Address::Sink(..));
        if ends && is_sink && !link.detached && matches!(to, Fate::Alive(_)) {
            return Err("it ended, and its consumer did not end with it".to_owned());
        }
        Ok(())
    }

    fn links_from(&self, stage: usize) -> impl Iterator<Item = (usize, &Link, &Account)> {
        let links = self.topology.links.iter().zip(&self.accounts).enumerate();
        links
            .filter(move |(_, (link, _))| link.from == stage)
            .map(|(number, (link, account))| (number, link, account))
    }

    /// Returns whether the consumer may have unhandled events: a step without demand.
    fn holds(&self, link: &Link) -> bool {
        match &self.fates[link.to] {
            Fate::Alive(inspection) => {
                let is_step = matches!(self.topology.nodes[link.to].address, Address::Step(_));
                let waits = inspection.demand == 0 || self.is_ending(link.to);
                is_step && waits && inspection.producers.contains(&link.subscription)
            }
            Fate::Finished | Fate::Dead => false,
        }
    }

    /// Returns whether a step may be ending, and only hands over its events: it then ignores its producers.
    fn is_ending(&self, stage: usize) -> bool {
        let links = self.topology.links.iter().zip(&self.accounts);
        let mut lost = links.filter(|(link, account)| link.to == stage && account.ended.is_some());
        let node = &self.topology.nodes[stage];
        matches!(node.address, Address::Step(_))
            && (node.killed || lost.any(|(link, _)| link.mode != CancelMode::Temporary))
    }

    /// Returns whether events may have been lost with its consumer, because its producer had left before.
    fn may_lose(&self, link: &Link) -> bool {
        let gone = !matches!(self.fates[link.to], Fate::Alive(_)) || link.detached;
        gone && (link.cancelled || !matches!(self.fates[link.from], Fate::Alive(_)))
    }

    fn check_stage(&self, stage: usize) -> Result<(), String> {
        self.check_life(stage)?;
        let handing = self.topology.nodes[stage].handing;
        let buffered = match &self.fates[stage] {
            Fate::Alive(inspection) => inspection.buffered,
            Fate::Finished => 0,
            Fate::Dead => usize::MAX,
        };
        match handing {
            Handing::Demand | Handing::Partition(_) => self.check_books(stage, buffered)?,
            Handing::Broadcast => self.check_peers(stage, buffered)?,
        }
        if !matches!(self.fates[stage], Fate::Dead) && buffered > 0 {
            self.check_wish(stage, handing)?;
        }
        Ok(())
    }

    /// Checks that a stage lives if it was not ended, and no subscription ended it.
    fn check_life(&self, stage: usize) -> Result<(), String> {
        let links = self.topology.links.iter().zip(&self.accounts);
        let lives = links.filter(|(link, _)| link.to == stage).all(|(link, account)| match link.mode {
            CancelMode::Temporary => true,
            CancelMode::Permanent | CancelMode::Transient => account.ended.is_none(),
        });
        if lives && !self.topology.nodes[stage].killed && !matches!(self.fates[stage], Fate::Alive(_)) {
            return Err("it ended without a cause".to_owned());
        }
        Ok(())
    }

    /// Checks that each subscriber of a broadcast that has begun has everything except the events that wait
    /// for all.
    fn check_peers(&self, stage: usize, buffered: usize) -> Result<(), String> {
        let Fate::Alive(inspection) = &self.fates[stage] else { return Ok(()) };
        for (number, link, account) in self.links_from(stage) {
            let stands = inspection.consumers.contains(&link.subscription) && !self.holds(link);
            if let Some(last) = account.received.last().filter(|_| stands)
                && last + 1 + buffered != self.emitted[stage]
            {
                let emitted = self.emitted[stage];
                return Err(format!(
                    "link {number} has events to {last} of {emitted}, {buffered} are buffered"
                ));
            }
        }
        Ok(())
    }

    /// Checks that every event was received once, is buffered, or is in flight to a consumer that may not
    /// have handled it.
    fn check_books(&self, stage: usize, buffered: usize) -> Result<(), String> {
        let mut seen = HashSet::new();
        let mut unhandled = 0;
        for (_, link, account) in self.links_from(stage) {
            for event in &account.received {
                if *event >= self.emitted[stage] || !seen.insert(*event) {
                    return Err(format!("event {event} was received twice, or never emitted"));
                }
            }
            if self.holds(link) || self.may_lose(link) {
                let asked = link.window + link.asked;
                unhandled +=
                    if link.chunk.is_none() { asked.saturating_sub(account.received.len()) } else { asked };
            }
        }
        if matches!(self.fates[stage], Fate::Dead) {
            return Ok(());
        }
        let (emitted, received) = (self.emitted[stage], seen.len());
        if received + buffered > emitted || received + buffered + unhandled < emitted {
            return Err(format!(
                "{emitted} emitted, {received} received, {buffered} buffered, at most {unhandled} on their way"
            ));
        }
        Ok(())
    }

    /// Checks that no subscriber has demand while events wait.
    fn check_wish(&self, stage: usize, handing: Handing) -> Result<(), String> {
        let Fate::Alive(inspection) = &self.fates[stage] else { return Ok(()) };
        let links =
            self.links_from(stage).filter(|(_, link, _)| inspection.consumers.contains(&link.subscription));
        let wish = |link: &Link, account: &Account| match &self.topology.nodes[link.to].address {
            Address::Sink(_, Asking::Automatic) => true,
            Address::Sink(_, Asking::Manual) => link.asked > account.received.len(),
            Address::Source(_) | Address::Step(_) => !self.holds(link),
        };
        let wishes: Vec<_> = links.map(|(_, link, account)| wish(link, account)).collect();
        let wanted = match handing {
            Handing::Demand => wishes.contains(&true),
            Handing::Broadcast => !wishes.is_empty() && wishes.iter().all(|wish| *wish),
            Handing::Partition(partitions) => wishes.iter().filter(|wish| **wish).count() == partitions,
        };
        if wanted {
            return Err(format!("{} events wait despite demand", inspection.buffered));
        }
        Ok(())
    }
}
