//! Which cases wait for something that flows cannot do yet, and for what?

/// The ids that have no test yet.
pub(super) const OPEN: &[(&str, &str)] = &[
    ("F026", NAME),
    ("F029", NAME),
    ("F051", NAME),
    ("F057", NAME),
    ("F072", NAME),
    ("F074", NAME),
    ("F130", "no consumer is started and started again with a flow"),
    ("F131", "to subscribe takes no time that could be too long"),
    ("F145", TIMER),
    ("F154", TIMER),
    ("F162", "a trigger of one's own has no effect where windows go by event time"),
    ("F165", TIMER),
    ("G09", "a source that is idle holds the watermark back"),
];

const NAME: &str = "a started flow has no name to be found by";
const TIMER: &str = "a reducer cannot set a trigger by a timer of its own";
