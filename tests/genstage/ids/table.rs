//! The cases of the conformance table, by section, and their classification.
//!
//! The original has 212 tests; the table is a sample of 170 of them, and the specification covers the
//! subjects of the others.

/// A section of the table.
pub(super) struct Section {
    pub(super) number: u32,
    pub(super) title: &'static str,
    pub(super) cases: &'static [Case],
}

/// A test of the original.
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) class: Class,
}

/// The classification of a case.
pub(super) enum Class {
    /// The same behaviour, with a different API.
    AsIs,
    /// The same point, with a different set-up or observation.
    Adapts,
    /// Impossible here, for this reason.
    NotApplicable(&'static str),
}

use Class::{Adapts, AsIs, NotApplicable};

const fn case(id: &'static str, class: Class) -> Case {
    Case { id, class }
}

pub(super) const TABLE: &[Section] = &[
    Section {
        number: 1,
        title: "Consumer demand and batch splitting",
        cases: &[
            case("G002", AsIs),
            case("G004", AsIs),
            case("G005", AsIs),
            case("G006", AsIs),
            case("G007", Adapts),
        ],
    },
    Section {
        number: 2,
        title: "producer_consumer demand and queueing",
        cases: &[
            case("G009", AsIs),
            case("G010", AsIs),
            case("G011", AsIs),
            case("G012", AsIs),
            case("G014", AsIs),
            case("G015", AsIs),
            case("G016", Adapts),
            case("G017", AsIs),
        ],
    },
    Section {
        number: 3,
        title: "Demand mode: accumulate / forward",
        cases: &[case("G019", Adapts), case("G020", AsIs), case("G021", AsIs), case("G022", AsIs)],
    },
    Section {
        number: 4,
        title: "Stage buffer and discards",
        cases: &[
            case("G024", AsIs),
            case("G025", AsIs),
            case("G026", AsIs),
            case("G027", AsIs),
            case("G029", AsIs),
            case("G030", AsIs),
            case("G031", AsIs),
        ],
    },
    Section {
        number: 5,
        title: "Queued info messages",
        cases: &[
            case("G032", AsIs),
            case("G034", AsIs),
            case("G035", AsIs),
            case("G036", AsIs),
            case("G037", AsIs),
            case("G039", AsIs),
            case("G040", AsIs),
            case("G041", AsIs),
            case("G042", AsIs),
        ],
    },
    Section {
        number: 6,
        title: "Subscribe, resubscribe, manual demand",
        cases: &[
            case("G044", Adapts),
            case("G045", AsIs),
            case("G046", Adapts),
            case("G047", Adapts),
            case("G049", AsIs),
            case("G050", AsIs),
            case("G051", AsIs),
            case("G052", AsIs),
            case("G054", AsIs),
            case("G055", AsIs),
            case("G056", AsIs),
            case("G057", AsIs),
        ],
    },
    Section {
        number: 7,
        title: "Producer callbacks",
        cases: &[
            case("G059", AsIs),
            case("G060", NotApplicable("the callback of the producing side has no mode to return")),
            case("G061", AsIs),
            case("G062", Adapts),
            case("G064", AsIs),
            case("G065", AsIs),
            case("G066", NotApplicable("no notice of an unknown peer can reach a stage")),
            case("G067", AsIs),
        ],
    },
    Section {
        number: 8,
        title: "Consumer callbacks and cancel modes",
        cases: &[
            case("G069", Adapts),
            case("G070", AsIs),
            case("G071", NotApplicable("`Asking` has no unknown value")),
            case("G072", AsIs),
            case("G074", AsIs),
            case("G075", AsIs),
            case("G076", Adapts),
            case("G077", Adapts),
            case("G079", NotApplicable("no notice of an unknown peer can reach a stage")),
            case("G080", AsIs),
            case("G081", NotApplicable("a consumer has nothing to emit with")),
            case("G082", Adapts),
        ],
    },
    Section {
        number: 9,
        title: "producer_consumer callbacks and cancel modes",
        cases: &[
            case("G084", AsIs),
            case("G085", NotApplicable("the answer of the producing side is not looked at")),
            case("G086", AsIs),
            case("G087", Adapts),
            case("G089", NotApplicable("`Asking` has no unknown value")),
            case("G090", AsIs),
            case("G091", AsIs),
            case("G092", Adapts),
            case("G094", Adapts),
            case("G095", Adapts),
            case("G096", Adapts),
        ],
    },
    Section {
        number: 10,
        title: "Protocol violations",
        cases: &[
            case("G097", Adapts),
            case("G099", NotApplicable("a consumer has no address to subscribe to")),
            case("G100", Adapts),
            case("G101", NotApplicable("a producer has no address to send events to")),
        ],
    },
    Section {
        number: 11,
        title: "Pull stream over stages",
        cases: &[
            case("G102", Adapts),
            case("G104", NotApplicable("a task has no inbox that others share")),
            case("G105", Adapts),
            case("G106", Adapts),
            case("G107", Adapts),
            case("G109", Adapts),
            case("G110", AsIs),
            case("G111", Adapts),
            case("G112", Adapts),
            case("G114", AsIs),
            case("G115", AsIs),
        ],
    },
    Section {
        number: 12,
        title: "Producer from an iterator",
        cases: &[case("G116", Adapts), case("G117", Adapts)],
    },
    Section {
        number: 13,
        title: "Names and child specs",
        cases: &[
            case("G001", NotApplicable("there are no child specifications")),
            case("G119", AsIs),
            case("G120", Adapts),
            case("G121", NotApplicable("there is no second kind of registry")),
            case("G122", NotApplicable("there is no distribution")),
            case("G124", NotApplicable("a name cannot be taken for options")),
        ],
    },
    Section {
        number: 14,
        title: "Buffer data structure (unit)",
        cases: &[
            case("G125", AsIs),
            case("G126", AsIs),
            case("G127", AsIs),
            case("G129", AsIs),
            case("G130", AsIs),
            case("G131", AsIs),
            case("G132", AsIs),
            case("G134", AsIs),
        ],
    },
    Section {
        number: 15,
        title: "DemandDispatcher (unit)",
        cases: &[
            case("G135", AsIs),
            case("G136", AsIs),
            case("G137", AsIs),
            case("G139", AsIs),
            case("G140", AsIs),
            case("G141", AsIs),
            case("G142", AsIs),
        ],
    },
    Section {
        number: 16,
        title: "BroadcastDispatcher (unit)",
        cases: &[
            case("G144", AsIs),
            case("G145", AsIs),
            case("G146", AsIs),
            case("G147", AsIs),
            case("G149", AsIs),
            case("G150", AsIs),
            case("G151", AsIs),
            case("G152", AsIs),
            case("G154", AsIs),
        ],
    },
    Section {
        number: 17,
        title: "PartitionDispatcher (unit)",
        cases: &[
            case("G155", AsIs),
            case("G156", AsIs),
            case("G157", AsIs),
            case("G159", AsIs),
            case("G160", AsIs),
            case("G161", AsIs),
            case("G162", AsIs),
            case("G164", AsIs),
            case("G165", Adapts),
            case("G166", Adapts),
            case("G167", Adapts),
        ],
    },
    Section {
        number: 18,
        title: "ConsumerSupervisor: start, config, code change",
        cases: &[
            case("G169", NotApplicable("there are no child specifications")),
            case("G170", NotApplicable("there is one factory, no strategy, and options have types")),
            case("G171", Adapts),
            case("G172", NotApplicable("there is no process metadata")),
            case("G174", Adapts),
            case("G175", NotApplicable("there are no child specifications")),
            case("G176", NotApplicable("there are no child specifications")),
            case("G177", NotApplicable("there are no child specifications")),
            case("G179", NotApplicable("code is not exchanged while it runs")),
            case("G180", NotApplicable("code is not exchanged while it runs")),
        ],
    },
    Section {
        number: 19,
        title: "ConsumerSupervisor: children and restarts",
        cases: &[
            case("G181", Adapts),
            case("G182", Adapts),
            case("G184", AsIs),
            case("G185", AsIs),
            case("G186", AsIs),
            case("G187", AsIs),
            case("G189", AsIs),
        ],
    },
    Section {
        number: 20,
        title: "ConsumerSupervisor: termination",
        cases: &[
            case("G190", Adapts),
            case("G191", Adapts),
            case("G192", Adapts),
            case("G194", Adapts),
            case("G195", Adapts),
            case("G196", Adapts),
            case("G197", Adapts),
        ],
    },
    Section {
        number: 21,
        title: "ConsumerSupervisor: subscribing",
        cases: &[
            case("G199", AsIs),
            case("G200", AsIs),
            case("G201", Adapts),
            case("G202", Adapts),
            case("G204", AsIs),
        ],
    },
    Section {
        number: 22,
        title: "ConsumerSupervisor: consuming under demand",
        cases: &[
            case("G205", Adapts),
            case("G206", AsIs),
            case("G207", Adapts),
            case("G209", AsIs),
            case("G210", AsIs),
            case("G211", AsIs),
            case("G212", Adapts),
        ],
    },
];
