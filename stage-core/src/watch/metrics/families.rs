//! The metric families: their names, types, units and values. `docs/design/watching.md` has the same table.

use super::labels::label;
use super::text::{Family, MetricKind, SIZES, TIMES};
use super::view::{LinkRow, Row, View};
use crate::base::stats::{GaugeValue, StageHistograms, StageState};
use crate::sync::Arc;
use crate::watch::snapshot::LinkSnapshot;

/// A metric family, and the samples of it that a pipeline has.
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: MetricKind,
    pub(super) unit: Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) write: fn(&View, &mut Family<'_>),
}

impl Metric {
    #[inline]
    const fn counter(name: &'static str, help: &'static str, write: fn(&View, &mut Family<'_>)) -> Self {
        Self { name, kind: MetricKind::Counter, unit: None, help, write }
    }

    #[inline]
    const fn gauge(name: &'static str, help: &'static str, write: fn(&View, &mut Family<'_>)) -> Self {
        Self { name, kind: MetricKind::Gauge, unit: None, help, write }
    }

    #[inline]
    const fn unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }
}

#[inline]
fn rows(view: &View, family: &mut Family<'_>, value: fn(&Row) -> u64) {
    view.rows.iter().for_each(|row| family.sample(&row.labels, value(row)));
}

fn row_labels<const N: usize>(
    view: &View,
    family: &mut Family<'_>,
    label: &'static str,
    values: impl Fn(&Row) -> [(&'static str, u64); N],
) {
    for row in &view.rows {
        for (of, value) in values(row) {
            family.sample_with(&row.labels, Some((label, of)), value);
        }
    }
}

#[inline]
fn links(view: &View, family: &mut Family<'_>, value: fn(&LinkSnapshot) -> u64) {
    view.links.iter().for_each(|LinkRow { labels, link, .. }| family.sample(labels, value(link)));
}

/// Passes each gauge with its labels to `write`.
fn gauges(view: &View, mut write: impl FnMut(&str, &GaugeValue)) {
    for row in &view.rows {
        for gauge in &row.gauges {
            let mut labels = row.labels.clone();
            label(&mut labels, "gauge", gauge.name);
            label(&mut labels, "of", &gauge.of);
            write(&labels, &gauge.value);
        }
    }
}

fn histograms(view: &View, mut write: impl FnMut(&str, &[Arc<StageHistograms>])) {
    view.rows.iter().for_each(|row| write(&row.labels, &row.histograms));
}

/// Counts of a histogram: by bound, of all values, and their sum.
type Counts<T> = (Vec<u64>, u64, T);

fn add<T: Copy>(one: &Counts<T>, other: &Counts<T>, sum: fn(T, T) -> T) -> Counts<T> {
    let below = one.0.iter().zip(&other.0).map(|(one, other)| one + other).collect();
    (below, one.1 + other.1, sum(one.2, other.2))
}

#[inline]
const fn histogram_of_times(
    name: &'static str,
    help: &'static str,
    write: fn(&View, &mut Family<'_>),
) -> Metric {
    Metric { name, kind: MetricKind::Histogram, unit: Some("seconds"), help, write }
}

/// The durations of functions with `#[timed]`, which belong to no pipeline.
pub(super) const TIMED: Metric =
    histogram_of_times("stage_timed_function_seconds", "Durations of functions with `#[timed]`.", |_, _| ());

/// The jobs of queues, which belong to no pipeline.
pub(super) const QUEUE_JOBS: Metric =
    Metric::gauge("stage_queue_jobs", "Jobs of a queue, by state.", |_, _| ());

/// All families of pipelines, in the order in which they are written.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        kind: MetricKind::Info,
        ..Metric::gauge("stage_pipeline", "The state of a pipeline, in one word.", |view, family| {
            let state = view.status.state.name();
            family.sample_with(&view.labels, Some(("state", state)), 1);
        })
    },
    Metric::gauge(
        "stage_pipeline_start_time_seconds",
        "The time of the start, in seconds since the Unix epoch.",
        |view, family| {
            let started = view.status.started.duration_since(std::time::UNIX_EPOCH);
            family.sample(&view.labels, started.unwrap_or_default());
        },
    )
    .unit("seconds"),
    Metric::gauge("stage_up", "Whether the pipeline has not ended: 1, or 0 once it has.", |view, family| {
        family.sample(&view.labels, u64::from(!view.status.state.is_ended()));
    }),
    Metric::gauge("stage_copies", "Copies of a step that run, or will again.", |view, family| rows(view, family, |row| row.copies)),
    Metric::counter("stage_events_in", "Events handled.", |view, family| {
        rows(view, family, |row| row.events_in);
    }),
    Metric::counter("stage_events_out", "Events sent to subscribers.", |view, family| {
        rows(view, family, |row| row.events_out);
    }),
    Metric::counter("stage_batches", "Batches handled; for a source, demands handled.", |view, family| {
        rows(view, family, |row| row.batches);
    }),
    Metric::counter(
        "stage_state_seconds",
        "Time spent in each state, over all copies.",
        |view, family| {
            for row in &view.rows {
                for state in StageState::ALL {
                    family.sample_with(&row.labels, Some(("state", state.name())), row.times.of(state));
                }
            }
        },
    )
    .unit("seconds"),
    Metric::gauge(
        "stage_callback_age_seconds",
        "Time since the longest callback in progress was last polled or, if it is being polled, since that began.",
        |view, family| {
            for row in &view.rows {
                family.sample(&row.labels, row.callback_age);
            }
        },
    )
    .unit("seconds"),
    Metric::gauge(
        "stage_buffered_events",
        "Events emitted for which there is no demand yet.",
        |view, family| rows(view, family, |row| row.buffered),
    )
    .unit("events"),
    Metric::gauge(
        "stage_held_events",
        "Events held inside, in open batches or for a rate.",
        |view, family| rows(view, family, |row| row.held),
    )
    .unit("events"),
    Metric::counter(
        "stage_events_left_out",
        "Events taken and left out on purpose, by a filter or a ready-made step.",
        |view, family| rows(view, family, |row| row.left_out),
    ),
    Metric::gauge(
        "stage_waiting_retries",
        "Held events that wait for their next attempt.",
        |view, family| rows(view, family, |row| row.retries),
    ),
    Metric::gauge(
        "stage_at_once",
        "Events that the copies of a step may handle at once now.",
        |view, family| {
            for row in &view.rows {
                if let Some(events) = row.at_once {
                    family.sample(&row.labels, events);
                }
            }
        },
    ),
    Metric::counter("stage_events_discarded", "Events discarded, by reason.", |view, family| {
        row_labels(view, family, "reason", |row| {
            let lost = &row.discards;
            [
                ("overflow", lost.overflow),
                ("unroutable", lost.unroutable),
                ("failed", lost.failed),
                ("ended", lost.ended),
            ]
        });
    }),
    Metric::counter("stage_event_failures", "Failed attempts at events, by outcome.", |view, family| {
        row_labels(view, family, "outcome", |row| {
            let failures = &row.failures;
            [
                ("retried", failures.retried),
                ("skipped", failures.skipped),
                ("dead_letter", failures.dead_lettered),
                ("deadline", failures.past_deadline),
                ("fatal", failures.fatal),
            ]
        });
    }),
    Metric::counter("stage_restarts", "Restarts of stages.", |view, family| {
        rows(view, family, |row| row.restarts);
    }),
    Metric::counter("stage_handler_remakes", "Handlers rebuilt after a panic.", |view, family| {
        rows(view, family, |row| row.failures.remade_handlers);
    }),
    Metric::gauge("stage_gauge", "Counts that the code of a step shows.", |view, family| {
        gauges(view, |labels, value| {
            if let GaugeValue::Count(count) = value {
                family.sample(labels, *count);
            }
        });
    }),
    Metric::gauge("stage_gauge_seconds", "Times that the code of a step shows.", |view, family| {
        gauges(view, |labels, value| {
            if let GaugeValue::Time(time) = value {
                family.sample(labels, *time);
            }
        });
    })
    .unit("seconds"),
    Metric {
        kind: MetricKind::Info,
        ..Metric::gauge("stage_gauge_text", "Texts that the code of a step shows.", |view, family| {
            gauges(view, |labels, value| {
                if let GaugeValue::Text(text) = value {
                    let mut labels = labels.to_owned();
                    label(&mut labels, "text", text);
                    family.sample(&labels, 1);
                }
            });
        })
    },
    Metric::counter("stage_link_asked", "Events that the consumers asked for.", |view, family| {
        links(view, family, |link| link.asked);
    }),
    Metric::counter("stage_link_sent", "Events that the producers sent.", |view, family| {
        links(view, family, |link| link.sent);
    }),
    Metric::counter("stage_link_handled", "Events that the consumers handled.", |view, family| {
        links(view, family, |link| link.handled);
    }),
    Metric::gauge(
        "stage_link_window",
        "The sum of the demand windows of all links that exist.",
        |view, family| {
            for LinkRow { labels, link, .. } in &view.links {
                family.sample_with(labels, Some(("bound", "min")), link.min_demand);
                family.sample_with(labels, Some(("bound", "max")), link.max_demand);
            }
        },
    ),
    Metric::counter("stage_deliveries", "Deliveries of acknowledged sources, by verdict.", |view, family| {
        if let Some(settlement) = &view.status.settlement {
            for (verdict, count) in [
                ("acknowledged", settlement.acknowledged),
                ("rejected", settlement.rejected),
                ("untold", settlement.untold),
            ] {
                family.sample_with(&view.labels, Some(("verdict", verdict)), count);
            }
        }
    }),
    Metric::counter(
        "stage_deliveries_dead",
        "Rejected deliveries whose events the sources set aside for good.",
        |view, family| {
            if let Some(settlement) = &view.status.settlement {
                family.sample(&view.labels, settlement.dead);
            }
        },
    ),
    Metric {
        kind: MetricKind::Histogram,
        ..Metric::gauge("stage_batch_events", "Events in a batch of a measured step.", |view, family| {
            histograms(view, |labels, all| {
                let all = all.iter().map(|one| one.batches_below(&SIZES));
                if let Some((below, count, sum)) = all.reduce(|one, other| add(&one, &other, |a, b| a + b)) {
                    family.sizes(labels, &below, count, sum);
                }
            });
        })
        .unit("events")
    },
    histogram_of_times(
        "stage_callback_seconds",
        "Time from the beginning to the end of a batch of a measured step.",
        |view, family| {
            histograms(view, |labels, all| {
                let all = all.iter().map(|one| one.callbacks_below(&TIMES));
                if let Some((below, count, sum)) = all.reduce(|one, other| add(&one, &other, |a, b| a + b)) {
                    family.times(labels, &below, count, sum);
                }
            });
        },
    ),
    histogram_of_times(
        "stage_delivery_seconds",
        "Time from the making of a delivery of a measured source to its verdict.",
        |view, family| {
            histograms(view, |labels, all| {
                let all = all.iter().map(|one| one.deliveries_below(&TIMES));
                let sum = all.reduce(|one, other| add(&one, &other, |a, b| a + b));
                if let Some((below, count, sum)) = sum.filter(|(_, count, _)| *count > 0) {
                    family.times(labels, &below, count, sum);
                }
            });
        },
    ),
    histogram_of_times(
        "stage_link_wait_seconds",
        "Time from the sending of an event to a measured step to the end of its handling; a sample.",
        |view, family| {
            for LinkRow { labels, waits, .. } in &view.links {
                let all = waits.iter().map(|one| one.below(&TIMES));
                if let Some((below, count, sum)) = all.reduce(|one, other| add(&one, &other, |a, b| a + b)) {
                    family.times(labels, &below, count, sum);
                }
            }
        },
    ),
    Metric::gauge("stage_deliveries_open", "Deliveries without a verdict.", |view, family| {
        if let Some(settlement) = &view.status.settlement {
            family.sample(&view.labels, settlement.open());
        }
    }),
    Metric::gauge(
        "stage_oldest_delivery_age_seconds",
        "The age of the oldest delivery without a verdict, or 0.",
        |view, family| {
            if view.status.settlement.is_some() {
                family.sample(&view.labels, view.status.oldest_open.unwrap_or_default());
            }
        },
    )
    .unit("seconds"),
    Metric::gauge(
        "flow_watermark_lag_seconds",
        "Time by which the watermark of a partition is behind the latest event time.",
        |view, family| {
            for (labels, lag, _) in &view.event_times {
                if let Some(lag) = lag {
                    family.sample(labels, *lag);
                }
            }
        },
    )
    .unit("seconds"),
    Metric::counter("flow_late_events", "Events that came too late for every window.", |view, family| {
        for (labels, _, late) in &view.event_times {
            family.sample(labels, *late);
        }
    }),
];
