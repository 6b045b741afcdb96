//! One review, one answer: pure, so the answer to a dry run is the answer.

use blinkchamber_contract::plan::{Decision, Defaults, Request, plan};

use crate::patch::patch;
use crate::review::{Malformed, Review};

#[cfg(test)]
mod tests;

/// What became of a review.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The review to send back.
    pub(crate) answer: Vec<u8>,
    pub(crate) outcome: Outcome,
    /// Where the pod is to live.
    pub(crate) namespace: String,
}

/// What became of a pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Injected,
    /// With the reason that the user is given.
    Refused(String),
    Skipped,
    /// Injected by an earlier call of the same admission, and still as it should be.
    Unchanged,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the answer cannot be written: {0}")]
    Write(serde_json::Error),
}

/// Answers a review.
pub(crate) fn mutate(body: &[u8], defaults: &Defaults) -> Result<Verdict, Failure> {
    let review = Review::read(body)?;
    let Some(pod) = &review.pod else {
        let answer = review.allow(&[], &[]).map_err(Failure::Write)?;
        return Ok(Verdict { answer, outcome: Outcome::Skipped, namespace: review.namespace.into_owned() });
    };
    let (answer, outcome) = match plan(Request { namespace: &review.namespace, pod }, defaults) {
        Ok(planned) => match planned.decision {
            Decision::Skip => (review.allow(&[], &planned.warnings), Outcome::Skipped),
            Decision::Inject(plan) => {
                let ops = patch("", pod, &plan);
                let outcome = if ops.is_empty() { Outcome::Unchanged } else { Outcome::Injected };
                (review.allow(&ops, &planned.warnings), outcome)
            }
        },
        Err(refusal) => (review.refuse(&refusal.to_string()), Outcome::Refused(refusal.to_string())),
    };
    Ok(Verdict { answer: answer.map_err(Failure::Write)?, outcome, namespace: review.namespace.into_owned() })
}
