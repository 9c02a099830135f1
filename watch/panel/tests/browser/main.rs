//! The page and its controls in a real browser. Skipped where no Chromium is installed.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod devtools;
#[path = "../../../../examples/small/slow_step/line.rs"]
mod line;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use devtools::Page;
use line::Slow;
use stage_core::pipeline::Outcome;
use stage_core::watch::Board;
use stage_core::{
    BoxError, Demand, Emitter, Pipeline, Producer, Running, StageResult, StepOptions, sink, source,
};
use stage_panel::{Controls, DeadLetter, DeadLetters, Options, Serving, Tap, Token, serve};

const TOKEN: &str = "a secret";

fn options() -> Options {
    Options::new().quiet().controls(Controls::all()).token(Token::new(TOKEN))
}

/// Serves the pipeline of `slow_step`.
async fn slow_step(slow: &Slow) -> (Running, Board, Serving) {
    let running = line::pipeline(slow).start().await.unwrap();
    let board = Board::new();
    board.add("slow_step", &running).unwrap();
    let serving = serve(board.clone(), options()).await.unwrap();
    (running, board, serving)
}

/// A store with one dead letter.
#[derive(Default)]
struct Letters(AtomicBool);

impl DeadLetters for Letters {
    async fn list(&self, _: Option<String>, _: usize) -> Result<Vec<DeadLetter>, BoxError> {
        let letter = DeadLetter { id: "17".into(), event: "<b>event</b>".into(), error: "503".into() };
        Ok(if self.0.load(Ordering::Relaxed) { Vec::new() } else { vec![letter] })
    }

    async fn retry(&self, id: String) -> Result<bool, BoxError> {
        assert_eq!(id, "17");
        Ok(!self.0.swap(true, Ordering::Relaxed))
    }

