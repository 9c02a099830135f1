//! The OpenMetrics text of a board: an independent parser reads it, its names are documented, and a scrape of
//! many stages is quick.
#![forbid(unsafe_code)]
#![allow(clippy::float_cmp, reason = "the numbers are whole")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use prometheus_parse::{Scrape, Value};
use stage_core::policy::{FailurePolicy, each};
use stage_core::watch::{Board, JobCounts, OpenMetrics, openmetrics};
use stage_core::{Pipeline, Running, StepOptions, timed};
use tests::source::workspace_root;
use tokio::time::sleep;

/// Handles each number, except every tenth; the step that does is measured.
async fn tenths(name: &str) -> Running {
    let running = Pipeline::builder(name)
        .start_fn("numbers", || Ok(0..100_u64))
        .step_each(StepOptions::named("check").count(2), FailurePolicy::skip(), || {
            Ok(each(|number: u64| async move {
                if number.is_multiple_of(10) { Err("tenth") } else { Ok(number) }
            }))
        })
        .finish_fn("sink", |_| ())
        .start()
        .await
        .expect("it starts");
    running.steering().measure("check").expect("there is such a step");
    running
}

fn text(board: &Board, options: OpenMetrics) -> String {
    let mut text = String::new();
    options.write(board, &mut text);
    text
}

fn parse(text: &str) -> Scrape {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).expect("it parses")
}

/// Returns the sum of all samples with this name and these labels.
fn sum(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&prometheus_parse::Sample| {
        sample.metric == name && labels.iter().all(|(label, value)| sample.labels.get(label) == Some(*value))
    };
    let value = |sample: &prometheus_parse::Sample| match sample.value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => value,
        Value::Histogram(_) | Value::Summary(_) => panic!("`{name}` is a number"),
    };
    scrape.samples.iter().filter(fits).map(value).sum()
}

#[tokio::test(start_paused = true)]
async fn an_independent_parser_reads_the_numbers_of_every_pipeline() {
    let board = Board::new();
    let (one, two) = (tenths("one").await, tenths("two").await);
    board.add("one", &one).expect("free");
    board.add("two ü", &two).expect("free");
    one.join().await.expect("it ends");
    two.join().await.expect("it ends");
    let scrape = parse(&text(&board, OpenMetrics::new()));
    for pipeline in ["one", "two ü"] {
        let of = |step| [("pipeline", pipeline), ("step", step)];
        assert_eq!(sum(&scrape, "stage_events_in_total", &of("check")), 100.0, "{pipeline}");
        assert_eq!(sum(&scrape, "stage_events_in_total", &of("sink")), 90.0);
        assert_eq!(sum(&scrape, "stage_copies", &of("check")), 2.0);
        let skipped = [("pipeline", pipeline), ("step", "check"), ("outcome", "skipped")];
        assert_eq!(sum(&scrape, "stage_event_failures_total", &skipped), 10.0);
        let link = [("pipeline", pipeline), ("from", "check"), ("to", "sink")];
        assert_eq!(sum(&scrape, "stage_link_handled_total", &link), 90.0);
        assert_eq!(sum(&scrape, "stage_up", &[("pipeline", pipeline)]), 0.0, "it has ended");
        let info = [("pipeline", pipeline), ("state", "ended")];
        assert_eq!(sum(&scrape, "stage_pipeline_info", &info), 1.0);
    }
    // That parser does not know escapes.
    board.add("a \"b\" \\ c\nd", &two).expect("free");
    let escaped = "stage_up{pipeline=\"a \\\"b\\\" \\\\ c\\nd\"} 0\n";
    assert!(text(&board, OpenMetrics::new()).contains(escaped), "{escaped}");
}

#[tokio::test(start_paused = true)]
async fn a_measured_step_has_histograms_of_its_batches_and_callbacks() {
    let board = Board::new();
    let running = tenths("one").await;
    board.add("one", &running).expect("free");
    running.join().await.expect("it ends");
    let text = text(&board, OpenMetrics::new());
    let scrape = parse(&text);
    let batches = scrape.samples.iter().filter(|sample| sample.metric == "stage_batch_events");
    let batches: Vec<_> = batches.collect();
    let [sample] = batches[..] else { panic!("one step is measured: {batches:?}") };
    assert_eq!(sample.labels.get("step"), Some("check"));
    let labels = "{pipeline=\"one\",step=\"check\"}";
    assert!(text.contains(&format!("\nstage_batch_events_sum{labels} 100\n")), "{text}");
    let counted = sum(&scrape, "stage_batches_total", &[("step", "check")]);
    assert!(text.contains(&format!("\nstage_batch_events_count{labels} {counted}\n")), "{text}");
    assert!(text.contains(&format!("\nstage_callback_seconds_count{labels} {counted}\n")), "{text}");
}

