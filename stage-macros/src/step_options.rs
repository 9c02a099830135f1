//! The table of the step options, the mirror of stage-core's (`pipeline/options/table.rs`). Adding an option takes a
//! row here, and a variant of `OptionWord` with its word, its example and its owners.

/// Passes the table to `$with`. A row holds the variant of `OptionWord`, the method of the builder, the kind of
/// value, the type of the builder's argument, and the words that stand for its variants.
macro_rules! step_options {
    ($with:ident) => {
        $with! {
            Count count Count Copies [];
            Demand demand Demand Tuning [];
            MinDemand min_demand Number usize [];
            MaxDemand max_demand Number usize [];
            Placement placement Choice Placement [
                ("runtime", "Runtime"), ("blocking", "Blocking"), ("rayon", "Rayon")
            ];
            Buffer buffer Buffer Capacity [];
            Keep keep Choice Keep [("first", "First"), ("last", "Last")];
            Restart restart Choice Restart [
                ("permanent", "Permanent"), ("transient", "Transient"), ("temporary", "Temporary")
            ];
            Cancel cancel Choice CancelMode [
                ("permanent", "Permanent"), ("transient", "Transient"), ("temporary", "Temporary")
            ];
        }
    };
}

pub(crate) use step_options;