    async fn drop_letter(&self, _: String) -> Result<bool, BoxError> {
        Ok(false)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_a_tap_and_retries_a_dead_letter() {
    let Some(mut page) = Page::open().await else { return };
    let running = line::pipeline(&Slow::default()).start().await.unwrap();
    let board = Board::new();
    board.add("slow_step", &running).unwrap();
    let tap = Tap::new();
    let options = options().tap("slow_step", "parse", &tap).dead_letters("slow_step", Letters::default());
    let serving = serve(board, options).await.unwrap();
    page.navigate(&serving.url()).await;
    // An event is text, whatever it contains.
    page.until("$('dead').textContent.includes('<b>event</b>')").await;
    page.until("nodes.size === 4 && tick").await;
    page.value("pick('parse'); $('every').value = 1").await;
    page.press("tap").await;
    page.until("tap.readyState === EventSource.OPEN").await;
    tap.see(&"an event on its way");
    page.until("$('taps').textContent === '\"an event on its way\"'").await;
    page.value("$('dead').querySelector('button').click()").await;
    answer(&mut page, Some(TOKEN)).await;
    page.until("$('dead').textContent === 'None'").await;
    assert!(page.errors.is_empty(), "{:#?}", page.errors);
    page.close().await;
    running.stop().await.unwrap();
}

/// Waits until the page names this step as the bottleneck, in its sentence and in the graph.
async fn until_cause(page: &mut Page, step: &str) {
    let sentence = format!("$('sentence').textContent.startsWith('{step} is the bottleneck')");
    let outlined = format!("document.querySelector('.node.cause')?.dataset.step === '{step}'");
    let only = "document.querySelectorAll('.node.cause').length === 1";
    page.until(&format!("{sentence} && {outlined} && {only}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_names_the_bottleneck_and_follows_it() {
    let Some(mut page) = Page::open().await else { return };
    let slow = Slow::default();
    let (running, _board, serving) = slow_step(&slow).await;
    page.navigate(&serving.url()).await;
    page.until("document.querySelectorAll('.node').length === 4").await;
    page.until("[...document.querySelectorAll('#edges text')].some(label => /^\\d+\\/\\d+ · /.test(label.textContent))")
        .await;
    until_cause(&mut page, "parse").await;
    page.until("document.querySelectorAll('#rows tr').length === 4").await;
    for _ in 1..line::STEPS.len() {
        let next = slow.advance();
        until_cause(&mut page, next).await;
    }
    page.until("tick.at > 12").await;
    page.picture("light").await;
    page.prefer("dark").await;
    page.picture("dark").await;
    page.prefer("light").await;
    page.resize(390, 844).await;
    page.until("upright && document.documentElement.scrollWidth <= 390").await;
    page.picture("phone").await;
    assert!(page.errors.is_empty(), "{:#?}", page.errors);
    page.close().await;
    running.stop().await.unwrap();
}

/// Answers the dialog of the page.
async fn answer(page: &mut Page, token: Option<&str>) {
    page.until("$('ask').open").await;
    if let Some(token) = token {
        page.value(&format!("$('token').value = '{token}'")).await;
    }
    page.press("ask-yes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_controls_the_pipeline_with_the_token() {
    let Some(mut page) = Page::open().await else { return };
    let (running, board, serving) = slow_step(&Slow::default()).await;
    page.navigate(&serving.url()).await;
    page.until("tick.steps[1].in > 0").await;

    // By the keyboard: from the source to the next step, and its details.
    page.value("nodes.get('numbers').el.focus()").await;
    page.key("ArrowRight").await;
    page.key("Enter").await;
    page.until("$('d-name').textContent === 'parse' && !$('detail').hidden").await;

    assert!(page.errors.is_empty(), "{:#?}", page.errors);
    page.press("pause").await;
    answer(&mut page, Some("wrong")).await;
    page.until("$('said').textContent.includes('need the token')").await;
    // The browser itself logs the refusal, and nothing else is wrong.
    assert!(page.errors.iter().all(|error| error.contains("403")), "{:#?}", page.errors);
    page.errors.clear();

    page.press("pause").await;
    answer(&mut page, Some(TOKEN)).await;
    page.until("tick.steps[1].paused && tick.steps[1].in === 0").await;
    page.press("resume").await;
    page.until("!tick.steps[1].paused && tick.steps[1].in > 0").await;
    page.press("pause-all").await;
    page.until("$('state').textContent === 'paused' && tick.steps[0].out === 0").await;
    page.press("resume-all").await;
    page.until("$('state').textContent === 'running' && tick.steps[0].out > 0").await;

    page.value("$('w-min').value = 3; $('w-max').value = 7").await;
    page.press("window").await;
    page.until("plan.steps[1].max_demand === 7 && plan.steps[1].min_demand === 3").await;
    let status = board.get("slow_step").unwrap().status();
    assert_eq!((status.steps[1].min_demand, status.steps[1].max_demand), (Some(3), Some(7)));
    page.until("$('d-list').textContent.includes('max_demand 7 (steering)')").await;
    page.picture("options").await;

    page.press("drain").await;
    answer(&mut page, None).await;
    page.until("$('state').textContent === 'drained'").await;
    assert_eq!(running.join().await.unwrap().outcome, Outcome::Drained);
    assert!(page.errors.is_empty(), "{:#?}", page.errors);
    page.close().await;
}

/// A source whose server does not answer.
struct Unreachable;

impl Producer for Unreachable {
    type Event = u64;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.set_waiting_for(Some("the server db:5432: connection refused"));
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_names_the_condition_that_a_source_waits_for() {
    let Some(mut page) = Page::open().await else { return };
    let orders = Pipeline::builder("orders").start("inbox", || Ok(Unreachable));
    let running = orders.finish("store", || Ok(sink::for_each(|_: u64| {}))).start().await.unwrap();
    let board = Board::new();
    board.add("orders", &running).unwrap();
    let serving = serve(board, options()).await.unwrap();
    page.navigate(&serving.url()).await;
    page.until("$('waits').textContent === 'inbox waits for the server db:5432: connection refused.'").await;
    page.until("document.querySelectorAll('.node').length === 2").await;
    page.picture("waits").await;
    assert!(page.errors.is_empty(), "{:#?}", page.errors);
    page.close().await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_server_dies_says_so_and_recovers() {
    let Some(mut page) = Page::open().await else { return };
    let (running, board, serving) = slow_step(&Slow::default()).await;
    let address: SocketAddr = serving.address();
    page.navigate(&serving.url()).await;
    until_cause(&mut page, "parse").await;
    serving.stop().await;
    page.until(
        "document.body.classList.contains('stale') && /^No data for \\d+ s/.test($('stale').textContent)",
    )
    .await;
    page.picture("stale").await;
    let again = serve(board, options().listen_on(address)).await.unwrap();
    page.until("!document.body.classList.contains('stale') && $('stale').hidden").await;
    page.close().await;
    again.stop().await;
    running.stop().await.unwrap();
}

/// A pipeline of a source and 200 steps with 1,000 copies.
fn wide() -> Pipeline {
    let step = |number: usize| StepOptions::named(format!("step_{number}")).count(5);
    let mut chain = Pipeline::builder("wide")
        .start("clock", || Ok(source::interval(Duration::from_millis(20))?))
        .step_fn(step(1), |_| 0_u64);
    for number in 2..200 {
        chain = chain.step_fn(step(number), |number: u64| number);
    }
    chain.finish_fn(step(200), |_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_steps_and_a_thousand_copies_stay_responsive() {
    let Some(mut page) = Page::open().await else { return };
    let running = wide().start().await.unwrap();
    let board = Board::new();
    board.add("wide", &running).unwrap();
    let serving = serve(board, options()).await.unwrap();
    page.navigate(&serving.url()).await;
    page.until("document.querySelectorAll('.node').length === 201 && tick.steps[1].in > 0").await;
    page.press("v-copies").await;
    page.until("$('count').textContent === '150 of 1001 shown'").await;
    page.press("more").await;
    page.until("$('rows').children.length === 1001").await;
    page.value("$('filter').value = 'step_77/'; $('filter').oninput()").await;
    page.until("$('rows').children.length === 5").await;
    page.value("$('filter').value = ''; $('filter').oninput(); $('cols').children[5].firstChild.click()")
        .await;
    page.until("$('rows').children.length === 1001 && $('cols').children[5].ariaSort === 'descending'").await;
    // The time of one tick on the page, with all rows in sight: half a second of a busy machine is the limit.
    let best = page.value("Math.min(...[1, 2, 3, 4, 5].map(() => { const t = performance.now(); paint(); return performance.now() - t; }))").await;
    assert!(best.as_f64().unwrap() < 500.0, "{best} ms");
    page.picture("wide").await;
    assert!(page.errors.is_empty(), "{:#?}", page.errors);
    page.close().await;
    running.stop().await.unwrap();
}
