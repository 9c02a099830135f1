//! Tests of mistakes by their messages, and of the expansions by snapshots.

mod expansions;

use proc_macro2::TokenStream;
use quote::quote;

use crate::error::Errors;
use crate::{ast, model, validate};

/// Returns the mistakes in a pipeline `P(queue: Queue, copies: usize)` with this body.
fn mistakes(body: &str) -> Vec<String> {
    let body: TokenStream = body.parse().expect("tokens");
    let mut errors = Errors::default();
    if let Some(ast) = ast::read(quote!(P(queue: Queue, copies: usize) { #body }), &mut errors) {
        let (header, model) = model::lower(ast, &mut errors);
        validate::validate(&header, &model, &mut errors);
    }
    errors.messages()
}

#[track_caller]
fn assert_right(body: &str) {
    assert_eq!(mistakes(body), Vec::<String>::new(), "{body}");
}

#[test]
fn options_accepted_by_the_builder_are_no_mistake() {
    assert_right("start A; finish B;");
    assert_right("max_demand: 1, start A; step B; finish C;");
    assert_right("demand: auto, start A; step B, demand: auto(..=500); finish C, demand: fixed;");
    assert_right("start A; step B, demand: auto(..=copies * 2); finish C, demand: Tuning::Auto;");
    assert_right("min_demand: 500, max_demand: 1000, start A; step B, max_demand: 100; finish C;");
    assert_right("start A; step B, max_demand: 1; finish C, min_demand: 0, max_demand: 1;");
    assert_right("start A; step B, min_demand: 20, max_demand: copies; finish C, min_demand: copies;");
    assert_right(
        "count: 1..=4, start A, count: 1; step B, count: 2..=MOST; step C, count: (1..=copies); finish D;",
    );
    assert_right("start A; step B, count: 1..=4, by: hash; finish C, count: 1..=8, by: |event| event.key;");
    assert_right("start A; step B, count: copies.min(0), placement: queue.placement(); finish C;");
    assert_right("start A, count: 2,; step B<<C; step |x| x, by: hash; finish { C };");
    assert_right("start A; step B; step B; step B, name: \"b_2\"; finish drop; ;");
    assert_right("count: copies, start 0..3; finish drop;");
    assert_right("start A; start B; start C; finish D;");
    assert_right("start A; broadcast { finish B; } and when (is_large) { step C; finish D; };");
    assert_right(
        "start A; broadcast { } and { step C; then D; } merge; then_what(); finish D;"
            .replace("then_what();", "")
            .as_str(),
    );
    assert_right(
        "start A; partition by |a| a.key, into copies { step B; partition by hash, into 3 { step C; } merge; } merge; finish D;",
    );
    assert_right(
        "start A; broadcast { partition by hash, into 2 { finish B; } } and { broadcast { finish C; } and { finish D; } }",
    );
    assert_right(
        "start A, buffer: unbounded; step B, buffer: copies, keep: last; through C::new(), max_demand: 3; finish D;",
    );
    assert_right("acknowledged, start A; finish B;");
    assert_right("acknowledged, max_demand: 2, start A; finish B, cancel: permanent;");
    assert_right("start A; step B, on_failure: policy(queue), retry: waits(); finish acknowledged;");
    assert_right("start count; step b, on_failure: POLICY; finish C, on_failure: self::dead_letters(queue);");
    assert_right("start A; step B, rate: copies, batch: limits()?; finish C, batch: Limits::count(3);");
    assert_right("acknowledged, start A; across queue, name: \"far\"; finish B, name: \"far\";");
    assert_right(
        "acknowledged, start A; across edge(), name: NAME, by: hash, partitions: copies, schema: V; finish B;",
    );
    assert_right("acknowledged, start A; broadcast { across a, name: \"a\"; finish B; } and { finish C; }");
}

#[test]
fn every_mistake_of_a_pipeline_is_found_at_once() {
    assert_eq!(
        mistakes(
            "min_demand: 9, max_demand: 9, nmae: \"p\",
             strat A, count: 0
             step , by: 3;
             step B, count: 1.0, count: 2, colour: 1;
             finish E, name: true;"
        ),
        [
            "unknown word `strat`: did you mean `start`?",
            "expected `;` after this: every item ends with one",
            "`step` needs a recipe: the expression that builds its stage, such as `step Name::new(…)`",
            "unknown option `nmae`: did you mean `name`?",
            "`by` is a closure from an event to its key, such as `by: |event| event.key`",
            "`count` is a whole number, not a fraction: write one such as `count: 4`",
            "`count` is given twice: remove one",
            "unknown option `colour`: a `step` takes `args`, `name`, `count`, `by`, `demand`, `min_demand`, `max_demand`, `placement`, `buffer`, `keep`, `restart`, `cancel`, `dispatcher`, `rejected`, `on_failure`, `retry`, `at_once`, `order`, `at_most`, `per`, `rate` and `batch`",
            "`name` is text: write it in quotes, such as `name: \"storage\"`",
            "`min_demand` must be below `max_demand`: 9 is not below 9; write at most 8, or a larger `max_demand`",
            "`count` is 0: a step has at least one copy",
        ]
    );
}

#[test]
fn a_mistake_is_described_with_its_remedy() {
    for (body, message) in [
        (
            "start A; step B; count: 4, name: \"b\"; finish C;",
            "this option comes after the `;` of its item: write `,` in place of that `;`",
        ),
        ("start: A; finish B;", "`start` begins an item and takes no `:`: write `start Name::new(…);`"),
        ("start A; step: B; finish C;", "`step` begins an item and takes no `:`: write `step Name::new(…);`"),
        (
            "start A; broadcast: { } and { } merge; finish C;",
            "`broadcast` begins an item and takes no `:`: write `broadcast { … } and { … }`",
        ),
        (
            "start A; broadcast { } and { } merge: all; finish C;",
            "`merge` begins an item and takes no `:`: write `merge;`",
        ),
        (
            "start A; broadcast { } and { } merge: step B; finish C;",
            "`merge` begins an item and takes no `:`: write `merge;`",
        ),
        (
            "start A; let b = 3; step B; finish C;",
            "`let` is not an item: compute the value before `new` and make it a parameter, or compute it in a closure",
        ),
        (
            "start A; step B, timeout: 5; finish C;",
            "unknown option `timeout`: a time limit belongs to the policy: write one such as \
             `on_failure: FailurePolicy::skip().deadline(Duration::from_secs(5))`",
        ),
        (
            "start A; step B, count: auto; finish C;",
            "the number of copies follows the load within a range: write `count: 1..=8`",
        ),
        (
            "start 0..3, count: 1..=4; finish C;",
            "each copy of this `start` would yield every event of the iterator: write `count: 1`, or a producer",
        ),
        (
            "start 0..3, count: 1..=copies; finish C;",
            "a `start` has a fixed number of copies: write one number, such as `count: 4`",
        ),
        ("start A; step B, parallelism: 4; finish C;", "unknown option `parallelism`: did you mean `count`?"),
        ("start A; step B, dlq: copies; finish C;", "unknown option `dlq`: did you mean `on_failure`?"),
        (
            "start A; finish B, batch: copies, within: copies;",
            "a `finish` has no `within`: it limits the restarts of a pipeline, before its first item; the time of a batch is \
             `batch: Limits::count(100).within(Duration::from_secs(1))`",
        ),
        (
            "start A; step B, backoff: copies; finish C;",
            "a `step` has no `backoff`: it delays the restarts of a pipeline, before its first item; the attempts at one event \
             are `retry: Backoff::new(FIRST, MOST).attempts(3)`",
        ),
        (
            "start A; then async |x| x; finish C;",
            "this closure returns a future that is never awaited: write `step policy::each(|event: Event| async move { … }), \
             on_failure: restart` instead of this `then`, whose function returns a `Result`, with the type of the event and \
             `use stage_core::policy;`",
        ),
        (
            "start async || 0..3; finish C;",
            "this closure returns a future that is never awaited: write `start || [event]; \
             step policy::each(|event: Event| async move { … }), on_failure: restart`, whose function returns a `Result`, with \
             the type of the event and `use stage_core::policy;`",
        ),
        (
            "start A; then many async |x| x; finish C;",
            "this closure returns a future that is never awaited: write `step policy::each(|event: Event| async move { … }), \
             on_failure: restart; step many |events| events` instead of this `then`, whose function returns a `Result`, with \
             the type of the event and `use stage_core::policy;`",
        ),
        (
            "start A; step B, placement: thread; finish C;",
            "unknown placement `thread`: did you mean `blocking`?",
        ),
    ] {
        assert_eq!(mistakes(body), [message], "{body}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list")]
fn one_mistake_is_reported_once() {
    for body in [
        "start A; step B, max_demand: 0, min_demand: 3; finish C;",
        "start A step B; finish C;",
        "start A; step B, count 4; finish C;",
        "start A; step B, ; step C(,); finish D;",
        "begin A; finish B;",
        "observe A; step B; finish C;",
        "start A; merge; finish C;",
        "start A; broadcast { step B; } and { step C; } finish D;",
        "start A; broadcast { finish B; } and finish C;",
        "start A; broadcast { finish B; } and { finish C; } merge;",
        "start A; broadcast when { finish B; } and { finish C; }",
        "start A; broadcast { finish B; } adn { finish C; }",
        "start A; partition by hash into 2 { finish B; }",
        "start A; partition hash, into 2 { finish B; }",
        "start A; partition by hash, into { finish B; }",
        "start A; partition by hash, into 2;",
        "start A; partition by hash, into 1 { finish B; }",
        "start A; partition by hash, into 2 { } merge; finish B;",
        "start A; partition by hash, into 2 { step B; } finish C;",
        "start A; broadcast { count: 2, finish B; } and { finish C; }",
        "start A; broadcast { start B; finish B; } and { finish C; }",
        "start A; through P; then B; finish C;",
        "start A; broadcast { } and { finish B; } merge; then finish C;",
        "start A; start B; then finish C;",
        "start A; then finish C; step D;",
        "start A; then finish C; start D;",
        "start A; then finish;",
        "start A; then finish C, count: 3;",
        "start A, dispatcher: d(); then finish C;",
        "start A, buffer: 3; then finish C;",
        "start A; step B, keep: first; then finish C;",
        "acknowledged, start A; then B; finish C;",
        "start A; then finish |e| async move { e };",
        "start A; step B; then finish || drop;",
        "start A; step B; through |x| x; finish C;",
        "start A; step B, dispatcher: d(); step C, by: hash, count: 2; finish C;",
        "start A, keep: frist; finish C;",
        "start A; step B, demand: atuo; finish C;",
        "start A; step B, demand: 10; finish C;",
        "start A; step B, demand: \"auto\"; finish C;",
        "start A; step B, demand: auto(500); finish C;",
        "start A; step B, demand: auto(..500); finish C;",
        "start A; step B, demand: auto(1..=500); finish C;",
        "start A; step B, demand: auto(); finish C;",
        "start A; step B, demand: auto(..=0); finish C;",
        "start A; step B, demand: auto(..=1.5); finish C;",
        "start A, demand: auto; finish C;",
        "start A; finish C, buffer: 3;",
        "count: start A; finish B;",
        "start A; finish B; step C;",
        "finish A; start B; finish C;",
        "acknowledged; start A; finish B;",
        "acknowledged start A; finish B;",
        "acknowledged max_demand: 3, start A; finish B;",
        "acknowleged, start A; finish B;",
        "acked, start A; finish B;",
        "acknowledged: yes, start A; finish B;",
        "start A, acknowledged; finish B;",
        "start A; acknowledged, finish B;",
        "start A; broadcast { acknowledged, finish B; } and { finish C; }",
        "count, start A; finish B;",
        "start A; step B, on_failure: skp; finish C;",
        "start A; step B, on_failure: ignore; finish C;",
        "start A; step B, on_failure: \"skip\"; finish C;",
        "start A; step B, on_failure: dead_letter; finish C;",
        "start A; step B, on_failure: dead_letter(); finish C;",
        "start A; step B, on_failure: dead_leter(queue); finish C;",
        "start A; step B, on_failure: skip(); finish C;",
        "start A; step B, on_failure: skip; then C; finish D;",
        "start A; step |e| async move { e }, retry: WAITS; finish D;",
        "start A; step |e| async move { e }; finish D;",
        "start A; filter |e| e > 3; finish D;",
        "start A; finish |e| async move { e };",
        "start A; step B, retry: 3; finish C;",
        "start A; step B, rate: 3; finish C;",
        "start A; step B, batch: 3; finish C;",
        "start A; step B, cancel: transiant; finish C;",
        "start A, cancel: transient; finish C;",
        "start A, rate: r; finish C;",
        "start A, on_failure: skip; finish C;",
        "start A; through P, on_failure: skip; finish C;",
        "start A; step B, policy: skip; finish C;",
        "start A, dispatcher: d(); finish C, batch: Limits::count(3);",
        "start A; step B, rejected: 3; finish C;",
        "start A; step B, rejected: || store(); finish C;",
        "start A; step B, unhandled: store; finish C;",
        "start A; finish C, rejected: store;",
        "start A, rejected: store; start B; finish C;",
        "start A, rejected: store; then finish C;",
        "acknowledged, start A; step B, rejected: store; finish C;",
        "start A; across queue, name: \"far\"; finish C;",
        "acknowledged, start A; across queue; finish C;",
        "acknowledged, start A; across, name: \"far\"; finish C;",
        "acknowledged, start A; across |e| e, name: \"far\"; finish C;",
        "acknowledged, start A; across queue, name: \"far\", count: 2; finish C;",
        "acknowledged, start A; across queue, name: \"far\", by: hash; finish C;",
        "acknowledged, start A; across queue, name: \"far\", partitions: 8; finish C;",
        "acknowledged, start A; across queue, name: \"far\", by: hash, partitions: 0; finish C;",
        "acknowledged, start A; across queue, name: \"far\", by: hash, partitions: \"8\"; finish C;",
        "acknowledged, start A; across queue, name: \"far\", shards: 8; finish C;",
        "acknowledged, start A; edge queue, name: \"far\"; finish C;",
        "acknowledged, start A; across queue, name: \"far\"; then B; finish C;",
        "acknowledged, start A; across queue, name: \"far\";",
        "acknowledged, across queue, name: \"far\"; finish B;",
        "acknowledged, start A, dispatcher: d(); across queue, name: \"far\"; finish C;",
        "acknowledged, start A; across queue, name: \"far\"; across queue, name: \"far\"; finish C;",
        "acknowledged, start A; partition by hash, into 2 { across queue, name: \"far\"; } merge; finish C;",
        "acknowledged, start A, partitions: 3; finish C;",
        "acknowledged, start A; across queue, name: \"far\", spec: 3; finish C;",
        "acknowledged, start A; across queue, name: \"far\", spec: || 3; finish C;",
        "start A; step B, count: 0..; finish C;",
        "start A; step B, count: ..=8; finish C;",
        "start A; step B, count: 1..8; finish C;",
        "start A; step B, count: 8..=1; finish C;",
        "start A; step B, count: 0..=8; finish C;",
        "start A; step B, count: 1..=\"8\"; finish C;",
        "start A, count: 1..=2; finish B;",
        "start A; step |n| n, count: 1..=2, by: hash; finish B;",
        "start A; step B, count: 1..=2, by: hash, on_failure: skip; finish C;",
    ] {
        assert_eq!(mistakes(body).len(), 1, "{body}: {:?}", mistakes(body));
    }
}

#[test]
fn numbers_beside_an_automatic_window_are_warned_of() {
    let warned = |body: &str| {
        let body: TokenStream = body.parse().expect("tokens");
        let mut errors = Errors::default();
        let ast = ast::read(quote!(P() { #body }), &mut errors).expect("a pipeline");
        let (_, model) = model::lower(ast, &mut errors);
        assert_eq!(errors.messages(), Vec::<String>::new(), "{body}");
        validate::idle(&model).into_iter().map(|idle| idle.word).collect::<Vec<_>>()
    };
    assert_eq!(warned("start A; finish B, demand: auto, max_demand: 5;"), ["max_demand"]);
    assert_eq!(warned("demand: auto(..=9), min_demand: 0, start A; finish B;"), ["min_demand"]);
    assert_eq!(warned("start A; finish B, demand: fixed, max_demand: 5;"), [""; 0]);
    assert_eq!(warned("demand: auto, start A; finish B, max_demand: 5;"), [""; 0]);
    // A buffer is too small for a fixed window only.
    assert_eq!(warned("start A, buffer: 3; finish B;"), [""; 0]);
    assert_eq!(warned("start A, buffer: 3; finish B, demand: fixed;"), ["buffer"]);
    assert_eq!(warned("start A, buffer: 3; finish B, max_demand: 5;"), ["buffer"]);
}

/// Returns the options for which a pipeline with this body gets a warning, each with its number of events in
/// flight.
fn many_in_flight(body: &str) -> Vec<(&'static str, usize)> {
    let body: TokenStream = body.parse().expect("tokens");
    let mut errors = Errors::default();
    let ast = ast::read(quote!(P(copies: usize) { #body }), &mut errors).expect("a pipeline");
    let (_, model) = model::lower(ast, &mut errors);
    assert_eq!(errors.messages(), Vec::<String>::new(), "{body}");
    let found = validate::idle(&model).into_iter().filter_map(|idle| {
        let events = idle.note.strip_prefix("up to ")?.split(' ').next()?.parse().ok()?;
        Some((idle.word, events))
    });
    found.collect()
}

#[test]
fn very_many_events_in_flight_are_warned_of_at_the_number_that_lets_them() {
    assert_eq!(many_in_flight("max_demand: 25_000, start A; step B, count: 4; finish C, count: 1;"), []);
    assert_eq!(
        many_in_flight("max_demand: 25_001, start A; step B, count: 4; finish C;"),
        [("count", 100_004), ("max_demand", 100_004)]
    );
    assert_eq!(many_in_flight("start A; finish B, max_demand: 100_001;"), [("max_demand", 100_001)]);
    // Batches count as their events, and inherit at most the demand of the pipeline.
    assert_eq!(many_in_flight("max_demand: 1000, start A; finish B, batch: Limits::count(500);"), []);
    assert_eq!(
        many_in_flight("start A; finish B, batch: Limits::count(500)?, max_demand: 1000;"),
        [("max_demand", 500_000)]
    );
    assert_eq!(many_in_flight("start A; finish B, batch: Limits::count(200_000);"), [("batch", 200_000)]);
    // A tuned window is not large for long.
    assert_eq!(many_in_flight("max_demand: 200_000, start A; finish B, demand: auto;"), []);
    assert_eq!(many_in_flight("demand: auto, start A; finish B, max_demand: 200_000;").len(), 1);
    assert_eq!(many_in_flight("start A; step B, count: 200; finish C, count: 100;"), []);
    assert_eq!(
        many_in_flight("demand: fixed, start A; step B, count: 200; finish C, count: 100;"),
        [("count", 200_000)]
    );
    // Computed numbers are unknown to the macro.
    assert_eq!(many_in_flight("start A; step B, count: copies; finish C, max_demand: copies;"), []);
}
