//! The table of the step options. Adding an option takes a row here, a row in the macro's table
//! (`stage-macros/src/step_options.rs`), and the code that acts on it.

/// Passes the table to `$with`. A row holds the documentation of the setter; the variant of
/// `config::Setting`; the field with the setter's argument, its type and its default; and
/// for files: a short description, the functions that read and show a value, and the legal values.
macro_rules! step_options {
    ($with:ident) => {
        $with! {
            /// Sets the number of parallel copies of the step, 1 to 65,536, or a range such as `1..=8`. Default: 1.
            ///
            /// With a range, the step begins with the smallest number and [follows its load](crate::guide::copies); an
            /// operator can change the number by [`Running::set_count`](crate::Running::set_count). A source has a fixed
            /// number.
            Count count(count: Copies) = Copies::from(1);
            "The number of copies, at least 1, or a range such as `1..=8`.", copies, shown,
            "a whole number of copies, at least 1, or a range such as \"1..=8\"", {};

            /// Sets how the window is chosen: a [tuned](Tuning::Auto) one follows the speed of each copy, whatever
            /// `max_demand` and `min_demand` are. A step that sets one of these has a [fixed](Tuning::Fixed) one,
            /// unless it sets this option too. It has no effect on steps with a meaning of their own for the
            /// window: those that handle several events at once, limit a rate, or otherwise ask by themselves. A
            /// step that takes batches has a fixed window unless it sets this option itself. Default: tuned, unless
            /// the step or the pipeline sets `max_demand` or `min_demand`.
            Demand demand(tuning: Tuning) = Tuning::default();
            "How the window of each copy is chosen.",
            typed, shown, "\"auto\", \"auto(..=500)\" with a bound from 1 to 1000000000, or \"fixed\"", {};

            /// Fixes the window: the outstanding demand, in events, at or below which each copy asks again, 0 to
            /// `max_demand − 1`. Default: [tuned](Self::demand), or 1 for a fixed window.
            MinDemand min_demand(events: usize) = 1;
            "The number of outstanding events at which each copy asks for more, from 0 to `max_demand` − 1.",
            typed, shown, "a whole number of events, from 0 to max_demand - 1", {};

            /// Fixes the window: the maximum number of events that each copy has outstanding at each producer, 1 to
            /// 1,000,000,000. Default: [tuned](Self::demand), or 10 for a fixed window.
            ///
            /// A step that takes batches counts batches. Instead of the pipeline's number, it inherits the number
            /// of batches that hold that many events, at least one; or two, if the declaration does not set the
            /// batch size.
            MaxDemand max_demand(events: usize) = 10;
            "The maximum number of events each copy has outstanding at each producer, at least 1.",
            at_least_1, shown, "a whole number of events, at least 1", {};

            /// Sets where the callbacks run. Default: on the runtime.
            Placement placement(placement: Placement) = Placement::default();
            "Where its callbacks run.", typed, shown, PLACEMENTS, {};

            /// Sets how many events without demand each copy buffers. Default: 10,000 for a source, unlimited
            /// for a step. Has no effect on a last step.
            Buffer buffer(capacity: Capacity) = Capacity::Unbounded;
            "The number of events without demand that it buffers, or `unbounded`.",
            bounded, shown_capacity, "a whole number of events, or \"unbounded\"", { #[serde(with = "capacity")] };

            /// Sets which events a full buffer keeps. Default: the last.
            Keep keep(keep: Keep) = Keep::default();
            "Which events a full buffer keeps.", typed, shown, "\"first\" or \"last\"", {};

            /// Sets when a copy that has ended is restarted. Default: always, unless it has finished.
            Restart restart(restart: Restart) = Restart::default();
            "Whether a copy that ended is rebuilt.",
            typed, shown, "\"permanent\", \"transient\" or \"temporary\"", {};

            /// Sets the reaction of a copy to the end of one of its producers. Default:
            /// [temporary](CancelMode::Temporary), it continues until all producers have ended; a failed producer
            /// is used again after its restart.
            ///
            /// [Transient](CancelMode::Transient): it fails when a producer fails, and restarts according to
            /// [`restart`](Self::restart). Useful with [`Strategy::OneForOne`](crate::Strategy::OneForOne); with
            /// other strategies it restarts together with the producers anyway.
            /// [Permanent](CancelMode::Permanent): it also finishes as soon as one producer has finished, and takes
            /// no more events from the others. Has no effect on a source.
            Cancel cancel(mode: CancelMode) = CancelMode::Temporary;
            "How a copy reacts when a producer before it ends.",
            typed, shown, "\"permanent\", \"transient\" or \"temporary\"", {};
        }
    };
}

pub(crate) use step_options;
