//! Keeps the state of keys while the copies of a step change.

use std::any::Any;
use std::hash::Hash;

use super::route::hash_of;
use crate::dispatch::copy_of;
use crate::stage::HandOver;
use crate::sync::{Arc, Mutex, lock};

/// An exchange of state with a copy in a place.
type Hand<P> = dyn Fn(P, &mut dyn Any) + Send + Sync;

/// Takes the state of keys from the copies that leave, and gives it to those that join. The type of the copies is known
/// where it is made: steps without a keeper do not contain its code.
pub(in crate::pipeline) struct Keeper {
    /// Takes what a copy in this lane gives.
    pub(in crate::pipeline) give: Box<Hand<usize>>,
    /// Hands a copy what belongs to it.
    pub(in crate::pipeline) take: Box<Hand<Heir>>,
}

/// A copy that takes the state of keys.
#[derive(Clone, Copy, Debug)]
pub(in crate::pipeline) struct Heir {
    pub(in crate::pipeline) lane: usize,
    /// Its place among the copies of the lane.
    pub(in crate::pipeline) place: usize,
    /// The number of copies in the lane.
    pub(in crate::pipeline) copies: usize,
}

/// The state of a key, with the lane that it is in and the hash of the key.
struct Kept<K, T> {
    lane: usize,
    hash: u64,
    key: K,
    state: T,
}

impl Keeper {
    /// Creates the keeper of a step of `S` in `lanes` lanes.
    pub(in crate::pipeline) fn new<S, K>(lanes: usize) -> Arc<Self>
    where
        K: Hash + Send + 'static,
        S: HandOver<K> + 'static,
    {
        let kept = Arc::new(Mutex::new(Vec::<Kept<K, S::State>>::new()));
        let give = {
            let kept = Arc::clone(&kept);
            move |lane, stage: &mut dyn Any| {
                let Some(stage) = stage.downcast_mut::<S>() else { return };
                // Not under the lock: the code is the user's.
                let given = stage.give().into_iter();
                let given = given.map(|(key, state)| Kept { lane, hash: hash_of(lanes, &key), key, state });
                let given: Vec<_> = given.collect();
                lock(&kept).extend(given);
            }
        };
        let take = move |Heir { lane, place, copies }: Heir, stage: &mut dyn Any| {
            let Some(stage) = stage.downcast_mut::<S>() else { return };
            let is_its = |kept: &Kept<K, S::State>| kept.lane == lane && copy_of(kept.hash, copies) == place;
            // Under one lock: another copy takes at the same time. The user's code runs without it.
            let its: Vec<_> = lock(&kept).extract_if(.., |kept| is_its(kept)).collect();
            for kept in its {
                stage.take(kept.key, kept.state);
            }
        };
        Arc::new(Self { give: Box::new(give), take: Box::new(take) })
    }
}
