//! What is written into a list: one event as JSON, or the same compressed.
//!
//! The first byte is the version: `{` begins JSON, 1 precedes a Zstandard frame that holds the JSON.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::event::{Event, Payload};
use crate::payload::AllowList;

#[cfg(test)]
mod tests;

/// Before a Zstandard frame.
const COMPRESSED: u8 = 1;

/// Fast, and nearly as small as more work would make a few hundred bytes.
const LEVEL: i32 = 1;

/// Most bytes that a compressed message may become: nobody writes larger ones.
const LARGEST: usize = 16 << 20;

/// How messages are made.
pub(crate) struct Writer {
    pub(crate) allowed: AllowList,
    pub(crate) compress: bool,
    /// Largest JSON, in bytes; beyond it the payload is left out.
    pub(crate) largest: usize,
}

/// A message, and what had to be left out of it.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    pub(crate) omitted: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    v: u8,
    id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    instance: &'a str,
    aggregate_type: &'a str,
    aggregate_id: &'a str,
    sequence: i64,
    created_at: String,
    owner: &'a str,
    editor: &'a str,
    payload: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_omitted: Option<&'static str>,
}

impl Writer {
    /// Never fails: what cannot be said of an event is left out and named.
    pub(crate) fn write(&self, event: &Event) -> Message {
        let (payload, mut omitted) = match &event.payload {
            Payload::None => (Map::new(), None),
            Payload::TooLarge => (Map::new(), Some("too large")),
            Payload::Json(raw) => match serde_json::from_str(raw.get()) {
                Ok(value) => (self.allowed.filter(&event.kind, value), None),
                Err(_) => (Map::new(), Some("unreadable")),
            },
        };
        let mut json = encode(event, payload, omitted);
        if json.len() > self.largest && omitted.is_none() {
            omitted = Some("too large");
            json = encode(event, Map::new(), omitted);
        }
        let bytes = if self.compress { compress(&json) } else { json };
        Message { bytes, omitted }
    }
}

/// The JSON of a message.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(message: &[u8]) -> Result<Vec<u8>, String> {
    match message.split_first() {
        Some((b'{', _)) => Ok(message.to_owned()),
        Some((&COMPRESSED, frame)) => {
            zstd::bulk::decompress(frame, LARGEST).map_err(|error| format!("not a Zstandard frame: {error}"))
        }
        Some((version, _)) => Err(format!("version {version} is not one that this program knows")),
        None => Err("empty".into()),
    }
}

fn encode(event: &Event, payload: Map<String, Value>, payload_omitted: Option<&'static str>) -> Vec<u8> {
    let key = &event.key;
    let body = Body {
        v: 1,
        id: key.to_string(),
        kind: &event.kind,
        instance: &key.instance,
        aggregate_type: &key.aggregate_type,
        aggregate_id: &key.aggregate_id,
        sequence: key.sequence,
        created_at: event.created_at.to_string(),
        owner: &event.owner,
        editor: &event.editor,
        payload,
        payload_omitted,
    };
    // Texts, numbers and a map with texts as keys: nothing that could fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Memory is all that compressing can lack; then the message goes as it is.
pub(crate) fn compress(json: &[u8]) -> Vec<u8> {
    match zstd::bulk::compress(json, LEVEL) {
        Ok(mut frame) => {
            frame.insert(0, COMPRESSED);
            frame
        }
        Err(_) => json.to_owned(),
    }
}
