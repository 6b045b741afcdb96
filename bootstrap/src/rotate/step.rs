//! The next step of a rotation: a function of what the secret holds and of the time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::desired::{Kind, Rotation, Twin, seconds};
use crate::{Failure, random};

#[cfg(test)]
mod tests;

/// Key of the secret under which rotations note themselves, by name. Their times are no secret.
const RECORD: &str = "rotation";
const ANNOUNCED: &str = "announced";
const FLIPPED: &str = "flipped";
const DONE: &str = "done";

/// What to do.
#[derive(Debug, Eq, PartialEq)]
pub enum Next {
    /// Nothing: it is finished.
    Done,
    /// Nothing for this long.
    Wait(Duration),
    /// Write the data, which has been changed; what that means.
    Write(&'static str),
}

/// Changes `data` to what the next step wants. One that is finished begins anew unless it `ends` here.
///
/// # Errors
/// [`Failure::Failed`] when the secret does not hold what the rotation says.
pub fn next(rotation: &Rotation, data: &mut Map<String, Value>, now: Timestamp, ends: bool) -> Result<Next, Failure> {
    let record = record(rotation, data);
    let (step, since) = record.unwrap_or_else(|| (DONE.to_owned(), Timestamp::UNIX_EPOCH));
    let left = |limit: &str| {
        let limit = SignedDuration::from_secs(seconds(limit).and_then(|all| all.try_into().ok()).unwrap_or_default());
        let left = limit - now.duration_since(since);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    };
    let (to, what) = match step.as_str() {
        ANNOUNCED => match left(&rotation.settle) {
            Some(left) => return Ok(Next::Wait(left)),
            None => (FLIPPED, flip(rotation, data)?),
        },
        FLIPPED => match left(&rotation.grace) {
            Some(left) => return Ok(Next::Wait(left)),
            None => (DONE, retire(rotation, data)?),
        },
        _ if ends => return Ok(Next::Done),
        _ => begin(rotation, data)?,
    };
    note(rotation, data, to, now);
    Ok(Next::Write(what))
}

/// Whether it has begun and not ended.
#[must_use]
pub fn is_under_way(rotation: &Rotation, data: &Map<String, Value>) -> bool {
    record(rotation, data).is_some_and(|(step, _)| step != DONE)
}

/// The step that was done last, and when.
#[must_use]
pub fn record(rotation: &Rotation, data: &Map<String, Value>) -> Option<(String, Timestamp)> {
    let record = data.get(RECORD)?.get(&rotation.name)?;
    Some((record.get("step")?.as_str()?.to_owned(), record.get("at")?.as_str()?.parse().ok()?))
}

fn note(rotation: &Rotation, data: &mut Map<String, Value>, step: &str, now: Timestamp) {
    let records = data.entry(RECORD).or_insert_with(|| json!({}));
    if !records.is_object() {
        *records = json!({});
    }
    if let Some(records) = records.as_object_mut() {
        records.insert(rotation.name.clone(), json!({"step": step, "at": now.to_string()}));
    }
}

fn begin(rotation: &Rotation, data: &mut Map<String, Value>) -> Result<(&'static str, &'static str), Failure> {
    let new = fresh(rotation)?;
    Ok(match &rotation.kind {
        Kind::InPlace { key } => {
            held(rotation, data, key)?;
            data.insert(key.clone(), new);
            (DONE, "replaced")
        }
        Kind::Overlap { key } => {
            held(rotation, data, key)?;
            data.insert(previous(key), new);
            (ANNOUNCED, "step 1 of 3: servers learn the new password")
        }
        Kind::Twins { .. } => {
            let [_, idle] = twins(rotation, data)?;
            data.insert(idle.key.clone(), new);
            (ANNOUNCED, "step 1 of 3: the idle user has a new password")
        }
    })
}

fn flip(rotation: &Rotation, data: &mut Map<String, Value>) -> Result<&'static str, Failure> {
    Ok(match &rotation.kind {
        Kind::InPlace { .. } => "nothing to be done",
        Kind::Overlap { key } => {
            let (current, other) = (held(rotation, data, key)?, held(rotation, data, &previous(key))?);
            data.insert(key.clone(), other);
            data.insert(previous(key), current);
            "step 2 of 3: clients use the new password; servers take both"
        }
        Kind::Twins { .. } => {
            let [_, idle] = twins(rotation, data)?;
            let password = held(rotation, data, &idle.key)?;
            data.insert("username".to_owned(), json!(idle.username));
            data.insert("password".to_owned(), password);
            "step 2 of 3: clients use the other user"
        }
    })
}

fn retire(rotation: &Rotation, data: &mut Map<String, Value>) -> Result<&'static str, Failure> {
    Ok(match &rotation.kind {
        Kind::InPlace { .. } => "nothing to be done",
        Kind::Overlap { key } => {
            data.remove(&previous(key));
            "step 3 of 3: the replaced password is refused"
        }
        Kind::Twins { .. } => {
            let [_, idle] = twins(rotation, data)?;
            data.insert(idle.key.clone(), fresh(rotation)?);
            "step 3 of 3: the replaced user's password is one that nobody was told"
        }
    })
}

/// The user in use and the idle one.
fn twins<'a>(rotation: &'a Rotation, data: &Map<String, Value>) -> Result<[&'a Twin; 2], Failure> {
    let Kind::Twins { users: [one, other] } = &rotation.kind else {
        return Err(Failure::Failed(format!("{}: has no two users", rotation.name)));
    };
    let username = data.get("username").and_then(Value::as_str).unwrap_or_default();
    if username == one.username {
        Ok([one, other])
    } else if username == other.username {
        Ok([other, one])
    } else {
        let (path, one, other) = (&rotation.path, &one.username, &other.username);
        Err(Failure::Failed(format!("{path}: username is {username:?}, neither {one} nor {other}")))
    }
}

fn held(rotation: &Rotation, data: &Map<String, Value>, key: &str) -> Result<Value, Failure> {
    let found = data.get(key).filter(|value| value.is_string()).cloned();
    found.ok_or_else(|| Failure::Failed(format!("{}: has no key {key:?}", rotation.path)))
}

fn fresh(rotation: &Rotation) -> Result<Value, Failure> {
    Ok(Value::String(random::password(rotation.length)?.to_string()))
}

fn previous(key: &str) -> String {
    format!("{key}-previous")
}
