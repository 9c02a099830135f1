//! Options from literals, constants and parameters, which reach the steps, and errors for invalid ones.

use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};

use stage_core::pipeline::{StepInfo, Topology};
use stage_core::{BoxError, Placement, StartError, pipeline};

const COPIES: usize = 2;

mod limits {
    pub(super) const MAX: usize = 64;
}

pipeline! {
    /// Every kind of value in every option.
    Options(prefix: String, copies: usize, max: usize, place: Placement) {
        name: format!("{prefix}-pipeline"), count: COPIES, min_demand: 5, max_demand: 20,

        start 0..10_u64, count: 1;
        step |number| number + 1;
        step |number| number, name: format!("{prefix}-step"), count: copies, max_demand: max, placement: place;
        step |number| number, count: COPIES * 2 + 1, min_demand: limits::MAX / 2, max_demand: limits::MAX;
        step |number| number, max_demand: 4, placement: rayon;
        step |number| number, name: "named", count: (3), min_demand: 0, placement: Placement::Runtime;
        finish drop;
    }
}

fn numbers(topology: &Topology) -> Vec<(&str, usize, usize, usize)> {
    let numbers = |step: &StepInfo| (step.count, step.min_demand, step.max_demand);
    let steps = topology.steps.iter().map(|step| (step.name.as_str(), numbers(step)));
    steps.map(|(name, (count, min, max))| (name, count, min, max)).collect()
}

#[test]
fn literals_constants_and_parameters_are_options() {
    let options = Options::new("my".to_owned(), 7, 30, Placement::Blocking);
    let topology = options.topology();
    assert_eq!(topology.name, "my-pipeline");
    assert_eq!(
        numbers(topology),
        [
            ("start", 1, 5, 20),
            ("step_1", 2, 5, 20),
            ("my-step", 7, 5, 30),
            ("step_3", 5, 32, 64),
            ("step_4", 2, 2, 4),
            ("named", 3, 0, 20),
            ("drop", 2, 5, 20),
        ]
    );
    let placements: Vec<_> = topology.steps.iter().map(|step| step.placement).collect();
    assert_eq!(
        placements[2..6],
        [Placement::Blocking, Placement::Runtime, Placement::Rayon, Placement::Runtime]
    );
}

#[tokio::test]
async fn a_parameter_that_cannot_be_an_option_is_the_error_of_start() {
    let failed = Options::new("my".to_owned(), 0, 0, Placement::Runtime).start().await;
    match failed {
        Err(StartError::Options { pipeline, errors }) => {
            assert_eq!(pipeline, "my-pipeline");
            assert!(errors.iter().any(|error| error.to_string().contains("my-step")), "{errors:?}");
        }
        other => panic!("expected an option error, got {other:?}"),
    }
}

pipeline! {
    /// As small as it gets: the demand of one is legal, and asks for one event at a time.
    OneByOne(into: Sender<u8>) {
        max_demand: 1,

        start || [1, 2, 3_u8].into_iter().cycle().take(5);
        step std::convert::identity;
        step std::convert::identity;
        finish |number| into.send(number).expect("the receiver is alive");
    }
}

#[tokio::test]
async fn a_pipeline_that_sets_only_a_small_maximum_runs() -> Result<(), BoxError> {
    let (into, received) = channel();
    let pipeline = OneByOne::new(into);
    let names: Vec<_> = pipeline.topology().steps.iter().map(|step| step.name.clone()).collect();
    assert_eq!(names, ["start", "identity", "identity_2", "finish"]);
    pipeline.start().await?.join().await?;
    assert_eq!(received.iter().collect::<Vec<_>>(), [1, 2, 3, 1, 2]);
    Ok(())
}

pipeline! {
    /// Four copies, fed by key.
    Keyed(keys: u64, into: Sender<(u64, u64)>) {
        start 0..10_000_u64;
        step |number| (number % keys, number), count: 4, by: |number| number % keys;
        finish |pair| into.send(pair).expect("the receiver is alive"), count: 3, by: |(key, _)| *key;
    }
}

#[tokio::test]
async fn a_keyed_step_keeps_the_order_of_each_key() -> Result<(), BoxError> {
    let (into, received) = channel();
    let keyed = Keyed::new(17, into);
    assert!(keyed.topology().steps[1..].iter().all(|step| step.keyed));
    keyed.start().await?.join().await?;
    let mut last: HashMap<u64, u64> = HashMap::new();
    let mut count = 0;
    for (key, number) in received {
        let before = last.insert(key, number);
        assert!(before.is_none_or(|before| before < number), "key {key}: {number} after {before:?}");
        count += 1;
    }
    assert_eq!((count, last.len()), (10_000, 17));
    Ok(())
}
