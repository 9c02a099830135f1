//! F138 to F145: one window for everything.

use flow::Window;

use super::{After, Demand, KEPT, RESET, sums};
use crate::support::gives_in_order;

fn every_ten() -> Window {
    Window::global().trigger_every(10)
}

#[test]
fn f139_a_sum_is_kept_with_small_demand() {
    gives_in_order(&sums(every_ten(), Demand::Small, After::Keep), KEPT);
    gives_in_order(&sums(every_ten(), Demand::Large, After::Keep), KEPT);
}

#[test]
fn f140_a_sum_is_reset_with_large_demand() {
    gives_in_order(&sums(every_ten(), Demand::Large, After::Reset), RESET);
}

#[test]
fn f141_a_sum_is_reset_with_small_demand() {
    gives_in_order(&sums(every_ten(), Demand::Small, After::Reset), RESET);
}
