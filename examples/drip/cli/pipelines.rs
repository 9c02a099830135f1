//! Builds the pipelines of the commands, with their configured options.

use std::sync::Arc;

use stage_core::Pipeline;
use stage_core::config::ConfigErrors;

use crate::download::{Download, HardLinks};
use crate::report::Progress;
use crate::seal::MasterKey;
use crate::session::Session;
use crate::transfer::{Buffers, Queue};
use crate::upload::{Files, Upload};

/// Builds the pipeline of `drip upload`, with the options of its section.
pub(super) fn upload(
    session: &Session,
    queue: &Queue,
    master: MasterKey,
    progress: &Arc<Progress>,
) -> Result<Pipeline, ConfigErrors> {
    session.settings.apply(Upload::new(
        queue.clone(),
        Files::default(),
        master,
        session.cache.clone(),
        session.storage.clone(),
        session.repository.clone(),
        progress.clone(),
        Upload::copies(),
    ))
}

/// Builds the pipeline of `drip download`, with the options of its section.
pub(super) fn download(
    session: &Session,
    queue: &Queue,
    master: MasterKey,
    progress: &Arc<Progress>,
) -> Result<Pipeline, ConfigErrors> {
    session.settings.apply(Download::new(
        queue.clone(),
        session.storage.clone(),
        session.cache.clone(),
        Buffers::default(),
        master,
        session.repository.clone(),
        HardLinks::default(),
        progress.clone(),
        Download::copies(),
    ))
}
