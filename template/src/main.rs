//! Runs the service until a signal asks it to stop.
#![forbid(unsafe_code)]

use std::time::Duration;

use {{crate_name}}::{Order, Orders, store};
use stage_core::config::{Configure, Overrides};
use stage_core::watch::Board;
use stage_core::{BoxError, source};
use tokio::sync::mpsc;

/// The time for the events in flight after a signal.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().init();
    let mut options = Overrides::new();
    if std::path::Path::new("service.toml").exists() {
        options = options.file("service.toml")?;
    }
    let options = options.variables("SERVICE", std::env::vars());

    let (sender, receiver) = mpsc::channel(100);
    let (letters, mut set_aside) = mpsc::unbounded_channel();
    let orders = Orders::new(source::from_channel(receiver), store, letters);
    let running = orders.configure(&options)?.start().await?;

    let board = Board::new();
    board.add("orders", &running)?;
    let panel = stage_panel::serve(board, stage_panel::Options::new()).await?;
    tracing::info!(url = panel.url(), "panel");

    // Replace this task by the source of your orders.
    let feed = tokio::spawn(async move {
        for id in 0.. {
            if sender.send(Order { id, items: (id % 5) as u32 }).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let letters = tokio::spawn(async move {
        while let Some(letter) = set_aside.recv().await {
            tracing::warn!(order = letter.event.id, error = %letter.error, "set aside");
            letter.acknowledge();
        }
    });

    // A pipeline that fails ends the service with its error.
    let ended = running.drain_after(stop_signal(), DEADLINE).await;
    feed.abort();
    panel.stop().await;
    let report = ended?;
    tracing::info!(?report.elapsed, "drained");
    letters.await?;
    Ok(())
}

/// Waits for SIGTERM or an interrupt from the keyboard.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
