//! Tests of the expansions by snapshots, of mistakes by their errors, and of random input, which never
//! panics.

use proc_macro2::TokenStream;
use quote::quote;

use super::compile;

/// Compares the expansion with `snapshots/<name>.snap`; `INSTA_UPDATE=always` rewrites the snapshot.
#[track_caller]
fn assert_expansion(name: &str, settings: TokenStream, item: &TokenStream) {
    let file = syn::parse2(compile(settings, item)).expect("the expansion is Rust");
    let mut settings = insta::Settings::new();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, prettyplease::unparse(&file)));
}

#[test]
fn a_function_is_measured_around_its_statements() {
    let function = quote! {
        /// Seals a file.
        pub fn seal<R: Read>(mut file: R, (a, b): (u8, u8), key: &Key) -> Result<Sealed, Error> {
            let text = read(&mut file)?;
            Ok(key.seal(text, a, b))
        }
    };
    assert_expansion("function", quote!(unit = "ms", args), &function);
}

#[test]
fn an_async_function_is_measured_around_its_future() {
    let function = quote! {
        async fn fetch(url: Url, r#type: Type) -> Result<Box<dyn Body>, Error> {
            if url.is_local() {
                return Ok(Box::new(Local));
            }
            get(url).await
        }
    };
    let settings = quote!(unit = "secs", level = "info", name = "fetching", args(r#type));
    assert_expansion("async_function", settings, &function);
}

#[test]
fn a_module_settles_the_unit_of_its_marked_functions() {
    let module = quote! {
        mod transfers {
            #[timed]
            fn begin() {}
            fn untouched() {}
            impl<T> Transfer<T> {
                #[stage_core::timed(unit = "ns")]
                async fn end(&mut self) -> impl Sized {}
            }
        }
    };
    assert_expansion("module", quote!(unit = "mins"), &module);
}

#[test]
fn the_attribute_never_panics_on_any_item() {
    let items = [
        quote!(),
        quote!(
            struct S;
        ),
        quote!(
            fn f();
        ),
        quote!(
            mod m;
        ),
        quote!(impl X {}),
        quote!(
            const fn f() {}
        ),
    ];
    let settings =
        [quote!(), quote!(unit), quote!(unit = 3, args(1)), quote!(,), quote!(args(x), levle = "x", a::b)];
    for item in &items {
        for settings in &settings {
            let expansion = compile(settings.clone(), item).to_string();
            assert!(expansion.contains("compile_error"), "{settings}: {item}");
        }
    }
}
