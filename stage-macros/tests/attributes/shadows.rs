//! The attributes keep their meaning where the user's names are like theirs.

#![allow(dead_code, non_camel_case_types, reason = "names to be mixed up with")]

mod core {}
mod std {}
struct Ok;
struct Result;
struct Option;
struct Clone;
struct Iterator;
struct String;

/// The output of a function whose names are those of the callback.
#[::stage_core::producer_consumer]
fn event(events: u32, #[arg] out: &u32, #[arg] demand: u32) -> u32 {
    events + out + demand
}

#[::stage_core::producer(option)]
fn made(#[arg] turn: &mut u32, #[arg] wanted: &str) -> ::core::option::Option<u32> {
    *turn += 1;
    (wanted.len() > *turn as usize).then_some(*turn)
}

#[::stage_core::consumer]
#[allow(clippy::needless_pass_by_value)]
fn r#match(_cx: ::std::string::String) {}

/// Stages that come out of a macro of the user's.
macro_rules! adders {
    ($($name:ident, $param:ident: $ty:ty, $body:expr;)*) => {
        $(
            /// Adds.
            #[::stage_core::producer_consumer]
            pub(crate) fn $name($param: $ty, #[arg] more: &$ty) -> $ty {
                $body + *more
            }
        )*
    };
}

adders! {
    add_small, number: u8, number;
    add_large, number: u64, number * 2;
}

#[::tokio::test]
async fn names_are_not_mixed_up() {
    let events = crate::support::through(::std::vec![1, 2], || Event::new(10, 100)).await;
    assert_eq!(events.unwrap(), [111, 112]);
    let numbers =
        crate::support::out_of(9, || ::core::result::Result::Ok(Made::new(0, ToString::to_string("four"))));
    assert_eq!(numbers.await, [1, 2, 3]);
    let _ = Match::new();
    assert_eq!(crate::support::through(::std::vec![1_u8], || AddSmall::new(2)).await.unwrap(), [3]);
    assert_eq!(crate::support::through(::std::vec![1_u64], || AddLarge::new(2)).await.unwrap(), [4]);
}

#[::tokio::test]
async fn a_stage_is_declared_wherever_an_item_can_be() {
    #[::stage_core::producer_consumer]
    fn local<T: Send>(event: T) -> [T; 1] {
        [event]
    }
    let events = crate::support::through(::std::vec!['a'], Local::new).await;
    assert_eq!(events.unwrap(), [['a']]);
}