#[tokio::test(start_paused = true)]
async fn copies_are_listed_on_request_and_add_up_to_their_step() {
    let board = Board::new();
    let running = tenths("one").await;
    board.add("one", &running).expect("free");
    running.join().await.expect("it ends");
    let (steps, copies) =
        (parse(&text(&board, OpenMetrics::new())), parse(&text(&board, OpenMetrics::new().per_copy())));
    assert!(steps.samples.iter().all(|sample| sample.labels.get("copy").is_none()));
    let check = [("step", "check")];
    assert_eq!(sum(&steps, "stage_events_in_total", &check), sum(&copies, "stage_events_in_total", &check));
    assert!(sum(&copies, "stage_events_in_total", &[("step", "check"), ("copy", "1")]) < 100.0);
}

#[tokio::test(start_paused = true)]
async fn functions_with_the_attribute_have_a_histogram() {
    let _subscriber = tracing::subscriber::set_default(Everything);
    nap().await;
    let text = text(&Board::new(), OpenMetrics::new());
    let scrape = parse(&text);
    let sample = scrape.samples.iter().find(|sample| sample.metric == "stage_timed_function_seconds");
    let sample = sample.unwrap_or_else(|| panic!("{text}"));
    assert_eq!(sample.labels.get("function"), Some("nap"));
    let Value::Histogram(buckets) = &sample.value else { panic!("{sample:?}") };
    let counts: Vec<_> = buckets.iter().map(|bucket| bucket.count).collect();
    assert!(counts.is_sorted() && counts.last() == Some(&1.0), "{counts:?}");
    assert!(text.contains("\nstage_timed_function_seconds_count{function=\"nap\"} 1\n"), "{text}");
}

#[timed(name = "nap")]
async fn nap() {
    sleep(Duration::from_millis(1)).await;
}

/// Enables every span.
struct Everything;

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// The families of a text, with their types and units, and the names of their labels.
fn families(text: &str) -> BTreeMap<String, (String, String, BTreeSet<String>)> {
    let mut families = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "TYPE", name, kind] => {
                let family = (kind.to_owned(), String::new(), BTreeSet::new());
                assert!(families.insert(name.to_owned(), family).is_none(), "`{name}` appears twice");
                current = Some(name.to_owned());
            }
            ["#", "UNIT", name, unit] => {
                assert!(name.ends_with(&format!("_{unit}")), "the unit of `{name}` is its suffix");
                families.get_mut(name).expect("its type precedes it").1.push_str(unit);
            }
            ["#", "HELP", name, help] => {
                assert_eq!(Some(name), current.as_deref());
                assert!(help.ends_with('.'), "{help}");
            }
            ["#", "EOF"] => current = None,
            _ => {
                let name = current.as_ref().expect("every sample has a family");
                let (sample, rest) = line.split_once('{').expect("every sample has labels");
                let family = families.get_mut(name).expect("its type precedes it");
                let suffixes: &[&str] = match family.0.as_str() {
                    "counter" => &["_total"],
                    "info" => &["_info"],
                    "histogram" => &["_bucket", "_count", "_sum"],
                    _ => &[""],
                };
                let suffix = sample.strip_prefix(name.as_str()).expect("families are contiguous");
                assert!(suffixes.contains(&suffix), "{line}");
                let (labels, _) = rest.rsplit_once("} ").expect("every sample has a value");
                let names =
                    labels.split("\",").filter_map(|label| Some(label.split_once("=\"")?.0.to_owned()));
                family.2.extend(names);
            }
        }
    }
    assert!(text.ends_with("\n# EOF\n"));
    families
}

