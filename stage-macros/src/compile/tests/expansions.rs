//! Snapshots of the expansions.

use proc_macro2::TokenStream;
use quote::quote;

use super::mistakes;
use crate::compile::compile;

/// Returns the expansion as a file of Rust.
fn expanded(input: TokenStream) -> String {
    let file = syn::parse2(compile(input, None)).expect("the expansion is Rust");
    prettyplease::unparse(&file)
}

/// Compares the expansion with `compile/snapshots/<name>.snap`; `INSTA_UPDATE=always` rewrites the snapshot.
#[track_caller]
fn assert_expansion(name: &str, input: TokenStream) {
    let mut settings = insta::Settings::new();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("../snapshots");
    settings.bind(|| insta::assert_snapshot!(name, expanded(input)));
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
fn the_stated_type_of_an_event_is_checked() {
    assert_expansion(
        "checks",
        quote! {
            Checks() {
                start 0..10;
                step  look_up;
                finish |number: u32| drop(number);
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
fn an_across_cuts_the_chain_at_an_edge() {
    assert_expansion(
        "across",
        quote! {
            Orders(edge: Shop, partitions: u32) {
                acknowledged,
                start  Incoming::new();
                across edge, name: "orders", by: |order: &Order| order.customer, partitions: partitions, schema: 3;
                across edge.pool(), name: "prices", spec: |spec| spec.app("shop");
                finish drop;
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
