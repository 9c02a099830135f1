//! The expansion does not collide with the user's names or lints.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(non_camel_case_types, dead_code)]

mod core {}
mod std {}
mod alloc {}
struct Ok;
struct Result;
struct Option;
struct String;
struct Pipeline;
struct Chain;
struct StepOptions;
struct Placement;
struct Clone;
struct Default;
const NUMBER: usize = 2;
const HOLDS: bool = false;

/// What `pipeline!` declares.
pub mod declared {
    ::stage_core::pipeline! {
        pub Shadows(pipeline: u64, chain: u64, number: u64, f: u64, copies: usize) {
            count: super::NUMBER,

            start || [pipeline, chain, number, f], count: 1;
            step |event| event + pipeline, count: super::NUMBER * 2, by: |event| *event % chain;
            step |pipeline| pipeline, count: copies;
            finish |event| assert!(event + chain + f + number > 0);
        }
    }
}

macro_rules! declare {
    ($name:ident, $param:ident, $step:expr) => {
        ::stage_core::pipeline! {
            /// Comes out of a macro of the user's.
            pub $name($param: u64) {
                start 0..$param;
                step $step, count: 2;
                finish ::core::mem::drop;
            }
        }
    };
}

declare!(FromMacro, limit, |event: u64| event + 1);

::stage_core::pipeline! {
    #[cfg(any())]
    NotHere() {
        start nowhere;
        finish drop;
    }
}

#[test]
fn a_pipeline_is_declared_wherever_an_item_can_be() {
    ::stage_core::pipeline! {
        Local<T: ::std::clone::Clone + Send + 'static, const N: usize>(value: T) where T: PartialEq {
            start || ::std::iter::repeat_n(value, N);
            finish |event| assert!(event == value);
        }
    }
    let shadows = declared::Shadows::new(1, 2, 3, 4, 5);
    assert_eq!(shadows.topology().stages(), 1 + 4 + 5 + 2);
    assert_eq!(FromMacro::new(3).topology().stages(), 1 + 2 + 1);
    let _ = Local::<u8, 3>::new(1).topology();
    let _: ::stage_core::Pipeline = FromMacro::new(3).into();
}
