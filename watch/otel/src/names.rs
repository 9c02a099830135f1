//! The names of the metrics in OpenTelemetry, with their units.

/// The name of a family in OpenMetrics text, its name and its unit in OpenTelemetry.
pub(crate) type Name = (&'static str, &'static str, &'static str);

/// All families. Units follow UCUM: `s` for seconds, others in braces.
pub(crate) const NAMES: &[Name] = &[
    ("stage_pipeline", "stage.pipeline.info", "1"),
    ("stage_pipeline_start_time_seconds", "stage.pipeline.start_time", "s"),
    ("stage_up", "stage.up", "1"),
    ("stage_copies", "stage.copies", "{copy}"),
    ("stage_events_in", "stage.events.in", "{event}"),
    ("stage_events_out", "stage.events.out", "{event}"),
    ("stage_batches", "stage.batches", "{batch}"),
    ("stage_state_seconds", "stage.state.time", "s"),
    ("stage_callback_age_seconds", "stage.callback.age", "s"),
    ("stage_buffered_events", "stage.events.buffered", "{event}"),
    ("stage_held_events", "stage.events.held", "{event}"),
    ("stage_events_left_out", "stage.events.left_out", "{event}"),
    ("stage_waiting_retries", "stage.events.retries", "{event}"),
    ("stage_at_once", "stage.events.at_once", "{event}"),
    ("stage_events_discarded", "stage.events.discarded", "{event}"),
    ("stage_event_failures", "stage.event.failures", "{failure}"),
    ("stage_restarts", "stage.restarts", "{restart}"),
    ("stage_handler_remakes", "stage.handler.remakes", "{handler}"),
    ("stage_gauge", "stage.gauge", "1"),
    ("stage_gauge_seconds", "stage.gauge.time", "s"),
    ("stage_gauge_text", "stage.gauge.text", "1"),
    ("stage_link_asked", "stage.link.asked", "{event}"),
    ("stage_link_sent", "stage.link.sent", "{event}"),
    ("stage_link_handled", "stage.link.handled", "{event}"),
    ("stage_link_window", "stage.link.window", "{event}"),
    ("stage_deliveries", "stage.deliveries", "{delivery}"),
    ("stage_deliveries_dead", "stage.deliveries.dead", "{delivery}"),
    ("stage_deliveries_open", "stage.deliveries.open", "{delivery}"),
    ("stage_oldest_delivery_age_seconds", "stage.deliveries.oldest.age", "s"),
    ("stage_batch_events", "stage.batch.size", "{event}"),
    ("stage_callback_seconds", "stage.callback.duration", "s"),
    ("stage_delivery_seconds", "stage.delivery.duration", "s"),
    ("stage_link_wait_seconds", "stage.link.wait", "s"),
    ("stage_queue_jobs", "stage.queue.jobs", "{job}"),
    ("stage_timed_function_seconds", "stage.function.duration", "s"),
    ("flow_watermark_lag_seconds", "flow.watermark.lag", "s"),
    ("flow_late_events", "flow.events.late", "{event}"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stage_core::watch::{Board, OpenMetrics};

    use super::*;

    #[test]
    fn every_family_has_one_name_and_its_unit() {
        let families = OpenMetrics::new().families(&Board::new());
        let known: BTreeSet<_> = families.iter().map(|family| family.name).collect();
        let named: BTreeSet<_> = NAMES.iter().map(|(text, ..)| *text).collect();
        assert_eq!(named, known);
        let different: BTreeSet<_> = NAMES.iter().map(|(_, name, _)| *name).collect();
        assert_eq!(different.len(), NAMES.len());
        for family in families {
            let unit = NAMES.iter().find(|(text, ..)| *text == family.name).map(|(.., unit)| *unit);
            match family.unit {
                Some("seconds") => assert_eq!(unit, Some("s"), "{}", family.name),
                Some("events") => assert_eq!(unit, Some("{event}"), "{}", family.name),
                _ => assert_ne!(unit, Some("s"), "{}", family.name),
            }
        }
    }
}
