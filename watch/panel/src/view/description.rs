//! A pipeline without its activity, as JSON.

use serde::Serialize;
use stage_core::pipeline::{Carried, LinkKind, OptionSource, StepKind};
use stage_core::watch::{Entry, Status};

use crate::options::Options;

/// A pipeline in the list of all.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) uptime: f64,
    #[serde(flatten)]
    pub(crate) summary: Summary,
}

/// The last sample of a pipeline in short.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Events a second that leave the sources.
    pub(super) rate: f64,
    pub(super) verdict: String,
}

/// A pipeline without its activity.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    name: String,
    state: String,
    steps: Vec<StepDescription>,
    links: Vec<LinkDescription>,
    options: Vec<OptionDescription>,
    in_flight: Option<usize>,
    controls: Vec<&'static str>,
    rates: Vec<String>,
    taps: Vec<String>,
    dead_letters: bool,
}

#[derive(Debug, Serialize)]
struct StepDescription {
    name: String,
    kind: &'static str,
    count: usize,
    /// The range of an elastic step, and the number of copies that run now.
    #[serde(skip_serializing_if = "Option::is_none")]
    elastic: Option<String>,
    copies: usize,
    lanes: usize,
    keyed: bool,
    placement: String,
    batch_size: Option<usize>,
    /// The window that is effective now.
    min_demand: usize,
    max_demand: usize,
    /// Whether the window is tuned automatically.
    tuned: bool,
    rate: Option<String>,
}

/// The value of an option now, and where it comes from: `default`, `code`, `steering`, or the name of an override.
#[derive(Debug, Serialize)]
struct OptionDescription {
    step: String,
    name: &'static str,
    value: String,
    origin: String,
}

#[derive(Debug, Serialize)]
struct LinkDescription {
    from: String,
    to: String,
    kind: &'static str,
    carries: &'static str,
    in_flight: Option<usize>,
}

impl Description {
    pub(crate) fn of(entry: &Entry, options: &Options) -> Self {
        let (topology, status) = (entry.topology(), entry.status());
        let named = |step: &str| status.steps.iter().find(|status| status.step == step);
        let steps = topology.steps.iter().map(|step| {
            let status = named(&step.name);
            StepDescription {
                name: step.name.clone(),
                kind: kind(step.kind),
                count: step.count,
                elastic: step.elastic.map(|range| range.to_string()),
                copies: status.map_or(step.copies(), |status| status.copies),
                lanes: step.lanes,
                keyed: step.keyed,
                placement: format!("{:?}", step.placement).to_lowercase(),
                batch_size: step.batch_size,
                min_demand: status.and_then(|status| status.min_demand).unwrap_or(step.min_demand),
                max_demand: status.and_then(|status| status.max_demand).unwrap_or(step.max_demand),
                tuned: status.is_some_and(|status| status.window_tuned),
                rate: status.and_then(|status| status.rate).map(|rate| rate.to_string()),
            }
        });
        let links = topology.links.iter().map(|link| LinkDescription {
            from: link.from.clone(),
            to: link.to.clone(),
            kind: match link.kind {
                LinkKind::Broadcast => "broadcast",
                LinkKind::Selected => "selected",
                LinkKind::Partition => "partition",
                LinkKind::Across => "across",
                _ => "straight",
            },
            carries: if matches!(link.carries, Carried::Events) { "events" } else { "batches" },
            in_flight: link.in_flight,
        });
        let name = entry.name();
        let taps = options.taps.keys().filter(|(pipeline, _)| pipeline == name);
        Self {
            name: name.to_owned(),
            state: status.state.to_string(),
            steps: steps.collect(),
            links: links.collect(),
            options: option_values(entry, &status),
            in_flight: topology.in_flight,
            controls: options.controls.names(),
            rates: status
                .steps
                .iter()
                .filter(|step| step.rate.is_some())
                .map(|step| step.step.clone())
                .collect(),
            taps: taps.map(|(_, step)| step.clone()).collect(),
            dead_letters: options.dead_letters.contains_key(name),
        }
    }
}

/// Lists the options of all steps; what an operator set replaces what the pipeline began with.
fn option_values(entry: &Entry, status: &Status) -> Vec<OptionDescription> {
    let steered = |step: &str| status.steps.iter().find(|of| of.step == step && of.window_steered);
    let options = entry.topology().options();
    let began = options.iter().map(|option| {
        let of = steered(&option.step);
        let steered = match option.name {
            "max_demand" => of.and_then(|of| of.max_demand).map(|events| events.to_string()),
            "min_demand" => of.and_then(|of| of.min_demand).map(|events| events.to_string()),
            // A tuned window is fixed once an operator sets it.
            "demand" if option.value != FIXED => of.map(|_| FIXED.to_owned()),
            _ => None,
        };
        let origin = match (&steered, &option.source) {
            (Some(_), _) => "steering".to_owned(),
            (None, OptionSource::Default) => "default".to_owned(),
            (None, OptionSource::Override(name)) => name.clone(),
            (None, _) => "code".to_owned(),
        };
        let value = steered.unwrap_or_else(|| option.value.clone());
        OptionDescription { step: option.step.clone(), name: option.name, value, origin }
    });
    // A tuned window begins without numbers.
    let tuned = options.iter().filter(|option| option.name == "demand" && option.value != FIXED);
    let fixed = tuned.filter_map(|option| steered(&option.step)).flat_map(|of| {
        let numbers = [("max_demand", of.max_demand), ("min_demand", of.min_demand)];
        numbers.into_iter().filter_map(|(name, events)| {
            let (value, origin) = (events?.to_string(), "steering".to_owned());
            Some(OptionDescription { step: of.step.clone(), name, value, origin })
        })
    });
    let rates = status.steps.iter().filter_map(|of| {
        let origin = if of.rate_steered { "steering" } else { "code" };
        let value = of.rate?.to_string();
        Some(OptionDescription { step: of.step.clone(), name: "rate", value, origin: origin.to_owned() })
    });
    began.chain(fixed).chain(rates).collect()
}

/// The value of `demand` for a window that is not tuned.
const FIXED: &str = "fixed";

const fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Producer => "producer",
        StepKind::ProducerConsumer => "producer_consumer",
        StepKind::Consumer => "consumer",
        StepKind::Whole => "whole",
    }
}
