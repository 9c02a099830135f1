//! A registry of stage names: an ordinary value that is created and passed around, never a global.

use std::any::{Any, type_name};
use std::collections::HashMap;
use std::fmt;

use crate::base::error::{ExitReason, SubscribeError};
use crate::pipeline::handle::StageRef;
use crate::sync::{Arc, Mutex, lock};
use crate::wire::ProducerRef;
use crate::wire::mailbox::Subscribable;
use crate::wire::protocol::{AnySubscribe, Closed};
use crate::wire::signal::{Signal, Slot};
use crate::wire::subscription::{Reach, Tell};

/// Stages by name. Cheap to clone; clones share their names.
///
/// A name becomes free when its stage has ended. A subscription by name looks up the name when it is made,
/// and again each time it is [renewed](crate::SubscribeOptions::resubscribe).
///
/// ```
/// use stage_core::registry::Registry;
/// use stage_core::spawn::{StageOptions, consumer, producer};
/// use stage_core::stage::{ForEach, FromIter};
/// use stage_core::{ExitReason, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let numbers = producer(FromIter::new(1..=3_u64), StageOptions::new()).await?;
/// registry.register("numbers", &numbers)?;
///
/// let (sum, total) = std::sync::mpsc::channel();
/// let sink = ForEach::new(move |number: u64| sum.send(number).expect("the receiver is alive"));
/// let sink = consumer(sink, StageOptions::new()).await?;
/// sink.subscribe(&registry.producer("numbers"), SubscribeOptions::new()).await?;
/// assert!(matches!(sink.ended().await, ExitReason::Normal));
/// assert_eq!(total.iter().sum::<u64>(), 6);
/// # Ok(())
/// # }
/// ```
///
/// Names can be listed, looked up, given to a producer alone, and removed:
///
/// ```
/// use stage_core::registry::{Registry, RegistryError};
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::stage::FromIter;
/// use stage_core::{Nothing, StageRef};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let registry = Registry::new();
/// let numbers = producer(FromIter::new(0..3_u32), StageOptions::new()).await?;
/// registry.register("numbers", &numbers)?;
/// registry.register_producer("counts", &numbers.producer())?;
/// assert_eq!(registry.names(), ["counts", "numbers"]);
/// let taken = registry.register("numbers", &numbers);
/// assert_eq!(taken, Err(RegistryError::Taken { name: "numbers".to_owned() }));
///
/// type Numbers = StageRef<FromIter<std::ops::Range<u32>>, Nothing, u32>;
/// let found: Numbers = registry.stage("numbers")?;
/// assert_eq!(found.name(), numbers.name());
/// assert!(registry.unregister("counts") && !registry.unregister("counts"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    names: Arc<Mutex<HashMap<String, Entry>>>,
}

/// A registered stage.
struct Entry {
    /// A `StageRef` with the stage's types, if they are known.
    stage: Option<Box<dyn Any + Send + Sync>>,
    /// A `ProducerRef` to its events.
    producer: Box<dyn Any + Send + Sync>,
    emits: &'static str,
    has_ended: Box<dyn Fn() -> bool + Send + Sync>,
}

/// A name that cannot be registered, or is unknown.
///
/// ```
/// use stage_core::registry::{Registry, RegistryError};
/// use stage_core::stage::FromIter;
/// use stage_core::{Nothing, StageRef};
///
/// let missing: Result<StageRef<FromIter<std::ops::Range<u32>>, Nothing, u32>, _> = Registry::new().stage("numbers");
/// assert!(matches!(missing, Err(RegistryError::Unknown { name, .. }) if name == "numbers"));
/// ```
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Another stage has the name.
    #[error("the name `{name}` is taken by a running stage")]
    Taken {
        /// The name.
        name: String,
    },
    /// No running stage has the name.
    #[error("no running stage is named `{name}`; running stages: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The known names.
        known: String,
    },
    /// The stage with the name is of another type.
    #[error("the stage named `{name}` is not a `{expected}`")]
    OtherType {
        /// The name.
        name: String,
        /// The expected type.
        expected: &'static str,
    },
}

