//! Pipelines, tasks and supervisors under supervisors.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::pipeline::Outcome;
use stage_core::supervisor::ChildOptions;
use stage_core::{Intensity, Pipeline, PipelineError, Restart, StartError, Strategy, Supervisor, source};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A log of names, in the order of what happened to their owners.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<String>>>);

impl Book {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn read(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A supervisor with a task per name; each logs its start and its end, and panics on command.
fn tasks(names: [&'static str; 3], book: &Book, fail: &Arc<tokio::sync::Notify>) -> Supervisor {
    let mut supervisor = Supervisor::new("tasks");
    for name in names {
        let (book, fail) = (book.clone(), Arc::clone(fail));
        supervisor = supervisor.task(name, move |stopping| {
            let (book, fail) = (book.clone(), Arc::clone(&fail));
            async move {
                book.note(format!("+{name}"));
                if name == "b" {
                    tokio::select! {
                        () = fail.notified() => panic!("told to"),
                        () = stopping.asked() => {}
                    }
                } else {
                    stopping.asked().await;
                }
                book.note(format!("-{name}"));
                Ok(())
            }
        });
    }
    supervisor
}

async fn settle() {
    stage_core::testing::settle().await;
}

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_stop_in_reverse_order() {
    let (book, fail) = (Book::default(), Arc::default());
    let running = tasks(["a", "b", "c"], &book, &fail).start().await.unwrap();
    settle().await;
    assert_eq!(book.read(), ["+a", "+b", "+c"]);
    assert_eq!(running.stop().await.unwrap().outcome, Outcome::Stopped);
    assert_eq!(book.read(), ["-c", "-b", "-a"]);
}

#[tokio::test(start_paused = true)]
async fn each_strategy_restarts_its_own_share_of_children() {
    for (strategy, expected) in [
        (Strategy::OneForOne, vec!["+b"]),
        (Strategy::RestForOne, vec!["-c", "+b", "+c"]),
        (Strategy::OneForAll, vec!["-c", "-a", "+a", "+b", "+c"]),
    ] {
        let (book, fail) = (Book::default(), Arc::default());
        let running = tasks(["a", "b", "c"], &book, &fail).strategy(strategy).start().await.unwrap();
        settle().await;
        book.read();
        fail.notify_one();
        settle().await;
        assert_eq!(book.read(), expected, "{strategy:?}");
        running.stop().await.unwrap();
    }
}

fn broken(runs: &Arc<AtomicUsize>) -> Pipeline {
    runs.fetch_add(1, Ordering::SeqCst);
    Pipeline::builder("broken")
        .start_fn("numbers", || Ok((0..100_u64).inspect(|number| assert!(*number < 50, "bad number"))))
        .finish_fn("sink", drop)
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_gives_up_is_a_failure_of_its_supervisors_child_up_to_the_top() {
    let runs = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&runs);
    let once = Intensity { max_restarts: 1, within: Duration::from_secs(5) };
    let running = Supervisor::new("top")
        .intensity(once)
        .supervisor("inner", move || {
            let given = Arc::clone(&given);
            Ok(Supervisor::new("inner").intensity(once).pipeline("broken", move || Ok(broken(&given))))
        })
        .start()
        .await
        .unwrap();
    let error = running.join().await.unwrap_err();
    assert_eq!(runs.load(Ordering::SeqCst), 4, "each of two levels restarted once");
    let told = error.to_string();
    assert!(told.starts_with("the stage `inner` failed: the stage `broken` failed: "), "{told}");
    assert!(told.contains("the stage `numbers/0` panicked: bad number"), "{told}");
    let PipelineError::Failed { report, .. } = error else { panic!("{error}") };
    let source = report.stages.iter().find(|stage| stage.step == "inner/broken/numbers").unwrap();
    assert_eq!(source.restarts, 12, "three in each run");
}

#[tokio::test(start_paused = true)]
async fn a_transient_pipeline_that_finished_stays_finished_and_the_supervisor_ends_with_the_last() {
    let runs = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&runs);
    let running = Supervisor::new("all")
        .pipeline(ChildOptions::named("numbers").restart(Restart::Transient), move || {
            given.fetch_add(1, Ordering::SeqCst);
            Ok(Pipeline::builder("numbers").start_fn("source", || Ok(0..10_u64)).finish_fn("sink", drop))
        })
        .start()
        .await
        .unwrap();
    let report = running.join().await.unwrap();
    assert_eq!((report.outcome, runs.load(Ordering::SeqCst)), (Outcome::Finished, 1));
    let sink = report.stages.iter().find(|stage| stage.step == "numbers/sink").unwrap();
    assert_eq!(sink.events_in, 10);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_pipeline_that_finished_runs_again_and_the_numbers_of_its_runs_add_up() {
    let running = Supervisor::new("all")
        .intensity(Intensity { max_restarts: 9, within: Duration::from_secs(5) })
        .pipeline("numbers", || {
            Ok(Pipeline::builder("numbers").start_fn("source", || Ok(0..10_u64)).finish_fn("sink", drop))
        })
        .start()
        .await
        .unwrap();
    let error = running.join().await.unwrap_err();
    assert_eq!(error.to_string(), "the stage `numbers` finished; the pipeline gave up after 9 restarts");
    let sink = running.stats().into_iter().find(|stage| stage.step == "numbers/sink").unwrap();
    assert_eq!(sink.events_in, 100);
}

#[tokio::test(start_paused = true)]
async fn a_drain_goes_from_the_first_child_to_the_last_so_that_nothing_between_them_is_lost() {
    let (sent, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (first, second) = mpsc::channel(4);
    let second = Arc::new(Mutex::new(Some(second)));
    let (count, counted) = (Arc::clone(&sent), Arc::clone(&seen));
    let running = Supervisor::new("all")
        .pipeline("first", move || {
            let (sender, count) = (first.clone(), Arc::clone(&count));
            Ok(Pipeline::builder("first").start_fn("source", || Ok(0_u64..)).finish("send", move || {
                let (sender, count) = (sender.clone(), Arc::clone(&count));
                Ok(stage_core::sink::for_each_async(move |number| {
                    let (sender, count) = (sender.clone(), Arc::clone(&count));
                    async move {
                        count.fetch_add(1, Ordering::SeqCst);
                        Ok(sender.send(number).await?)
                    }
                }))
            }))
        })
        .pipeline("second", move || {
            let (receiver, counted) = (Mutex::new(second.lock().unwrap().take()), Arc::clone(&counted));
            Ok(Pipeline::builder("second")
                .start("receive", move || {
                    let receiver = receiver.lock().unwrap().take().ok_or("already received")?;
                    Ok(source::from_channel(receiver))
                })
                .finish_fn("count", move |_: u64| {
                    counted.fetch_add(1, Ordering::SeqCst);
                }))
        })
        .start()
        .await
        .unwrap();
    while seen.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    let report = running.drain(Duration::from_secs(10)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained, "{report}");
    assert_eq!(sent.load(Ordering::SeqCst), seen.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_whose_child_does_not_come_up_does_not_start() {
    let (book, fail) = (Book::default(), Arc::default());
    let error = tasks(["a", "b", "c"], &book, &fail)
        .pipeline("bad", || Err::<Pipeline, _>("no such file".into()))
        .start()
        .await
        .unwrap_err();
    let StartError::Stage { stage, reason, .. } = &error else { panic!("{error}") };
    assert_eq!((stage.as_str(), reason.to_string().as_str()), ("bad", "failed: no such file"));
    settle().await;
    assert_eq!(book.read(), Vec::<String>::new(), "no stage was released");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_is_cut_off_and_the_others_have_their_time() {
    let book = Book::default();
    let noted = book.clone();
    let running = Supervisor::new("all")
        .task("polite", move |stopping| {
            let book = noted.clone();
            async move {
                stopping.asked().await;
                tokio::time::sleep(Duration::from_secs(2)).await;
                book.note("polite");
                Ok(())
            }
        })
        .task("deaf", |_| std::future::pending())
        .start()
        .await
        .unwrap();
    let begun = Instant::now();
    let report = running.stop().await.unwrap();
    assert_eq!((report.cut_off, book.read()), (vec!["deaf".to_owned()], vec!["polite".to_owned()]));
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn many_stages_that_are_stuck_are_cut_off_together() {
    let running = Pipeline::builder("stuck")
        .start_fn("numbers", || Ok(0_u64..))
        .finish(stage_core::StepOptions::named("stuck").count(20), || {
            Ok(stage_core::sink::for_each_async(|_: u64| std::future::pending()))
        })
        .start()
        .await
        .unwrap();
    settle().await;
    let begun = Instant::now();
    let report = running.stop().await.unwrap();
    assert_eq!(report.cut_off.len(), 20);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(
        report.rejected.iter().any(|rejected| rejected.stage == "stuck/0" && rejected.events > 0),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_copies_of_a_step_stop_together() {
    for count in [1, 8] {
        let running = Pipeline::builder("slow")
            .start_fn("numbers", || Ok(0_u64..))
            .finish(stage_core::StepOptions::named("slow").count(count), || {
                Ok(stage_core::sink::for_each_async(|_: u64| async {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    Ok(())
                }))
            })
            .start()
            .await
            .unwrap();
        settle().await;
        let begun = Instant::now();
        let report = running.drain(Duration::from_secs(1)).await.unwrap();
        assert_eq!(report.cut_off, Vec::<String>::new());
        assert!(begun.elapsed() < Duration::from_secs(5), "{count}: {:?}", begun.elapsed());
    }
}
