//! Tests of the expansions by snapshots, and of mistakes by their messages.

use proc_macro2::TokenStream;
use quote::quote;

use super::compile;
use crate::error::Errors;
use crate::{ast, model, validate};

/// Returns the expansion as a file of Rust.
fn expanded(input: TokenStream) -> String {
    let file = syn::parse2(compile(input)).expect("the expansion is Rust");
    prettyplease::unparse(&file)
}

/// Compares the expansion with `snapshots/<name>.snap`; `INSTA_UPDATE=always` rewrites the snapshot.
#[track_caller]
fn assert_expansion(name: &str, input: TokenStream) {
    let mut settings = insta::Settings::new();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, expanded(input)));
}

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
fn a_line_of_stages_becomes_calls_on_the_builder() {
    assert_expansion(
        "stages",
        quote! {
            /// Seals every queued file and stores it.
            pub Upload(queue: TransferQueue, storage: Storage) {
                name: "upload", min_demand: 1, max_demand: 10, count: 1,

                start  Starter::new(queue);
                /// in AES-256-GCM
                step   Encryption, count: 4, by: |c| c.transfer;
                step   RemoteStorage, args: [storage], max_demand: 50, placement: blocking;
                finish Notifier;
            }
        },
    );
}

#[test]
fn functions_and_iterators_become_function_steps() {
    assert_expansion(
        "functions",
        quote! {
            Functions(add: u32) {
                start 0..10;
                step  |number| number + add;
                step  text::parse, by: |number| *number;
                finish drop;
            }
        },
    );
}

#[test]
fn constants_are_asserted_and_parameters_are_left_to_the_builder() {
    assert_expansion(
        "numbers",
        quote! {
            Numbers<T: Clone + Send + 'static>(first: T, copies: usize) {
                count: COPIES,
                start Source::open(format!("{first:?}"))?;
                step Encryption, count: copies * 2, min_demand: limits::MIN, max_demand: 2 * limits::MAX, placement: here();
                finish drop, min_demand: MIN;
            }
        },
    );
}

#[test]
fn sources_in_a_row_run_together() {
    assert_expansion(
        "sources",
        quote! {
            Sources(queue: Queue) {
                strategy: one_for_one, max_restarts: 9,

                start Starter::new(queue), buffer: 100, keep: first, dispatcher: FairDispatcher::new();
                start || numbers(), name: "numbers";
                finish drop, count: 2;
            }
        },
    );
}

#[test]
fn a_then_is_fused_with_the_step_before_it() {
    assert_expansion(
        "then",
        quote! {
            Fused(key: Key) {
                start 0..10;
                step  parse, name: "parse", count: 2;
                then  Seal::new(key);
                then  |sealed| sealed.len();
                finish drop;
            }
        },
    );
}

#[test]
fn a_start_and_a_finish_are_fused_with_the_steps_between() {
    assert_expansion(
        "then_finish",
        quote! {
            Whole(key: Key) {
                max_demand: 1000,

                start  Numbers::new(key), count: 2;
                then   parse;
                then finish Store::new(key);
            }
        },
    );
    assert_expansion(
        "then_around",
        quote! {
            Around(key: Key) {
                start 0..10;
                then  parse;
                start Numbers::new(key);
                then  Parse;
                step  check;
                then finish |checked| drop(checked);
            }
        },
    );
}

#[test]
fn a_function_called_finish_can_be_called() {
    for body in ["start A; then finish(queue.clone()); finish B;", "start A; then finish::by; finish B;"] {
        assert_eq!(mistakes(body), [""; 0], "{body}");
    }
}

#[test]
fn a_broadcast_becomes_branches() {
    assert_expansion(
        "broadcast",
        quote! {
            Branches(limit: u32) {
                start 0..10;
                broadcast {
                    finish Log;
                } and when (|number| *number > limit) {
                    step Halve;
                } and {}
                merge;
                finish drop;
            }
        },
    );
}

#[test]
fn a_partition_becomes_lanes() {
    assert_expansion(
        "partition",
        quote! {
            Lanes(lanes: usize) {
                start 0..10;
                partition by |number| number % 7, into lanes {
                    step Halve;
                    step Halve;
                }
                merge;
                partition by hash, into 2 { finish drop; }
            }
        },
    );
}

#[test]
fn a_part_is_a_function_from_a_chain_to_a_chain() {
    assert_expansion(
        "part",
        quote! {
            /// Seals chunks.
            pub Seal<K: Cipher>(key: K): Chunk => Sealed {
                max_demand: 5,
                step Encrypt::new(key);
                through Inner::new(), name: "inner", count: 2;
            }
        },
    );
}

#[test]
fn deliveries_are_lifted_behind_the_sources() {
    assert_expansion(
        "acknowledged",
        quote! {
            Jobs(queue: Queue) {
                acknowledged,
                start  Source::new(queue), dispatcher: FairDispatcher::new();
                start  Other;
                step   |job| job + 1, count: 2, dispatcher: FairDispatcher::new();
                broadcast { finish drop; } and { step Halve; then |half| half; }
                merge;
                finish drop, count: 2;
            }
        },
    );
}

#[test]
fn a_part_of_deliveries_takes_and_emits_them() {
    assert_expansion(
        "acknowledged_part",
        quote! {
            Seal(): Chunk => Sealed {
                acknowledged,
                step |chunk| chunk.seal();
            }
        },
    );
}

#[test]
fn policies_rates_and_batches_become_calls_of_their_own() {
    assert_expansion(
        "policies",
        quote! {
            Careful(letters: Letters, budget: Budget, label: String) {
                strategy: one_for_one,
                start  0..10, restart: transient;
                step   parse, on_failure: skip, cancel: transient;
                step   Fetch::new(), on_failure: dead_letter(letters), retry: WAITS.attempts(3), rate: budget;
                step   |page| check(page), name: label, batch: Limits::count(10), rate: Rate::new(5, SECOND)?;
                finish |page| store(page), retry: WAITS, on_failure: policy(), batch: Limits::count(LARGE);
            }
        },
    );
}

#[test]
fn mistakes_leave_a_type_that_looks_like_the_one_declared() {
    assert_expansion(
        "mistakes",
        quote! {
            pub Wrong<T>(queue: Queue<T>) where T: Clone {
                start Starter::new(queue);
                stpe Encryption, count: 0;
            }
        },
    );
}

#[test]
fn options_accepted_by_the_builder_are_no_mistake() {
    assert_right("start A; finish B;");
    assert_right("max_demand: 1, start A; step B; finish C;");
    assert_right("min_demand: 500, max_demand: 1000, start A; step B, max_demand: 100; finish C;");
    assert_right("start A; step B, max_demand: 1; finish C, min_demand: 0, max_demand: 1;");
    assert_right("start A; step B, min_demand: 20, max_demand: copies; finish C, min_demand: copies;");
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
            "unknown option `colour`: a `step` takes `args`, `name`, `count`, `by`, `min_demand`, `max_demand`, `placement`, `buffer`, `keep`, `restart`, `cancel`, `dispatcher`, `on_failure`, `retry`, `rate` and `batch`",
            "`name` is text: write it in quotes, such as `name: \"storage\"`",
            "`min_demand` must be below `max_demand`: 9 is not below 9; write at most 8, or a larger `max_demand`",
            "`count` is 0: a step has at least one copy",
        ]
    );
}

#[test]
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
    ] {
        assert_eq!(mistakes(body).len(), 1, "{body}: {:?}", mistakes(body));
    }
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
    // Computed numbers are unknown to the macro.
    assert_eq!(many_in_flight("start A; step B, count: copies; finish C, max_demand: copies;"), []);
}
