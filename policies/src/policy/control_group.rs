//! `control_group`, as OpenBao 2.7 checks it.

use blinkchamber_hcl::{Body, Item, Kind, Position, Value};

use super::{Capability, decode, duration, first, items};

#[cfg(test)]
mod tests;

/// The place and the server's words for what is wrong.
pub(super) fn check(value: &Value) -> Result<(), (Position, String)> {
    let at = |line: String| (value.position, decode::errors(&[line]));
    let Kind::Object(body) = &value.kind else {
        return Err((
            value.position,
            decode::errors(&[format!("cannot check HCL keys of type {}", decode::go_type(value))]),
        ));
    };
    keys(body, &["ttl", "self_auth_allowed", "factor"], value.position)?;
    for item in items(body, "ttl") {
        duration::parse(&item.value).map_err(|reason| at(format!("path control_group: invalid ttl: {reason}")))?;
    }
    let factors: Vec<_> = items(body, "factor").collect();
    if factors.is_empty() {
        return Err(at("requires at least one factor but had none".to_owned()));
    }
    for (index, item) in factors.into_iter().enumerate() {
        factor(item, index)?;
    }
    Ok(())
}

fn factor(item: &Item, index: usize) -> Result<(), (Position, String)> {
    let position = item.value.position;
    let at = |line: String| (position, decode::errors(&[line]));
    if item.keys.len() < 2 {
        let inner = decode::errors(&["path control_group factor: require name key".to_owned()]);
        return Err(at(format!("error handling control_group factor: {inner}")));
    }
    let empty = Body::default();
    let body = if let Kind::Object(body) = &item.value.kind { body } else { &empty };
    keys(body, &["controlled_capabilities", "identity"], position)?;
    let mut controlled = Vec::new();
    for list in items(body, "controlled_capabilities") {
        let words = decode::strings(list, "root.controlled_capabilities");
        controlled.extend(words.map_err(|_| at("controlled_capabilities takes a list of strings".to_owned()))?);
    }
    if controlled.is_empty() {
        return Err(at(format!("factor {index}: missing controlled capabilities")));
    }
    let unknown: Vec<_> =
        controlled.iter().map(|(word, _)| word.as_str()).filter(|word| Capability::parse(word).is_none()).collect();
    if !unknown.is_empty() {
        return Err(at(format!("path control_group Operation(s) not valid: {}", unknown.join(", "))));
    }
    let identity: Vec<_> = items(body, "identity").filter_map(object).collect();
    let groups = identity.iter().flat_map(|body| items(body, "group_names"));
    if !groups.into_iter().any(|item| matches!(&item.value.kind, Kind::List(list) if !list.is_empty())) {
        return Err(at(format!("factor {index}: missing approving groups")));
    }
    let approvals = identity.iter().flat_map(|body| items(body, "approvals"));
    if !approvals.into_iter().any(|item| decode::integer(&item.value, "").is_ok_and(|count| count > 0)) {
        return Err(at(format!("factor {index}: missing required approvals")));
    }
    Ok(())
}

fn object(item: &Item) -> Option<&Body> {
    match &item.value.kind {
        Kind::Object(body) => Some(body),
        _ => None,
    }
}

fn keys(body: &Body, known: &[&str], position: Position) -> Result<(), (Position, String)> {
    let unknown: Vec<_> = body.items.iter().filter(|item| !known.contains(&first(item))).collect();
    let lines: Vec<_> = unknown.iter().map(|item| decode::invalid_key(item)).collect();
    match unknown.first().and_then(|item| item.keys.first()) {
        Some(key) => Err((key.position, decode::errors(&lines))),
        None if lines.is_empty() => Ok(()),
        None => Err((position, decode::errors(&lines))),
    }
}
