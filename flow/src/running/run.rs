//! One run of a flow that goes on by itself, and how it begins.

use std::sync::Arc;
use std::time::Instant;

use stage_core::spawn::{StageOptions, producer};
use stage_core::{ExitReason, Nothing, ProducerRef, StageRef, StageStats};
use tokio::sync::{mpsc, watch};

use super::flow_ref::{FlowRef, RunningFlow};
use super::keeper::Keeper;
use super::options::StartOptions;
use super::report::FlowReport;
use super::watch::{Command, watch};
use crate::error::FlowError;
use crate::exec::spawn;
use crate::plan::Build;
use crate::profile::{LayerProfile, Profile};

/// How a run ended.
type Ended = Option<Result<FlowReport, FlowError>>;

/// What the handles of a run share.
pub(super) struct Run {
    build: Build,
    commands: mpsc::UnboundedSender<Command>,
    ended: watch::Receiver<Ended>,
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

    pub(super) fn stats(&self) -> Vec<StageStats> {
        self.build.stats()
    }
}

/// A flow whose stages are wired, and whose sources wait for their release.
pub(crate) struct Begun<T, W, E> {
    pub(crate) build: Build,
    /// The stages of its last layer, if others may subscribe to them.
    pub(crate) producers: Vec<ProducerRef<T>>,
    /// Done when the flow has come to its end.
    pub(crate) work: W,
    /// The events that came out of the flow, of which these are the layers.
    pub(crate) events: E,
}

/// Gives the flow its name, and releases its events unless it is to be held.
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
    let flow = FlowRef::new(Arc::new(Run { build: build.clone(), commands, ended }));
    let (workers, held) = (options.workers, options.held);
    let named = spawn(workers, name(options, flow.clone(), producers));
    let keeper = named.await.unwrap_or(Err(FlowError::Stopped)).inspect_err(|_| build.stop())?;
    if !held {
        build.release();
    }
    let _watching = spawn(workers, async move {
        let began = Instant::now();
        let watched = watch(&build, work, &mut commanded).await;
        if let Some(keeper) = keeper {
            keeper.stop(ExitReason::Normal).await;
        }
        let layers = LayerProfile::of(build.stats());
        let profile = Profile { elapsed: began.elapsed(), events: events(&layers), layers };
        end.send_replace(Some(watched.map(|(outcome, cut_off)| FlowReport { outcome, profile, cut_off })));
    });
    Ok(RunningFlow::new(flow))
}

/// Gives a flow and the stages of its last layer their names; who keeps the first of them.
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