/// Returns the families as `docs/design/watching.md` lists them.
fn documented() -> BTreeMap<String, (String, String, BTreeSet<String>)> {
    let text = fs::read_to_string(workspace_root().join("docs/design/watching.md")).expect("the document");
    let rows = text.lines().skip_while(|line| !line.starts_with("| family |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, unit, labels] = cells[..] else { panic!("{line}") };
        let labels = labels.split(", ").filter(|label| !label.is_empty());
        let mut labels: BTreeSet<_> = labels.map(|label| label.trim_matches('`').to_owned()).collect();
        if kind == "histogram" {
            labels.insert("le".to_owned());
        }
        if !labels.contains("function") && !labels.contains("queue") {
            labels.insert("pipeline".to_owned());
        }
        (name.trim_matches('`').to_owned(), (kind.to_owned(), unit.to_owned(), labels))
    };
    rows.map(row).collect()
}

#[tokio::test(start_paused = true)]
async fn the_families_are_those_of_the_document_and_follow_the_rules_of_the_format() {
    let _subscriber = tracing::subscriber::set_default(Everything);
    nap().await;
    let board = Board::new();
    let jobs = JobCounts { ready: 3, dead: 1, ..JobCounts::default() };
    board.add_queue("uploads", move || jobs).expect("free");
    let running = tenths("one").await;
    board.add("one", &running).expect("free");
    let acknowledged = acknowledged().await;
    acknowledged.steering().measure("numbers").expect("there is such a step");
    board.add("acknowledged", &acknowledged).expect("free");
    let flow = timed_flow().await;
    board.add("flow", &flow).expect("free");
    let (showing, _gauges) = showing().await;
    board.add("showing", &showing).expect("free");
    acknowledged.join().await.expect("it ends");
    flow.join().await.expect("it ends");
    let text = text(&board, OpenMetrics::new());
    assert!(text.contains("\nstage_queue_jobs{queue=\"uploads\",state=\"ready\"} 3\n"), "{text}");
    assert!(
        text.contains("\nstage_delivery_seconds_count{pipeline=\"acknowledged\",step=\"numbers\"} "),
        "{text}"
    );
    assert!(
        text.contains("\nstage_link_wait_seconds_count{pipeline=\"one\",from=\"numbers\",to=\"check\"} "),
        "{text}"
    );
    let found = families(&text);
    let documented = documented();
    assert_eq!(found.keys().collect::<Vec<_>>(), documented.keys().collect::<Vec<_>>());
    for (name, family) in &found {
        assert_eq!(family, &documented[name], "`{name}`");
    }
}

/// A pipeline whose source tracks acknowledgements.
async fn acknowledged() -> Running {
    use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
    use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};

    struct Nothing;

    impl Acknowledger for Nothing {
        type Receipt = u64;

        async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
            Ok(())
        }
    }

    #[derive(Default)]
    struct Numbers(u64, Option<Deliveries<u64>>);

    impl Producer for Numbers {
        type Event = Delivery<u64>;

        async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
            self.1 = Some(cx.acknowledge_by(Nothing, AckOptions::default()));
            Ok(Init::Ready)
        }

        async fn handle_demand(
            &mut self,
            demand: Demand,
            out: &mut Emitter<'_, Delivery<u64>>,
        ) -> StageResult {
            let deliveries = self.1.as_ref().ok_or("it was initialised")?;
            let next = self.0 + demand.get() as u64;
            out.extend(deliveries.deliver((self.0..next).map(|number| (number, number))));
            self.0 = next;
            if next > 100 {
                out.finish();
            }
            Ok(())
        }
    }

    let pipeline = Pipeline::builder("acknowledged")
        .start("numbers", || Ok(Numbers::default()))
        .finish_fn("sink", |_: Delivery<u64>| ());
    pipeline.start().await.expect("it starts")
}

/// A pipeline whose source shows values, and the handle that keeps them.
async fn showing() -> (Running, stage_core::stats::Gauges) {
    use stage_core::policy::{AtOnce, FailurePolicy, each};
    use stage_core::stats::Gauges;
    use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};

    struct Shows(std::sync::mpsc::Sender<Gauges>);

    impl Producer for Shows {
        type Event = u64;

        async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
            let gauges = cx.gauges();
            gauges.set_of("lag", "3", 17);
            gauges.set_of("owner", "3", "north");
            gauges.set("oldest", Duration::from_secs(2));
            self.0.send(gauges)?;
            Ok(Init::Ready)
        }

        async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
            out.finish();
            Ok(())
        }
    }

    let (sender, gauges) = std::sync::mpsc::channel();
    let pipeline = Pipeline::builder("showing").start("source", move || Ok(Shows(sender.clone())));
    let looks = pipeline.step_each_at_once("looks", AtOnce::new(2), FailurePolicy::skip(), || {
        Ok(each(async |number: u64| Ok::<_, std::io::Error>(number)))
    });
    let running = looks.finish_fn("sink", |_| ()).start().await.expect("it starts");
    (running, gauges.recv().expect("the source has started"))
}

/// A flow with event time.
async fn timed_flow() -> flow::RunningFlow {
    let times =
        flow::Flow::from_items(0..1_000_i64).event_time(|number: &i64| *number * 1_000, Duration::MAX);
    let options = flow::StartOptions::new().workers(flow::Workers::Current);
    let windows = flow::Window::fixed(Duration::from_secs(10));
    let counts = times.window(windows).stages(1).reduce(|| [0_u64], |count, _| count[0] += 1).emit();
    counts.start_with(options).await.expect("it starts")
}

#[tokio::test(start_paused = true)]
async fn a_scrape_of_a_thousand_copies_is_quick() {
    let running = Pipeline::builder("many")
        .start_fn("numbers", || Ok(0..10_000_u64))
        .step_fn(StepOptions::named("work").count(1_000), |number| number)
        .finish_fn("sink", |_| ())
        .start()
        .await
        .expect("it starts");
    let board = Board::new();
    board.add("many", &running).expect("free");
    running.join().await.expect("it ends");
    let mut text = String::with_capacity(1 << 20);
    openmetrics(&board, &mut text);
    let mut best = Duration::MAX;
    for _ in 0..20 {
        text.clear();
        let began = Instant::now();
        OpenMetrics::new().per_copy().write(&board, &mut text);
        best = best.min(began.elapsed());
    }
    println!("a scrape of 1,002 stages, by copy: {best:?} and {} bytes", text.len());
    // A debug build on a busy machine takes many times as long as a release build on an idle one.
    assert!(best < Duration::from_secs(1), "{best:?}");
}
