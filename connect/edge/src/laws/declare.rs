//! The macro that declares the tests of a server.

/// Declares a test for each law of pools, against a [`PoolServer`](crate::laws::PoolServer).
///
/// ```
/// # mod tests {
/// use stage_edge::laws::PoolServer;
/// use stage_edge::memory::MemoryEdge;
///
/// struct Memory(MemoryEdge);
///
/// impl PoolServer for Memory {
///     type Edge = MemoryEdge;
///
///     async fn start() -> Option<Self> {
///         Some(Self(MemoryEdge::new()))
///     }
///
///     async fn client(&self) -> MemoryEdge {
///         self.0.clone()
///     }
/// }
///
/// stage_edge::pool_laws!(Memory);
/// # }
/// ```
#[macro_export]
macro_rules! pool_laws {
    ($server:ty) => {
        $crate::pool_laws!(
            $server:
            machines_share_the_events
            a_full_pool_holds_up_its_senders
            the_window_bounds_the_frames_of_all_machines
            only_the_events_that_fail_are_dead
            a_drain_gives_nothing_out_twice
            a_frame_that_failed_continues_after_a_drain
            parts_of_a_pipeline_share_a_pool
            a_frame_is_stored_once
            notes_are_compared_and_set
            partitions_are_refused
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
