//! The numbers of a failure policy as options of a step.

use crate::pipeline::options::Knob;
use crate::policy::FailurePolicy;

/// Lets a configuration set the numbers that the policy of a step has; returns the options.
pub(super) fn adjustable<E>(policy: FailurePolicy<E>) -> (FailurePolicy<E>, Vec<Knob>) {
    let (retry, deadline) = policy.declared();
    let (policy, numbers) = policy.with_numbers();
    let mut knobs = Vec::new();
    if let Some(retry) = retry {
        let (first, most, attempts) = retry.parts();
        knobs.push(Knob::Retries { preset: numbers.retries, declared: attempts });
        knobs.push(Knob::RetryFirst { preset: numbers.first, declared: first });
        knobs.push(Knob::RetryMost { preset: numbers.most, declared: most });
    }
    if let Some(declared) = deadline {
        knobs.push(Knob::Deadline { preset: numbers.deadline, declared });
    }
    (policy, knobs)
}
