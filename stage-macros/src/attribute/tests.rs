//! Tests of the expansions by snapshots, of mistakes by their errors, and of random input, which never
//! panics.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Kind, compile};

/// Compares the expansion with `snapshots/<name>.snap`; `INSTA_UPDATE=always` rewrites the snapshot.
#[track_caller]
fn assert_expansion(name: &str, kind: Kind, options: TokenStream, item: &TokenStream) {
    let file = syn::parse2(compile(kind, options, item)).expect("the expansion is Rust");
    let mut settings = insta::Settings::new();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, prettyplease::unparse(&file)));
}

#[test]
fn a_function_of_one_event_becomes_a_step() {
    let function = quote! {
        /// Seals a file.
        #[must_use]
        #[cfg(feature = "seal")]
        pub(crate) async fn encrypt(file: File, #[arg] key: &Key, #[arg] salt: Salt) -> Sealed {
            key.seal(file, salt)
        }
    };
    assert_expansion("step", Kind::ProducerConsumer, quote!(), &function);
}

#[test]
fn a_function_without_arguments_becomes_a_step_without_fields() {
    let function = quote! {
        fn parse(line: &str) -> Option<u32> {
            line.parse().ok()
        }
    };
    assert_expansion("step_option", Kind::ProducerConsumer, quote!(option, name = Numbers), &function);
}

#[test]
fn a_function_of_many_events_that_fails_becomes_a_step() {
    let function = quote! {
        fn list<'a, P: AsRef<Path> + Send + 'static, const N: usize>(path: P, #[arg] depth: usize) -> io::Result<[P; N]>
        where
            P: 'a,
        {
            read(path, depth)
        }
    };
    assert_expansion("step_many_result", Kind::ProducerConsumer, quote!(many, result), &function);
}

#[test]
fn a_function_of_a_batch_becomes_a_consumer() {
    let function = quote! {
        async fn store(rows: Vec<Row>, #[arg] connection: &mut Connection) -> Result<(), Error> {
            connection.insert(rows).await
        }
    };
    assert_expansion("consumer_batch_result", Kind::Consumer, quote!(batch, result), &function);
}

#[test]
fn a_function_of_nothing_becomes_a_producer() {
    let function = quote! {
        async fn receive(#[arg] channel: &mut Channel) -> Option<Message> {
            channel.receive().await
        }
    };
    assert_expansion("producer_option", Kind::Producer, quote!(option, single, cancel_safe), &function);
}

#[test]
fn a_function_of_a_demand_becomes_a_producer() {
    let function = quote! {
        fn numbers(demand: Demand, #[arg] next: &mut u64) -> Vec<u64> {
            take(next, demand.get())
        }
    };
    assert_expansion("producer_batch", Kind::Producer, quote!(batch), &function);
}

#[test]
fn a_block_becomes_the_constructor_the_trait_and_the_rest() {
    let block = quote! {
        /// What it does.
        impl<Q: Queue> Starter<Q> {
            const SINGLE: bool = true;

            fn prepare_state(queue: Q) -> Result<Self, Q::Error> {
                Ok(Self { items: queue.open()?, owed: 0 })
            }

            async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Task>) -> StageResult {
                self.serve(demand, out).await
            }

            async fn handle_call(&mut self, _: Length, reply: Reply<usize>, _: &mut Emitter<'_, Task>) -> StageResult {
                reply.send(self.items.len())
            }

            async fn serve(&mut self, demand: Demand, out: &mut Emitter<'_, Task>) -> StageResult {
                Ok(())
            }
        }
    };
    assert_expansion("block", Kind::Producer, quote!(args(queue: Q)), &block);
}

#[test]
fn mistakes_leave_a_stage_that_looks_like_the_one_declared() {
    let function = quote! {
        const fn encrypt(file: File, #[agr] key: Key) -> Sealed {
            seal(file, key)
        }
    };
    assert_expansion("mistakes", Kind::ProducerConsumer, quote!(manny), &function);
}

#[test]
fn the_attribute_never_panics_on_any_item() {
    let items = [
        quote!(),
        quote!(fn),
        quote!(
            fn __() {}
        ),
        quote!(
            fn _2d(self: Self, ...) {}
        ),
        quote!(fn f(_: _, #[arg] _: _, #[arg] #[arg] x: &mut (impl X), ..) -> impl {}),
        quote!(fn f(#[arg] x: &'a str, #[arg = 1] y: &[u8]) -> Result<impl Iterator, E> { macro!() }),
        quote!(impl X {}),
        quote!(impl Producer for X { fn f() {} }),
        quote!(impl X { fn prepare_state((a, b): (A, B), _: C) {} type X = Y; async fn handle_call() {} const C: u8; }),
        quote!(
            struct S;
        ),
        quote!(
            mod m {
                fn f() {}
            }
        ),
        quote!(
            macro_rules! m {
                () => {};
            }
        ),
    ];
    let options = [
        quote!(),
        quote!(,),
        quote!(batch, many),
        quote!(name = "x", name, name =, args, args[], args(), args(self, (a, b): C)),
        quote!(args(a: A, b), single cancel_safe),
        quote!("text" + 1, result()),
    ];
    for kind in [Kind::Producer, Kind::ProducerConsumer, Kind::Consumer] {
        for item in &items {
            for options in &options {
                assert!(!compile(kind, options.clone(), item).is_empty(), "{options}: {item}");
            }
        }
    }
}
