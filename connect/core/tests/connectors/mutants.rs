//! Each fault of a connector violates its law.

use stage_connect::laws;
use stage_connect::memory::{Fault, MemoryServer};
use tokio::task::JoinError;

/// Runs a law against a faulty connector and returns its complaint.
macro_rules! complaint {
    ($law:ident, $fault:ident) => {{
        let server = MemoryServer::new().with_fault(Fault::$fault);
        let failed: JoinError = tokio::spawn(laws::$law::<MemoryServer<u64>>(server))
            .await
            .expect_err(concat!(stringify!($fault), " violates ", stringify!($law)));
        let panic = failed.into_panic();
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap()
    }};
}

#[tokio::test(start_paused = true)]
async fn each_fault_violates_its_law() {
    for (complaint, words) in [
        (complaint!(messages_of_a_lost_client_come_back, AcknowledgesOnPull), "is lost"),
        (complaint!(a_dropped_pull_loses_nothing, LosesOnCancel), "is lost"),
        (complaint!(no_more_is_pulled_than_was_asked_for, PullsBeyondDemand), "were asked for"),
        (complaint!(a_slow_sink_holds_up_the_server, PullsBeyondDemand), "were asked for"),
        (complaint!(a_drain_ends_a_long_poll, EndsSlowly), "a drain during a poll"),
        (complaint!(a_long_pause_keeps_its_leases, KeepsNoLease), "delivered again"),
        (complaint!(a_failed_message_comes_back, DropsRetried), "is lost"),
        (complaint!(a_poisoned_message_is_set_aside, CountsNoAttempts), "were delivered again"),
        (complaint!(a_poisoned_message_is_set_aside, DropsDead), "one message is dead"),
        (complaint!(a_stopped_message_is_not_counted, CountsReleases), "is lost"),
        (complaint!(a_server_that_goes_away_is_awaited, GivesUp), "says that it waits"),
        (complaint!(broken_connections_lose_nothing, LosesWithConnection), "is lost"),
    ] {
        assert!(complaint.contains(words), "`{words}` is not in `{complaint}`");
    }
}
