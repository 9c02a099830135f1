//! Builds the pipelines of the commands, with their configured options.

use std::path::PathBuf;
use std::sync::Arc;

use stage_core::Pipeline;
use stage_core::config::ConfigErrors;

use crate::buffer::Buffers;
use crate::download::{self, Download, Publisher};
use crate::report::Progress;
use crate::repository::Scope;
use crate::seal::MasterKey;
use crate::session::Session;
use crate::upload::{self, Files, Recorder, Upload};

/// Creates the queue of `drip upload`.
pub(super) fn uploads(session: &Session, progress: &Arc<Progress>) -> upload::Queue {
    let (repository, storage) = (session.repository.clone(), session.storage.clone());
    let recorder = Recorder::new(storage.clone(), repository.clone());
    upload::Queue::new(repository, Scope::Uploads, storage, progress.clone(), recorder)
}

/// Creates the queue of `drip download` into this folder.
pub(super) fn downloads(session: &Session, folder: PathBuf, progress: &Arc<Progress>) -> download::Queue {
    let (repository, scope) = (session.repository.clone(), Scope::Downloads { folder });
    let publisher = Publisher::new(repository.clone(), progress.clone());
    download::Queue::new(repository, scope, session.storage.clone(), progress.clone(), publisher)
}

/// Builds the pipeline of `drip upload`, with the options of its section.
pub(super) fn upload(
    session: &Session,
    queue: &upload::Queue,
    master: MasterKey,
    progress: &Arc<Progress>,
) -> Result<Pipeline, ConfigErrors> {
    session.settings.apply(Upload::new(
        queue.clone(),
        Files::default(),
        master,
        session.cache.clone(),
        session.storage.clone(),
        progress.clone(),
        Upload::copies(),
    ))
}

/// Builds the pipeline of `drip download`, with the options of its section.
pub(super) fn download(
    session: &Session,
    queue: &download::Queue,
    master: MasterKey,
    progress: &Arc<Progress>,
) -> Result<Pipeline, ConfigErrors> {
    session.settings.apply(Download::new(
        queue.clone(),
        session.storage.clone(),
        session.cache.clone(),
        Buffers::default(),
        master,
        progress.clone(),
        Download::copies(),
    ))
}
