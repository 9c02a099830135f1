//! Which cases wait for something that flows cannot do yet, and for what?

/// The ids that have no test yet.
pub(super) const OPEN: &[(&str, &str)] = &[
    ("F145", TIMER),
    ("F154", TIMER),
    ("F162", "a trigger of one's own has no effect where windows go by event time"),
    ("F165", TIMER),
    ("G09", "a source that is idle holds the watermark back"),
];

const TIMER: &str = "a reducer cannot set a trigger by a timer of its own";
