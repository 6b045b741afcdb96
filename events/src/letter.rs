//! A dead letter: an event that its list did not take, or what came in place of an event, with the reason.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Moment;
use crate::message;

#[cfg(test)]
mod tests;

/// What is in `dead_letter`, as JSON.
#[derive(Deserialize, Serialize)]
pub(crate) struct Letter {
    v: u8,
    pub(crate) reason: String,
    failed_at: String,
    /// Where it belongs; without it nothing can be replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) queue: Option<String>,
    /// The message, never compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<Box<RawValue>>,
    /// What could be read of the key, where there is no message.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
}

impl Letter {
    /// Of a message that was refused.
    pub(crate) fn of_message(queue: &str, message: &[u8], reason: &str) -> Self {
        let json = message::read(message).ok().and_then(|json| String::from_utf8(json).ok());
        let event = json.and_then(|json| RawValue::from_string(json).ok());
        Self { event, queue: Some(queue.to_owned()), ..Self::new(reason) }
    }

    /// Of something that was no event.
    pub(crate) fn of_malformed(known: &str, reason: &str) -> Self {
        Self { known: Some(known.to_owned()), ..Self::new(reason) }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        // Texts and JSON: nothing that could fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn new(reason: &str) -> Self {
        Self {
            v: 1,
            reason: reason.to_owned(),
            failed_at: Moment::now().to_string(),
            queue: None,
            event: None,
            known: None,
        }
    }
}
