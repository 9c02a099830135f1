//! The macro that declares the tests of a connector.

/// Declares a test for each law of connectors, against a [`LawServer`](crate::laws::LawServer).
///
/// ```
/// # mod tests {
/// use stage_connect::memory::MemoryServer;
///
/// stage_connect::laws!(MemoryServer<u64>);
/// # }
/// ```
#[macro_export]
macro_rules! laws {
    ($server:ty) => {
        $crate::laws!(
            $server:
            every_message_is_handled_and_leaves_the_server
            messages_of_a_lost_client_come_back
            a_dropped_pull_loses_nothing
            no_more_is_pulled_than_was_asked_for
            a_slow_sink_holds_up_the_server
            a_drain_ends_a_long_poll
            a_long_pause_keeps_its_leases
            a_failed_message_comes_back
            a_poisoned_message_is_set_aside
            a_stopped_message_is_not_counted
            a_server_that_goes_away_is_awaited
            broken_connections_lose_nothing
        );
    };
    ($server:ty: $($law:ident)+) => {
        $(
            #[test]
            fn $law() {
                $crate::laws::run::<$server, _>($crate::laws::$law);
            }
        )+
    };
}
