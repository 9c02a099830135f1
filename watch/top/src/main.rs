//! `stage-top http://127.0.0.1:4000` shows the pipelines of a panel in the terminal.
#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use stage_top::{Action, Address, App, Client, News, draw};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// The time between two attempts to connect, and between two looks at the clock.
const PAUSE: Duration = Duration::from_secs(1);

/// The time after which the thread that reads keys looks whether the program has ended.
const LOOK: Duration = Duration::from_millis(200);

/// Shows the pipelines of a panel: states, queues, rates, and the bottleneck in words.
#[derive(Debug, Parser)]
#[command(name = "stage-top", version)]
struct Args {
    /// The address of the panel, as in `http://127.0.0.1:4000`
    address: Address,

    /// The token that controls need [default: the variable `STAGE_TOKEN`]
    #[arg(long)]
    token: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let token = args.token.or_else(|| std::env::var("STAGE_TOKEN").ok());
    let client = Client::new(args.address, token);
    // A wrong address is reported on the plain terminal.
    if let Err(error) = client.pipelines().await {
        eprintln!("stage-top: {error}");
        return ExitCode::FAILURE;
    }
    let terminal = ratatui::init();
    let ended = run(terminal, client).await;
    ratatui::restore();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stage-top: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(mut terminal: DefaultTerminal, client: Client) -> io::Result<()> {
    let mut app = App::default();
    let (sender, mut news) = unbounded_channel();
    let mut keys = keys();
    let mut following = follow(client.clone(), None, sender.clone());
    loop {
        terminal.draw(|frame| draw(frame, &app))?;
        tokio::select! {
            Some(one) = news.recv() => app.hear(one),
            key = keys.recv() => match key {
                Some(Ok(Some(key))) => match app.press(key) {
                    Action::Draw => {}
                    Action::Show(pipeline) => {
                        following.abort();
                        following = follow(client.clone(), Some(pipeline), sender.clone());
                    }
                    Action::Control(control) => {
                        let (client, sender) = (client.clone(), sender.clone());
                        tokio::spawn(async move {
                            if let Err(error) = client.control(control, &sender).await {
                                tell(&sender, News::Said(error.to_string()));
                            }
                        });
                    }
                    Action::Quit => return Ok(()),
                },
                // The terminal has another size.
                Some(Ok(None)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            () = tokio::time::sleep(PAUSE) => app.pass(PAUSE),
        }
    }
}

fn tell(sender: &UnboundedSender<News>, news: News) {
    // Without a receiver, the program is about to end.
    let _ = sender.send(news);
}

/// Follows a pipeline, and connects again when the connection ends.
fn follow(client: Client, pipeline: Option<String>, sender: UnboundedSender<News>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            if let Err(error) = client.follow(pipeline.as_deref(), &sender).await {
                tell(&sender, News::Said(error.to_string()));
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

/// Returns the keys that are pressed, read by a thread that waits for them; `None` for a new size.
fn keys() -> UnboundedReceiver<io::Result<Option<KeyCode>>> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        while !sender.is_closed() {
            let key = match event::poll(LOOK)
                .and_then(|there| if there { event::read().map(Some) } else { Ok(None) })
            {
                Ok(Some(Event::Key(key))) if key.kind == KeyEventKind::Press => Ok(Some(meant(key))),
                Ok(Some(Event::Resize(..))) => Ok(None),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            if sender.send(key).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Control and C mean the end.
fn meant(key: KeyEvent) -> KeyCode {
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
        KeyCode::Char('q')
    } else {
        key.code
    }
}
