//! One run of a flow in the background, and how it is started.

use std::sync::Arc;
use std::time::Instant;

use stage_core::spawn::{StageOptions, producer};
use stage_core::stats::StageStats;
use stage_core::watch::{Ending, Group, Watched};
use stage_core::{ExitReason, Nothing, ProducerRef, StageRef};
use tokio::sync::{mpsc, watch};

use super::flow_ref::{FlowRef, RunningFlow};
use super::keeper::Keeper;
use super::options::StartOptions;
use super::report::FlowReport;
use super::watch::{Command, watch};
use crate::error::FlowError;
use crate::exec::{run_on, spawn};
use crate::plan::Build;
use crate::profile::{LayerProfile, Profile};

/// The end of a run; `None` while it runs.
type Ended = Option<Result<FlowReport, FlowError>>;

/// The state shared by the handles of a run.
pub(super) struct Run {
    build: Build,
    commands: mpsc::UnboundedSender<Command>,
    ended: watch::Receiver<Ended>,
    watched: Watched,
}

impl Run {
    pub(super) fn tell(&self, command: Command) {
        // A flow that has ended needs no command.
        let _ = self.commands.send(command);
    }

    pub(super) async fn ended(&self) -> Result<FlowReport, FlowError> {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Err(FlowError::Stopped)),
            // The runtime of the flow is gone.
            Err(_) => Err(FlowError::Stopped),
        }
    }

    pub(super) fn release(&self) {
        self.build.release();
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.watched
    }

    pub(super) fn stats(&self) -> Vec<StageStats> {
        self.build.stats()
    }
}

/// A flow whose stages are wired, and whose sources wait to be released.
pub(crate) struct Begun<T, W, E> {
    pub(crate) build: Build,
    /// The stages of its last layer, if external stages may subscribe to them.
    pub(crate) producers: Vec<ProducerRef<T>>,
    /// Completes when the flow has ended.
    pub(crate) work: W,
    /// Returns the number of events emitted by a flow with these layers.
    pub(crate) events: E,
}

/// Names the flow, and releases its events unless it is to be held back.
pub(crate) async fn begin<T, W, E>(
    options: StartOptions,
    wired: Begun<T, W, E>,
) -> Result<RunningFlow, FlowError>
where
    T: Send + 'static,
    W: Future<Output = Result<(), FlowError>> + Send + 'static,
    E: Fn(&[LayerProfile]) -> u64 + Send + 'static,
{
    let Begun { build, producers, work, events } = wired;
    let (commands, mut commanded) = mpsc::unbounded_channel();
    let (end, ended) = watch::channel(None);
    let label = options.name.as_ref().map_or("flow", |(_, name)| name);
    let group = group(label, &build, &commands);
    let watched = Watched::from(&group);
    let flow = FlowRef::new(Arc::new(Run { build: build.clone(), commands, ended, watched }));
    let (workers, held) = (options.workers, options.held);
    let named = run_on(workers, name(options, flow.clone(), producers));
    let keeper = named.await.inspect_err(|_| build.stop())?;
    if !held {
        build.release();
    }
    let watching = async move {
        let began = Instant::now();
        let watched = watch(&build, &group, work, &mut commanded).await;
        if let Some(keeper) = keeper {
            keeper.stop(ExitReason::Normal).await;
        }
        let layers = LayerProfile::of(build.stats());
        group.ended(match &watched {
            Ok((outcome, _)) => Ending::from(*outcome),
            Err(error) => Ending::Failed(error.to_string()),
        });
        let profile = Profile { elapsed: began.elapsed(), events: events(&layers), layers };
        end.send_replace(Some(watched.map(|(outcome, cut_off)| FlowReport { outcome, profile, cut_off })));
    };
    let _watching = spawn(workers, Box::pin(watching));
    Ok(RunningFlow::new(flow))
}

/// Returns the stages of a flow as a group to watch and to steer.
fn group(name: &str, build: &Build, commands: &mpsc::UnboundedSender<Command>) -> Group {
    let (drain, stop) = (commands.clone(), commands.clone());
    // A flow that has ended needs no command.
    let group = Group::named(name)
        .on_drain(move |deadline| drain.send(Command::Drain(deadline)).unwrap_or_default())
        .on_stop(move || stop.send(Command::Stop).unwrap_or_default());
    build.watched_in(group).watch()
}

/// Names the flow and the stages of its last layer; returns the stage that keeps the flow's name.
async fn name<T: Send + 'static>(
    options: StartOptions,
    flow: FlowRef,
    producers: Vec<ProducerRef<T>>,
) -> Result<Option<StageRef<Keeper, Nothing, Nothing>>, FlowError> {
    let Some((registry, name)) = options.name else { return Ok(None) };
    let keeper = producer(Keeper { flow }, StageOptions::named(&*name)).await.map_err(Build::failed)?;
    let named = registry.register(&*name, &keeper).and_then(|()| {
        let mut numbered = producers.iter().enumerate();
        numbered.try_for_each(|(number, stage)| registry.register_producer(format!("{name}/{number}"), stage))
    });
    match named {
        Ok(()) => Ok(Some(keeper)),
        Err(taken) => {
            keeper.stop_soon(ExitReason::Normal);
            Err(taken.into())
        }
    }
}
