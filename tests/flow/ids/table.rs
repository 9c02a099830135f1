//! The cases of the conformance table, by section, and their classification.
//!
//! The original has 185 tests; the table is a sample of 148 of them, and the specification covers the
//! subjects of the others.

/// A section of the table.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) cases: &'static [Case],
}

/// A test of the original.
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) class: Class,
}

/// The classification of a case.
#[derive(Clone, Copy)]
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

const fn as_is(id: &'static str) -> Case {
    case(id, AsIs)
}

const fn adapts(id: &'static str) -> Case {
    case(id, Adapts)
}

pub(super) const TABLE: &[Section] = &[
    Section {
        title: "Started and supervised",
        cases: &[
            case(
                "F001",
                NotApplicable(
                    "there are no child specifications: a flow is a value, and its owner starts it",
                ),
            ),
            adapts("F002"),
        ],
    },
    Section {
        title: "Orders that are refused",
        cases: &[adapts("F004"), adapts("F005"), adapts("F006"), as_is("F007")],
    },
    Section { title: "Failing sources", cases: &[adapts("F009"), adapts("F010")] },
    Section { title: "Nothing is left behind", cases: &[adapts("F011"), adapts("F012")] },
    Section {
        title: "Two sources, two stages",
        cases: &[
            as_is("F014"),
            as_is("F015"),
            as_is("F016"),
            as_is("F017"),
            as_is("F019"),
            adapts("F020"),
            as_is("F021"),
            as_is("F022"),
            as_is("F024"),
            as_is("F025"),
            adapts("F026"),
            as_is("F027"),
            adapts("F029"),
            as_is("F030"),
            as_is("F031"),
            as_is("F032"),
            as_is("F034"),
            as_is("F035"),
            adapts("F036"),
            adapts("F037"),
        ],
    },
    Section {
        title: "Two sources, four stages",
        cases: &[
            as_is("F039"),
            as_is("F040"),
            as_is("F041"),
            as_is("F042"),
            as_is("F044"),
            as_is("F045"),
            as_is("F046"),
            adapts("F047"),
            adapts("F049"),
            as_is("F050"),
            adapts("F051"),
            as_is("F052"),
            as_is("F054"),
            as_is("F055"),
            as_is("F056"),
            adapts("F057"),
            as_is("F059"),
        ],
    },
    Section {
        title: "Three sources, four partitions",
        cases: &[
            adapts("F060"),
            as_is("F061"),
            as_is("F062"),
            as_is("F064"),
            adapts("F065"),
            as_is("F066"),
            adapts("F067"),
            adapts("F069"),
            as_is("F070"),
            as_is("F071"),
            adapts("F072"),
            adapts("F074"),
            adapts("F075"),
            adapts("F076"),
            adapts("F077"),
            adapts("F079"),
            adapts("F080"),
        ],
    },
    Section {
        title: "Running stages as a source",
        cases: &[as_is("F081"), as_is("F082"), as_is("F084"), as_is("F085"), as_is("F086")],
    },
    Section {
        title: "Stages of the flow's own as a source",
        cases: &[as_is("F087"), as_is("F089"), as_is("F090"), as_is("F091"), as_is("F092"), adapts("F094")],
    },
    Section {
        title: "Partitions",
        cases: &[as_is("F095"), adapts("F096"), adapts("F097"), adapts("F099"), adapts("F100")],
    },
    Section { title: "Rankings", cases: &[as_is("F101"), as_is("F102")] },
    Section {
        title: "Departitions",
        cases: &[adapts("F104"), as_is("F105"), adapts("F106"), adapts("F107"), adapts("F109")],
    },
    Section { title: "Merged flows", cases: &[as_is("F110"), as_is("F111"), adapts("F112"), as_is("F114")] },
    Section {
        title: "Joins",
        cases: &[
            as_is("F115"),
            as_is("F116"),
            as_is("F117"),
            as_is("F119"),
            as_is("F120"),
            as_is("F121"),
            as_is("F122"),
            adapts("F124"),
            adapts("F125"),
            as_is("F126"),
        ],
    },
    Section {
        title: "Flows that feed others",
        cases: &[adapts("F127"), adapts("F129"), adapts("F130"), adapts("F131"), as_is("F132")],
    },
    Section { title: "Initialisation", cases: &[as_is("F134")] },
    Section { title: "Triggers of all windows", cases: &[adapts("F135"), as_is("F136"), as_is("F137")] },
    Section {
        title: "Windows: global",
        cases: &[as_is("F139"), as_is("F140"), as_is("F141"), as_is("F142"), adapts("F144"), adapts("F145")],
    },
    Section {
        title: "Windows: by count",
        cases: &[
            as_is("F146"),
            as_is("F147"),
            as_is("F149"),
            as_is("F150"),
            as_is("F151"),
            as_is("F152"),
            adapts("F154"),
            as_is("F155"),
            as_is("F156"),
            as_is("F157"),
        ],
    },
    Section {
        title: "Windows: of event time, in order",
        cases: &[
            as_is("F159"),
            as_is("F160"),
            as_is("F161"),
            as_is("F162"),
            adapts("F164"),
            adapts("F165"),
            as_is("F166"),
            as_is("F167"),
            as_is("F169"),
            adapts("F170"),
        ],
    },
    Section {
        title: "Windows: of event time, out of order",
        cases: &[
            as_is("F171"),
            as_is("F172"),
            as_is("F174"),
            adapts("F175"),
            as_is("F176"),
            as_is("F177"),
            adapts("F179"),
            as_is("F180"),
            as_is("F181"),
            as_is("F182"),
        ],
    },
    Section { title: "Windows: by the clock", cases: &[adapts("F184"), adapts("F185")] },
];

/// The examples of the documentation that are adapted.
pub(super) const EXAMPLES: std::ops::RangeInclusive<usize> = 1..=23;
/// The list of cases that the suite leaves out.
pub(super) const LEFT_OUT: std::ops::RangeInclusive<usize> = 1..=20;
