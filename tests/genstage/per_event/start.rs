//! Section 18: start and options.

use std::time::Duration;

use stage_core::per_event::{ChildRestart, PerEvent, Shutdown};
use stage_core::registry::{Registry, RegistryError};
use stage_core::spawn::{self, StageOptions};
use stage_core::testing::ManualProducer;
use stage_core::{ExitReason, Intensity, SubscribeOptions};

use super::support::{Supervisor, jobs, start};

#[tokio::test(start_paused = true)]
async fn g171_no_child_is_restarted_forever_and_every_shutdown_can_be_kept() {
    // The original refuses `permanent` and invalid shutdowns when it starts; here they cannot be expressed.
    let says = |restart| match restart {
        ChildRestart::Temporary => "never",
        ChildRestart::Transient => "after a failure",
    };
    assert_eq!([ChildRestart::Temporary, ChildRestart::Transient].map(says), ["never", "after a failure"]);
    let waits = |shutdown| match shutdown {
        Shutdown::Abort => Some(Duration::ZERO),
        Shutdown::After(time) => Some(time),
        Shutdown::Wait => None,
    };
    assert_eq!(waits(Shutdown::default()), Some(Duration::from_secs(5)));
    assert_eq!(Intensity::default(), Intensity { max_restarts: 3, within: Duration::from_secs(5) });
    // Options that depend on the subscription are refused with it.
    let workers = PerEvent::new(|_: u64| async {}).floor(10);
    let stage = spawn::consumer(workers, StageOptions::named("supervisor")).await.unwrap();
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    stage.subscribe(&source.producer(), SubscribeOptions::new().max_demand(10)).await.unwrap_err();
    let ExitReason::Error(error) = stage.ended().await else { panic!("an error") };
    assert_eq!(error.to_string(), "floor must be between 0 and 9 (max_demand - 1), got 10");
}

#[tokio::test(start_paused = true)]
async fn g174_a_stage_is_found_by_its_unique_name() {
    let registry = Registry::new();
    let (stage, _children) = start(jobs()).await;
    registry.register("supervisor", &stage).unwrap();
    let found: Supervisor = registry.stage("supervisor").unwrap();
    assert_eq!(found.name(), "supervisor");
    let (other, _children) = start(jobs()).await;
    let taken = registry.register("supervisor", &other).unwrap_err();
    assert!(matches!(taken, RegistryError::Taken { .. }));
    stage.stop(ExitReason::Shutdown).await;
    registry.register("supervisor", &other).expect("the name of a stage that has ended is free");
}
