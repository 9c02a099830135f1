//! The numbers of a board in a metric exporter of the SDK: names, units, attributes and values.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]
#![allow(clippy::float_cmp, reason = "the numbers are whole")]

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use stage_core::policy::FailurePolicy;
use stage_core::watch::Board;
use stage_core::{Pipeline, StepOptions};

/// Returns the values of the points with these attributes.
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn values(metric: &Metric, attributes: &[(&str, &str)]) -> Vec<f64> {
    let fits = |of: &mut dyn Iterator<Item = &KeyValue>| {
        let of: Vec<_> = of.map(|pair| (pair.key.to_string(), pair.value.to_string())).collect();
        attributes.iter().all(|(name, value)| of.contains(&((*name).to_owned(), (*value).to_owned())))
    };
    match metric.data() {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => {
            assert!(sum.is_monotonic());
            let points = sum.data_points().filter(|point| fits(&mut point.attributes()));
            points.map(|point| point.value() as f64).collect()
        }
        AggregatedMetrics::F64(MetricData::Sum(sum)) => {
            let points = sum.data_points().filter(|point| fits(&mut point.attributes()));
            points.map(opentelemetry_sdk::metrics::data::SumDataPoint::value).collect()
        }
        AggregatedMetrics::F64(MetricData::Gauge(gauge)) => {
            let points = gauge.data_points().filter(|point| fits(&mut point.attributes()));
            points.map(opentelemetry_sdk::metrics::data::GaugeDataPoint::value).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_numbers_of_a_board_are_instruments_with_the_names_and_units_of_opentelemetry() {
    let exporter = InMemoryMetricExporter::default();
    let provider =
        SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter.clone()).build()).build();
    let board = Board::new();
    let running = Pipeline::builder("p")
        .start_fn("numbers", || Ok(0..100_u64))
        .step_each_fn(StepOptions::named("check").count(2), FailurePolicy::skip(), |number: u64| {
            if number.is_multiple_of(10) { Err("tenth") } else { Ok(number) }
        })
        .finish_fn("sink", |_| ())
        .start()
        .await
        .unwrap();
    running.steering().measure("sink").unwrap();
    board.add("upload", &running).unwrap();
    running.join().await.unwrap();
    stage_otel::observe(&board, &provider.meter("stage-core"));
    provider.force_flush().unwrap();

    let collected = exporter.get_finished_metrics().unwrap();
    let metrics: Vec<_> =
        collected.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics).collect();
    let find = |name: &str| {
        let of = metrics.iter().find(|metric| metric.name() == name);
        *of.unwrap_or_else(|| panic!("`{name}` is missing"))
    };
    let check = [("pipeline", "upload"), ("step", "check")];
    for (name, unit, attributes, expected) in [
        ("stage.events.in", "{event}", &check[..], 100.0),
        ("stage.copies", "{copy}", &check, 2.0),
        ("stage.up", "1", &[("pipeline", "upload")], 0.0),
        ("stage.event.failures", "{failure}", &[("step", "check"), ("outcome", "skipped")], 10.0),
        ("stage.link.handled", "{event}", &[("from", "check"), ("to", "sink")], 90.0),
        ("stage.batch.size.sum", "{event}", &[("step", "sink")], 90.0),
    ] {
        let metric = find(name);
        assert_eq!((metric.unit(), values(metric, attributes)), (unit, vec![expected]), "{name}");
        assert!(metric.description().ends_with('.'), "{}", metric.description());
    }
    let states = values(find("stage.state.time"), &check);
    assert_eq!((find("stage.state.time").unit(), states.len()), ("s", 5));
    let buckets = values(find("stage.callback.duration.bucket"), &[("step", "sink")]);
    let all = values(find("stage.callback.duration.count"), &[("step", "sink")]);
    assert_eq!(buckets.iter().copied().fold(0.0, f64::max), all[0]);
    provider.shutdown().unwrap();
}
