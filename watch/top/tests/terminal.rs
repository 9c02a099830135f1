//! The program in a real terminal, by tmux. Skipped where tmux is not installed.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

#[path = "../../../examples/small/slow_step/line.rs"]
mod line;

use std::process::Stdio;
use std::time::{Duration, Instant};

use stage_core::watch::Board;
use stage_panel::{Controls, Options, Token, serve};
use tokio::process::Command;

/// The time that the program has to show something, on a machine with much other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// A tmux server of its own, which is killed when it is dropped.
struct Tmux(String);

impl Tmux {
    async fn run(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.0]).args(args).output().await.unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"]).await
    }

    /// Waits for a screen that contains `text`.
    async fn until(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen().await;
            if screen.contains(text) {
                return screen;
            }
            assert!(began.elapsed() < PATIENCE, "no `{text}` on:\n{screen}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let kill = std::process::Command::new("tmux")
            .args(["-L", &self.0, "kill-server"])
            .stderr(Stdio::null())
            .status();
        // A server that has ended already is what is wanted.
        drop(kill);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_shows_the_bottleneck_and_pauses_a_step() {
    if std::process::Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("skipped: tmux is not installed");
        return;
    }
    let slow = line::Slow::default();
    let running = line::pipeline(&slow).start().await.unwrap();
    let board = Board::new();
    board.add("slow_step", &running).unwrap();
    let options = Options::new().quiet().controls(Controls::none().pause()).token(Token::new("secret"));
    let panel = serve(board, options).await.unwrap();
    let tmux = Tmux(format!("stage-top-{}", std::process::id()));
    let program = env!("CARGO_BIN_EXE_stage-top");
    let command = format!("'{program}' {} --token secret", panel.url());
    tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "16", &command]).await;
    let screen = tmux.until("parse is the bottleneck").await;
    if let Some(file) = std::env::var_os("TOP_SCREEN") {
        std::fs::write(file, screen).unwrap();
    }
    slow.advance();
    tmux.until("encode is the bottleneck").await;
    tmux.run(&["send-keys", "Down", "p"]).await;
    tmux.until("parse (paused)").await;
    tmux.run(&["send-keys", "d", "y"]).await;
    tmux.until("the service does not allow `drain`").await;
    tmux.run(&["send-keys", "q"]).await;
    running.stop().await.unwrap();
}