impl Registry {
    /// Creates an empty registry.
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers `stage` under a name.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Taken`] if another running stage has it.
    pub fn register<S, In, Out>(
        &self,
        name: impl Into<String>,
        stage: &StageRef<S, In, Out>,
    ) -> Result<(), RegistryError>
    where
        S: Send + 'static,
        In: Send + 'static,
        Out: Send + 'static,
    {
        self.insert(name.into(), Some(Box::new(stage.clone())), stage.producer())
    }

    /// Registers a stage under a name, for subscriptions to its events only. If `producer` is itself [a
    /// name](Self::producer), the stage registered under it now also gets this name.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Taken`] if another running stage has it; [`RegistryError::Unknown`] if `producer` is
    /// a name without a running stage that emits such events.
    pub fn register_producer<E: Send + 'static>(
        &self,
        name: impl Into<String>,
        producer: &ProducerRef<E>,
    ) -> Result<(), RegistryError> {
        // Registering a name for a name would look up the registry while it is locked.
        let Some(stage) = Arc::clone(&producer.stage).resolve() else {
            return Err(self.unknown(&producer.name()));
        };
        self.insert(name.into(), None, ProducerRef::<E>::new(stage))
    }

    fn insert<E: Send + 'static>(
        &self,
        name: String,
        stage: Option<Box<dyn Any + Send + Sync>>,
        producer: ProducerRef<E>,
    ) -> Result<(), RegistryError> {
        let mut names = lock(&self.names);
        if names.get(&name).is_some_and(|entry| !(entry.has_ended)()) {
            return Err(RegistryError::Taken { name });
        }
        let watched = Arc::clone(&producer.stage);
        let entry = Entry {
            stage,
            producer: Box::new(producer),
            emits: type_name::<E>(),
            has_ended: Box::new(move || watched.has_ended()),
        };
        names.insert(name, entry);
        Ok(())
    }

    /// Removes a name; returns whether a stage had it.
    #[inline]
    pub fn unregister(&self, name: &str) -> bool {
        lock(&self.names).remove(name).is_some()
    }

    /// Returns the names of running stages, in alphabetical order.
    #[inline]
    pub fn names(&self) -> Vec<String> {
        let mut names = lock(&self.names);
        names.retain(|_, entry| !(entry.has_ended)());
        let mut running: Vec<_> = names.keys().cloned().collect();
        running.sort_unstable();
        running
    }

    /// Returns a reference to the stage that has this name at the time of a subscription. If there is no such
    /// stage, or it emits other events, the subscription ends at once with [`ExitReason::NotFound`] or with
    /// that error.
    pub fn producer<E: Send + 'static>(&self, name: impl Into<String>) -> ProducerRef<E> {
        let name = name.into().into();
        let named = Named { registry: self.clone(), name, stage: Signal::new(), find: Self::find::<E> };
        ProducerRef::new(Arc::new(named))
    }

    /// Returns the stage that has this name now.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unknown`] if there is none, [`RegistryError::OtherType`] if it has another type.
    pub fn stage<S, In, Out>(&self, name: &str) -> Result<StageRef<S, In, Out>, RegistryError>
    where
        S: Send + 'static,
        In: Send + 'static,
        Out: Send + 'static,
    {
        let names = lock(&self.names);
        let Some(entry) = names.get(name).filter(|entry| !(entry.has_ended)()) else {
            drop(names);
            return Err(self.unknown(name));
        };
        let stage = entry.stage.as_ref().and_then(|stage| stage.downcast_ref::<StageRef<S, In, Out>>());
        stage.cloned().ok_or(RegistryError::OtherType { name: name.to_owned(), expected: type_name::<S>() })
    }

    #[inline]
    fn unknown(&self, name: &str) -> RegistryError {
        let known = self.names();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        RegistryError::Unknown { name: name.to_owned(), known }
    }

    /// Finds the stage registered under `name`, for a subscription.
    fn find<E: Send + 'static>(&self, name: &str) -> Found {
        let names = lock(&self.names);
        let entry = names.get(name).filter(|entry| !(entry.has_ended)()).ok_or(ExitReason::NotFound)?;
        match entry.producer.downcast_ref::<ProducerRef<E>>() {
            Some(producer) => Ok(Arc::clone(&producer.stage)),
            None => Err(ExitReason::Error(Arc::new(SubscribeError::OtherEvents {
                producer: name.to_owned(),
                emits: entry.emits,
                takes: type_name::<E>(),
            }))),
        }
    }
}

impl fmt::Debug for Registry {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("names", &self.names()).finish()
    }
}

/// The outcome of a search for the producer with a name.
type Found = Result<Arc<dyn Subscribable>, ExitReason>;

/// A reference by name, resolved at each subscription.
struct Named {
    registry: Registry,
    name: Arc<str>,
    /// For the slots of subscriptions that find no stage.
    stage: Arc<Signal>,
    /// Finds the stage, if it emits the events of the reference.
    find: fn(&Registry, &str) -> Found,
}

impl Reach for Named {
    #[inline]
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    #[inline]
    fn tell(&self, _tell: Tell) {}
}

impl Subscribable for Named {
    #[inline]
    fn resolve(self: Arc<Self>) -> Option<Arc<dyn Subscribable>> {
        (self.find)(&self.registry, &self.name).ok()
    }

    #[inline]
    fn has_ended(&self) -> bool {
        (self.find)(&self.registry, &self.name).is_err()
    }

    #[inline]
    fn claim(&self) -> Slot {
        Slot::claim(&self.stage)
    }

    #[inline]
    fn subscribe(&self, subscribe: Box<dyn AnySubscribe>) {
        let found = (self.find)(&self.registry, &self.name);
        subscribe.close(Closed::Nowhere(found.err().unwrap_or(ExitReason::NotFound)));
    }
}
