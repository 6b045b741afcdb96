//! The body of an answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Event, Key, Malformed, Moment, Payload, mark_of};

/// Events of one answer.
pub(super) struct Batch {
    pub(super) events: Vec<Event>,
    pub(super) malformed: Vec<Malformed>,
    /// As many as the server sent.
    pub(super) count: usize,
    pub(super) now: Option<Moment>,
}

impl Batch {
    /// Drops what lies outside of a span, and sorts.
    pub(super) fn keep(&mut self, since: Moment, until: Option<Moment>) {
        self.events.retain(|event| event.created_at >= since && until.is_none_or(|until| event.created_at <= until));
        self.events.sort_by(|a, b| (a.created_at, &a.key).cmp(&(b.created_at, &b.key)));
    }

    pub(super) fn join(&mut self, other: Self) {
        self.events.extend(other.events);
        self.events.sort_by(|a, b| (a.created_at, &a.key).cmp(&(b.created_at, &b.key)));
        self.events.dedup_by(|a, b| a.key == b.key);
        self.malformed.extend(other.malformed);
    }

    /// An end for a span that should fit: where three fifths of a cut answer lie.
    pub(super) fn until(&self, from: Moment, page: usize) -> Moment {
        self.events.get(page * 3 / 5).or_else(|| self.events.last()).map_or(from, |event| event.created_at)
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    events: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Element {
    aggregate: Aggregate,
    #[serde(rename = "type")]
    kind: Kind,
    sequence: Number,
    creation_date: String,
    payload: Option<Box<RawValue>>,
    #[serde(default)]
    editor: Editor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aggregate {
    id: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    resource_owner: String,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Editor {
    user_id: String,
}

/// 64-bit numbers are texts in JSON of protobuf.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Plain(i64),
}

/// Parts of an event that a broken one may still have.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Remains {
    aggregate: serde_json::Value,
    sequence: serde_json::Value,
    creation_date: serde_json::Value,
}

/// Reads a body. Bytes that are no UTF-8 are replaced.
///
/// # Errors
/// What is wrong with it as a whole; a single wrong event is given as malformed.
pub(super) fn read(body: &[u8], instance: &str) -> Result<Batch, String> {
    let text = String::from_utf8_lossy(body);
    let body: Body<'_> = serde_json::from_str(&text)
        .map_err(|error| format!("{} at line {}, column {}", kind(&error), error.line(), error.column()))?;
    let mut batch = Batch {
        events: Vec::with_capacity(body.events.len()),
        malformed: Vec::new(),
        count: body.events.len(),
        now: None,
    };
    for raw in body.events {
        match event(raw, instance) {
            Ok(event) => batch.events.push(event),
            Err(reason) => batch.malformed.push(malformed(raw, reason)),
        }
    }
    Ok(batch)
}

/// The message of an error's body, shortened.
pub(super) fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        message: String,
    }
    let failure: Option<Failure> = serde_json::from_slice(body).ok();
    failure.map_or_else(|| "no message".to_owned(), |failure| failure.message.chars().take(200).collect())
}

/// Never the parser's own words, which quote what was read.
fn kind(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "not JSON",
        _ => "not of the expected shape",
    }
}

fn event(raw: &RawValue, instance: &str) -> Result<Event, String> {
    let element: Element = serde_json::from_str(raw.get()).map_err(|error| kind(&error).to_owned())?;
    let sequence = match element.sequence {
        Number::Plain(number) => number,
        Number::Text(text) => text.parse().map_err(|_| "the sequence is no number".to_owned())?,
    };
    let created_at = Moment::parse(&element.creation_date).ok_or("the creation date is no time")?;
    if element.kind.name.is_empty() || element.aggregate.id.is_empty() {
        return Err("type or aggregate is empty".to_owned());
    }
    Ok(Event {
        key: Key {
            instance: instance.to_owned(),
            aggregate_type: element.aggregate.kind.name,
            aggregate_id: element.aggregate.id,
            sequence,
        },
        kind: element.kind.name,
        created_at,
        owner: element.aggregate.resource_owner,
        editor: element.editor.user_id,
        payload: element.payload.filter(|raw| raw.get() != "null").map_or(Payload::None, Payload::Json),
    })
}

fn malformed(raw: &RawValue, reason: String) -> Malformed {
    let remains: Remains = serde_json::from_str(raw.get()).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let id = remains.aggregate.get("id").and_then(&text).unwrap_or_default();
    let sequence = text(&remains.sequence).unwrap_or_default();
    Malformed {
        reason,
        known: format!("aggregate {id:?}, sequence {sequence:?}"),
        mark: mark_of(&[raw.get()]),
        created_at: text(&remains.creation_date).and_then(|time| Moment::parse(&time)),
    }
}
